"""Approval freezes what readers would see; any edit undoes it; what went out stays as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.core.errors import InputError, NotAllowedNow, NotFound
from newsletter.editorial import inbox, issues, publications
from newsletter.editorial.checks import Problem, check
from newsletter.editorial.models import Issue
from newsletter.editorial.picture_names import StoredImage
from tests.editorial.making import NOW, a_publication, a_resource, an_approved_issue, write

LATER = NOW + timedelta(hours=1)


def test_numbers_follow_one_another_per_publication(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        one, other = a_publication(session, "one"), a_publication(session, "other")
        for publication, number in ((one, 1), (one, 2), (other, 1)):
            made = issues.create(session, publication, day=date(2026, 11, 23), now=NOW)
            assert made.number == number
        assert [i.number for i in issues.listing(session, one)] == [2, 1]
        with pytest.raises(NotFound, match="no issue 7; the latest is 2"):
            issues.get(session, one, 7)


def _retitle(issue: Issue) -> None:
    issue.editorials[0].title += "!"


def _rebody(issue: Issue) -> None:
    issue.editorials[-1].body += " x"


def _renote(issue: Issue) -> None:
    issue.editorials[0].footnotes = [{"mark": "1", "text": "Other."}]


def _relink(issue: Issue) -> None:
    issue.resources[0].urls = {"en": "https://example.org/other"}


def _recategory(issue: Issue) -> None:
    issue.resources[0].category = None


def _reimage(issue: Issue) -> None:
    issue.image_name = "abc.jpg"


def _redate(issue: Issue) -> None:
    issue.date += timedelta(days=1)


def _resender(issue: Issue) -> None:
    issue.publication.sender_names = {"en": "Desk"}


def _rename_heading(issue: Issue) -> None:
    issue.publication.categories[1].names = {"en": "Papers"}


@pytest.mark.parametrize(
    "change",
    [
        _retitle,
        _rebody,
        _renote,
        _relink,
        _recategory,
        _reimage,
        _redate,
        _resender,
        _rename_heading,
    ],
)
def test_hash_covers_whatever_a_reader_sees(
    services: Services, change: Callable[[Issue], None]
) -> None:
    with writing(services.engine) as session:
        issue = an_approved_issue(session, a_publication(session))
        assert issues.content_hash(issue) == issue.content_hash
        change(issue)
        assert issues.content_hash(issue) != issue.content_hash


def test_hash_is_the_same_read_again_and_ignores_what_readers_never_see(
    any_services: Services,
) -> None:
    with writing(any_services.engine) as session:
        number = an_approved_issue(session, a_publication(session)).number
    with reading(any_services.engine) as session:
        issue = issues.get(session, publications.get(session, None), number)
        issue.changed_at = LATER
        issue.publication.stale_minutes = 7
        assert issues.content_hash(issue) == issue.content_hash


def test_order_of_resources_is_part_of_what_was_approved(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        second = a_resource(session, publication, "Second")
        inbox.move(session, second, issue=issue, now=NOW)
        issues.approve(session, issue, [], now=NOW)
        inbox.move(session, second, position=1, now=NOW)
        frozen = issues.content_hash(issue)
        inbox.move(session, second, position=2, now=NOW)
        assert issues.content_hash(issue) != frozen


def test_each_edit_makes_a_draft_again(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        resource = issue.resources[0]
        edits: list[Callable[[], object]] = [
            lambda: write(session, issue),
            lambda: issues.set_image(issue, StoredImage("a.png", 3, 2), {"en": "A"}, LATER),
            lambda: inbox.edit(session, resource, byline="Others", now=LATER),
            lambda: inbox.move(session, resource, category=None, now=LATER),
            lambda: inbox.drop(session, resource, LATER),
        ]
        for edit in edits:
            issues.approve(session, issue, [], now=NOW)
            assert issue.status == "approved"
            edit()
            assert (issue.status, issue.content_hash, issue.approved_at) == ("draft", None, None)


@pytest.mark.parametrize("status", ["sending", "paused", "sent", "cancelled"])
def test_what_went_out_or_was_given_up_cannot_be_edited(services: Services, status: str) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        issue.status = status
        resource, other = issue.resources[0], a_resource(session, publication, "New")
        session.flush()
        for edit in (
            lambda: write(session, issue),
            lambda: inbox.edit(session, resource, byline="Others", now=LATER),
            lambda: inbox.move(session, resource, issue=None, now=LATER),
            lambda: inbox.move(session, other, issue=issue, now=LATER),
            lambda: inbox.drop(session, resource, LATER),
        ):
            with pytest.raises(NotAllowedNow, match=f"issue 1 is {status} and can no longer"):
                edit()
        assert issue.resources == [resource]


def test_errors_forbid_approval_and_warnings_do_not(services: Services) -> None:
    with writing(services.engine) as session:
        issue = issues.create(session, a_publication(session), day=date(2026, 11, 23), now=NOW)
        warning = Problem("warning", "image", "none", "x")
        error = Problem("error", "editorial my", "there is none", "x")
        with pytest.raises(NotAllowedNow, match="editorial my: there is none"):
            issues.approve(session, issue, [warning, error], now=NOW)
        assert issue.status == "draft"
        issues.approve(session, issue, [warning], now=NOW)
        assert issue.status == "approved"


def test_cancelling_returns_resources_to_the_inbox_only_before_readers_have_them(
    any_services: Services,
) -> None:
    with writing(any_services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        issues.cancel(issue, LATER)
        session.flush()
        assert issue.week is None
        assert len(inbox.listing(session, publication)) == 1
        seen = an_approved_issue(session, publication)
        seen.launched_at, seen.status = NOW, "sending"
        issues.cancel(seen, LATER)
        session.flush()
        assert len(seen.resources) == 1


def test_description_has_the_documented_shape(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = issues.create(session, publication, day=date(2023, 11, 20), now=NOW)
        write(session, issue, "en")
        issue.warnings = [{"line": 60, "text": "a heading seems to be lost"}]
        loose = a_resource(session, publication, "Loose", category=None)
        late = a_resource(session, publication, "Harvest report", category="reports", my="စာတမ်း")
        first = a_resource(session, publication, "Statement", category="statements")
        loose.lines, late.near_duplicate_of = [41, 43], first.id
        for resource in (loose, late, first):
            inbox.move(session, resource, issue=issue, now=NOW)
        found = issues.describe(issue, services.settings.languages)
    assert json.loads(json.dumps(found)) == found
    assert (found["publication"], found["number"], found["date"]) == ("weekly", 1, "2023-11-20")
    assert list(found["editions"]) == ["en"]
    text = found["editions"]["en"]
    assert text["paragraphs"][1] == "Nobody waits."
    assert (text["reading_minutes"], text["authors"], text["about"]) == (1, [], "")
    assert text["footnotes"] == [{"mark": "1", "text": "Field notes."}]
    assert [r["category"] for r in found["resources"]] == [
        "Statements and Press Releases",
        "Reports",
        None,
    ]
    assert found["resources"][1]["titles"] == {"en": "Harvest report", "my": "စာတမ်း"}
    assert found["resources"][1]["urls"] == {"en": "https://example.org/14", "my": None}
    assert found["resources"][1]["near_duplicate_of"] == 0
    assert found["resources"][2]["lines"] == [41, 43]
    assert found["warnings"] == [{"line": 60, "text": "a heading seems to be lost"}]


def test_warning_of_a_lost_heading_is_settled_by_moving(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        loose = a_resource(session, publication, "Loose", category=None)
        loose.lines = [41, 43]
        inbox.move(session, loose, issue=issue, now=NOW)
        lost = {"line": 41, "text": "no heading", "kind": "no_category"}
        issue.warnings = [lost, {"line": 60, "text": "strange", "kind": "not_understood"}]
        describe = issues.describe
        assert lost in describe(issue, services.settings.languages)["warnings"]
        assert [p.place for p in check(issue, publication) if "no heading" in p.text] == []
        inbox.move(session, loose, category=publications.category(publication, "news"), now=NOW)
        left = describe(issue, services.settings.languages)["warnings"]
        assert [w["line"] for w in left] == [60]


def test_editorial_needs_a_language_of_the_publication_and_whole_notes(services: Services) -> None:
    with writing(services.engine) as session:
        issue = issues.create(session, a_publication(session), day=date(2026, 11, 23), now=NOW)
        with pytest.raises(InputError, match="no 'shn'; it has en, my"):
            issues.set_editorial(session, issue, "shn", title="x", body="y", now=NOW)
        with pytest.raises(InputError, match="mark and a text"):
            issues.set_editorial(
                session, issue, "en", title="x", body="y", footnotes=[{"mark": "1"}], now=NOW
            )
        write(session, issue)
        write(session, issue)
        assert [e.language for e in issue.editorials] == ["en"]


def test_a_title_that_mail_programs_would_decode_is_refused_with_the_remedy(
    services: Services,
) -> None:
    with writing(services.engine) as session:
        issue = issues.create(session, a_publication(session), day=date(2026, 11, 23), now=NOW)
        with pytest.raises(InputError, match=r"title: .*'en' holds '=\?'.*write '= \?'"):
            issues.set_editorial(
                session, issue, "en", title="What =?utf-8?q?x?= means", body="x", now=NOW
            )
        assert issue.editorials == []
