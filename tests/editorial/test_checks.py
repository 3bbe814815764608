"""Pre-flight finds what would hurt a reader, and forbids approval only for what must be mended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from newsletter.app import Services
from newsletter.core.db import writing
from newsletter.editorial import inbox, issues
from newsletter.editorial.checks import check
from newsletter.editorial.models import Issue
from newsletter.editorial.picture_names import StoredImage
from tests.editorial.making import NOW, a_publication, a_resource, an_approved_issue


def _no_sender(issue: Issue) -> None:
    issue.publication.sender_address = ""


def _no_postal_address(issue: Issue) -> None:
    issue.publication.postal_addresses = {"en": ""}


def _no_burmese(issue: Issue) -> None:
    issue.editorials[:] = [e for e in issue.editorials if e.language != "my"]


def _no_title(issue: Issue) -> None:
    issue.editorials[0].title = " "


def _no_text(issue: Issue) -> None:
    issue.editorials[0].body, issue.editorials[0].footnotes = "\n", []


def _only_a_reference(issue: Issue) -> None:
    """Markdown takes it for the address of a link that nobody wrote."""
    issue.editorials[0].body = "[1]: https://example.org/a"
    issue.editorials[0].footnotes = []


def _lost_note(issue: Issue) -> None:
    issue.editorials[0].footnotes = []


def _loose_note(issue: Issue) -> None:
    issue.editorials[0].footnotes = [*issue.editorials[0].footnotes, {"mark": "9", "text": "x"}]


def _no_category(issue: Issue) -> None:
    issue.resources[0].category = None


def _no_link(issue: Issue) -> None:
    issue.resources[0].urls = {}


def _no_resources(issue: Issue) -> None:
    issue.resources = []


def _promised_image(issue: Issue) -> None:
    issue.image_expected = True


def _mute_image(issue: Issue) -> None:
    issues.set_image(issue, StoredImage("a.png", 3, 2), {"en": "A river", "my": " "}, NOW)


def _mute_logo(issue: Issue) -> None:
    issue.publication.logo_name = "logo.png"
    issue.publication.logo_alts = {"en": "Hill Letter", "my": " "}


def _doubt(issue: Issue) -> None:
    issue.warnings = [{"line": 60, "text": "a heading seems to be lost"}]


def _fallback(issue: Issue) -> None:
    _no_burmese(issue)
    issue.publication.fallback_language = "en"


@pytest.mark.parametrize(
    ("fault", "level", "place", "says"),
    [
        (_no_sender, "error", "publication", "no sender address"),
        (_no_postal_address, "error", "publication", "no postal address"),
        (_no_burmese, "error", "editorial my", "not sent without it"),
        (_no_title, "error", "editorial en", "no title"),
        (_no_text, "error", "editorial en", "no text"),
        (_only_a_reference, "error", "editorial en", "would be seen"),
        (_lost_note, "error", "editorial en", "note 1, which is not there"),
        (_mute_image, "error", "image", "no words in 'my'"),
        (_mute_logo, "error", "logo", "no words in 'my'"),
        (_loose_note, "warning", "editorial en", "note 9"),
        (_no_category, "warning", "resource 1", "no category"),
        (_no_link, "warning", "resource 1", "no link"),
        (_no_resources, "warning", "resources", "no resources"),
        (_promised_image, "warning", "image", "none is given"),
        (_doubt, "warning", "line 60", "heading seems to be lost"),
        (_fallback, "warning", "editorial my", "get the one in 'en'"),
    ],
)
def test_each_fault_is_found_with_its_remedy(
    services: Services, fault: Callable[[Issue], None], level: str, place: str, says: str
) -> None:
    with writing(services.engine) as session:
        issue = an_approved_issue(session, a_publication(session))
        before = check(issue, issue.publication)
        assert {p.level for p in before} <= {"warning"}
        fault(issue)
        found = [p for p in check(issue, issue.publication) if p not in before]
        assert [(p.level, p.place) for p in found] == [(level, place)]
        assert says in found[0].text
        assert found[0].remedy


def test_empty_issue_is_an_error_and_errors_come_first(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = issues.create(session, publication, day=date(2026, 11, 23), now=NOW)
        issue.image_expected = True
        found = check(issue, publication)
        assert found[0].text.startswith("it is empty")
        levels = [p.level for p in found]
        assert levels == sorted(levels)


def test_near_duplicates_are_both_kept_and_named(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        twin = a_resource(session, publication, "Harvest Report, 2026-W48", category="statements")
        inbox.move(session, twin, issue=issue, now=NOW)
        text = next(p.text for p in check(issue, publication) if "nearly" in p.text)
        assert text.endswith(f"is nearly the same as resource {twin.id}")
