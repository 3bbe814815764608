"""What cannot become mail is found out before it is approved, while it can still be mended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import ConfigurationError, NewsletterError, NotAllowedNow, RenderError
from newsletter.delivery import press
from newsletter.editorial.models import Issue
from subscribers import directory
from tests.delivery import newsroom


def _spoil_title(issue: Issue) -> None:
    issue.editorials[0].title = "What =?utf-8?q?x?= means"


def _spoil_sender(issue: Issue) -> None:
    issue.publication.sender_names = {"my": "=?utf-8?q?x?="}


def _spoil_prefix(issue: Issue) -> None:
    issue.publication.subject_prefixes = {"my": "=?"}


@pytest.mark.parametrize(
    ("spoil", "edition"), [(_spoil_title, "en"), (_spoil_sender, "my"), (_spoil_prefix, "my")]
)
def test_headers_that_could_not_be_written_are_named_with_their_edition(
    services: Services, spoil: Callable[[Issue], None], edition: str
) -> None:
    issue_id = newsroom.publish(services, 3)
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        press.proof(services, session, issue)
        spoil(issue)
        with pytest.raises(NotAllowedNow, match=rf"edition '{edition}' cannot be made: .*'=\?'"):
            press.proof(services, session, issue)


def test_an_edition_that_only_one_reader_holds_is_made_too(services: Services) -> None:
    issue_id = newsroom.publish(services, 3)
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        directory.add(
            session,
            services.sealer,
            publication_id=issue.publication_id,
            address="one@example.org",
            edition="shn",
            how="editor",
            wording="asked",
            now=now(),
        )
        with pytest.raises(NotAllowedNow, match="'shn'"):
            press.proof(services, session, issue)


def test_a_broken_template_is_named_by_file_and_line(services: Services) -> None:
    issue_id = newsroom.publish(services, 1)
    broken = services.settings.home / "templates" / "mail" / "block.txt"
    broken.parent.mkdir(parents=True)
    broken.write_text("fine\n{% endfor %}\n", encoding="utf-8")
    with reading(services.engine) as session, pytest.raises(RenderError, match=r"block\.txt:2"):
        press.proof(services, session, session.get_one(Issue, issue_id))


@pytest.mark.parametrize(
    ("changed", "kind", "says"),
    [
        ({"languages": {}}, NewsletterError, r"\[languages\.(en|my)\]"),
        ({"url": ""}, ConfigurationError, r"readers cannot reach .* under \[public\]"),
    ],
)
def test_settings_that_would_fail_every_reader(
    services: Services, changed: dict[str, object], kind: type[Exception], says: str
) -> None:
    issue_id = newsroom.publish(services, 1)
    settings = services.settings
    if "url" in changed:
        changed = {"public": settings.public.model_copy(update=changed)}
    lacking = replace(services, settings=settings.model_copy(update=changed))
    with reading(services.engine) as session, pytest.raises(kind, match=says):
        press.proof(lacking, session, session.get_one(Issue, issue_id))
    newsroom.start(services, issue_id)
    newsroom.work_off(lacking)
    assert newsroom.taken(services) == []
    assert newsroom.status(services, issue_id)[0] == "paused"


def test_what_looks_like_a_fault_of_mjml_may_be_written_about(services: Services) -> None:
    issue_id = newsroom.publish(services, 1)
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        for editorial in issue.editorials:
            editorial.title = r"What \u{1019} means"
            editorial.body = r"Programmers write `\u{1019}` and \u{101A}."
        press.proof(services, session, issue)
        sheet = press.Press(services).print(issue, "en+my")
        envelope = sheet.test_envelope(address=press.SAMPLE, message_id="x" * 32, date=now())
    mail = message_from_bytes(envelope.data, policy=policy.default)
    body = mail.get_body(("html",))
    assert body is not None
    assert r"&#92;u{1019}" in body.get_content()
    assert r"\u{" not in body.get_content()
