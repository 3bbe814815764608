"""A publication's colours, and an operator's own templates: as approved, or not sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.core.errors import InputError
from newsletter.editorial import editions, issues, publications
from newsletter.editorial.freezing import content_hash
from newsletter.editorial.models import Issue
from newsletter.editorial.publication_settings import parse
from newsletter.rendering.edition import render
from tests.editorial.making import NOW, a_publication, an_approved_issue

_TEAL = "#0b4f6c"


def _own(services: Services, name: str, text: str) -> Path:
    file = services.settings.home / "templates" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def test_the_colours_of_a_publication_are_those_of_its_mails(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        made = a_publication(session)
        issue_id = an_approved_issue(session, made).id
        changes = publications.set_value(session, made, "theme.masthead", _TEAL, now=NOW)
        assert changes[0] == f"theme.masthead: nothing → {_TEAL}"
        assert "is a draft again" in changes[1]
        publications.set_value(session, made, "theme.heading_font", "verdana", now=NOW)
        assert made.theme == {"masthead": _TEAL, "heading_font": "verdana"}
    with reading(any_services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        assert publications.settings_of(issue.publication).theme.masthead == _TEAL
        letter = editions.letter(
            issue,
            "en",
            public_url="https://news.example.org",
            media_path=any_services.settings.media_path,
            languages=any_services.settings.languages,
        )
        html = render(letter, any_services.theme).html
    assert f"background-color:{_TEAL}" in html
    assert "Verdana" in html
    assert "Georgia" not in html


def test_colours_that_cannot_be_read_are_not_stored(services: Services) -> None:
    with writing(services.engine) as session:
        made = a_publication(session)
        with pytest.raises(InputError, match=r"2\.2:1.* would do") as caught:
            publications.set_value(session, made, "theme.accent", "#e3a52b")
        assert caught.value.field == "theme.accent"
        known = r"no such setting; it has .*theme\.accent.*postal_addresses\.en"
        with pytest.raises(InputError, match=known):
            publications.set_value(session, made, "theme.akzent", "#000000")
        with pytest.raises(InputError, match=r"write a colour such as"):
            parse({"slug": "w", "languages": ["en"], "theme": {"text": "black"}})
        assert made.theme == {}
        publications.set_value(session, made, "theme.accent", _TEAL)
        assert publications.set_value(session, made, "theme.accent", "") == [
            f"theme.accent: {_TEAL} → nothing"
        ]
        assert made.theme == {}


def test_what_was_approved_without_a_look_stays_approved(services: Services) -> None:
    with writing(services.engine) as session:
        issue = an_approved_issue(session, a_publication(session))
        before = content_hash(issue)
        issue.publication.logo_alts = {"en": "Lamp"}
        assert content_hash(issue) == before, "no logo, nothing to see"
        issue.publication.logo_name = "abc.png"
        with_logo = content_hash(issue)
        issue.publication.logo_alts = {"en": "A lamp"}
        assert len({before, with_logo, content_hash(issue)}) == 3


def test_a_template_of_ones_own_belongs_to_what_is_approved(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        issue_id = an_approved_issue(session, a_publication(session)).id

    def hashed() -> str:
        with reading(any_services.engine) as session:
            issue = session.get_one(Issue, issue_id)
            return content_hash(issue)

    plain = hashed()
    _own(any_services, "mail/footer.html~", "a copy that an editor left")
    _own(any_services, "web/base.html", "a page")
    _own(any_services, "mail/.footer.html.swp", "an editor's")
    assert hashed() == plain, "no template of the mail"
    own = _own(any_services, "mail/footer.html", "<p>{{ unsubscribe_url }}</p>")
    first = hashed()
    own.write_text("<p>Leave: {{ unsubscribe_url }}</p>", "utf-8")
    second = hashed()
    own.rename(own.with_name("jump.html"))
    assert len({plain, first, second, hashed()}) == 4
    own.with_name("jump.html").unlink()
    assert hashed() == plain


def test_an_approval_holds_the_templates_of_its_moment(services: Services) -> None:
    _own(services, "mail/jump.html", "<p>Below</p>")
    with writing(services.engine) as session:
        issue = an_approved_issue(session, a_publication(session))
        assert issue.content_hash == issues.content_hash(issue)
        _own(services, "mail/jump.html", "<p>Further down</p>")
        assert issue.content_hash != issues.content_hash(issue)
