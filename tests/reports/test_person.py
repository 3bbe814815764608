"""Everything on one person: whole, in order, in the reader's language, and nothing of reading."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser

from newsletter.app import Services
from newsletter.core.addresses import parse
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import NotFound
from newsletter.delivery import transactional
from newsletter.delivery.message_ids import of_delivery
from newsletter.reports import person, person_page
from newsletter.reports.person import Account
from subscribers import erasing, leaving, optin, story, suppression
from tests.delivery.newsroom import publish, start, work_off
from tests.rendering.pages import Page

LIMITS = optin.Limits(9, 99, 999, 7)
FORM = "စာရင်းသွင်းရန် ခလုတ်ကို နှိပ်ပါ။ အပတ်စဉ် သတင်းလွှာကို အီးမေးလ်ဖြင့် ပို့ပေးပါမည်။"


def _account(services: Services, address: str) -> Account:
    with reading(services.engine) as session:
        return person.account(session, services.sealer, services.ring.index, address, now())


def _sign_up(services: Services, address: str) -> UUID:
    with writing(services.engine) as session:
        due = optin.subscribe(
            session, services.sealer, publication_id=1, address=parse(address), edition="my",
            wording=FORM, limits=LIMITS, now=now(),
        )  # fmt: skip
        assert due
        transactional.plan(session, due, now())
        return due.public_id


@pytest.fixture
def sent(any_services: Services) -> int:
    """An issue that went out to r1 (en), r2 (my) and r3 (en+my); its id."""
    issue_id = publish(any_services, 3)
    start(any_services, issue_id)
    work_off(any_services)
    return issue_id


def test_the_account_is_whole_and_in_order(any_services: Services, sent: int) -> None:
    _sign_up(any_services, "R2@example.org")
    with writing(any_services.engine) as session:
        known = story.find(session, any_services.sealer, "r2@example.org").person
        assert known
        leaving.leave(
            session, public_id=known.public_id, publication_id=1, how="one_click",
            wording="List-Unsubscribe", now=now(),
        )  # fmt: skip
        suppression.suppress(
            session, any_services.sealer.blind_index("r2@example.org"), "complaint", now()
        )
    found = _account(any_services, " r2@EXAMPLE.org")
    assert (found.address, found.public_id) == ("r2@example.org", known.public_id)
    assert found.suppression
    assert found.suppression.reason == "complaint"
    (held,) = found.memberships
    assert (held.publication, held.state, held.edition) == ("weekly", "ended", "my")
    assert (held.ended_how, held.write_to) == ("one_click", "desk@news.example")
    assert [(c.kind, c.how) for c in held.consents] == [
        ("given", "editor"),
        ("withdrawn", "one_click"),
    ]
    assert [(s.wording, s.used_at) for s in held.signups] == [(FORM, None)]
    assert len(found.asked_at) == 1
    issue, confirmation = found.messages
    assert (issue.kind, issue.number, issue.title) == ("issue", 1, "စောင့်ဆိုင်းရသော တစ်ပတ်")
    assert (issue.state, issue.edition, issue.attempts) == ("submitted", "my", 1)
    assert issue.answer
    assert issue.submitted_at
    secret = any_services.ring.index
    assert issue.message_id == of_delivery(secret, issue.delivery, "desk@news.example")
    assert (confirmation.kind, confirmation.state, confirmation.number) == (
        "confirmation", "planned", None,
    )  # fmt: skip
    others = {_account(any_services, f"r{n}@example.org").messages[0].delivery for n in (1, 3)}
    assert issue.delivery not in others


def test_the_account_as_json_is_plain_and_tells_of_no_reading(
    any_services: Services, sent: int
) -> None:
    found = json.loads(json.dumps(_account(any_services, "r3@example.org").as_json()))
    assert found["address"] == "r3@example.org"
    assert found["messages"][0]["date"] == "2026-11-23"
    assert found["memberships"][0]["consents"][0]["wording"] == "asked at the front desk"
    assert "subscription_id" not in json.dumps(found)
    keys = {key for row in (found, *found["messages"], *found["memberships"]) for key in row}
    words = {word for key in keys for word in key.split("_")}
    assert words.isdisjoint(("open", "opened", "click", "clicked", "seen", "read", "ip", "agent"))


def test_after_an_erasure_the_code_alone_is_told(any_services: Services, sent: int) -> None:
    services = any_services
    with writing(services.engine) as session:
        known = story.find(session, services.sealer, "r1@example.org").person
        assert known
        erasing.erase(
            session, services.sealer, subscriber_id=known.subscriber_id, how="page", now=now()
        )
    found = _account(services, "r1@example.org")
    assert found.suppression
    assert (found.public_id, found.memberships, found.messages) == (None, (), ())
    assert found.suppression.reason == "erased"
    with pytest.raises(NotFound):
        _account(services, "never@example.org")
    page = person_page.page(services.theme, found, now())
    assert "Everything was erased at your wish." in page
    assert 'lang="my"' in page


@pytest.mark.parametrize(
    ("reader", "languages"), [("r1", ["en"]), ("r2", ["my"]), ("r3", ["en", "my"])]
)
def test_the_page_speaks_the_reader_s_languages_and_fetches_nothing(
    services: Services, reader: str, languages: list[str]
) -> None:
    publish(services, 3)
    found = _account(services, f"{reader}@example.org")
    source = person_page.page(services.theme, found, now())
    page = Page(source)
    assert page.fault == ""
    assert [e.attributes["lang"] for e in page.all("section")] == languages
    assert [e.languages[0] for e in page.all("h1")] == languages[:1]
    assert not page.all("script") + page.all("img") + page.all("form")
    references = [
        value
        for element in page.elements
        for name, value in element.attributes.items()
        if name in ("src", "href", "action", "srcset", "background")
    ]
    assert all(value.startswith(("data:,", "mailto:")) for value in references), references
    assert "url(" not in source
    assert "@import" not in source
    assert f"{reader}@example.org" in source


def test_words_of_a_reader_are_text_on_the_page(services: Services) -> None:
    publish(services, 1)
    with writing(services.engine) as session:
        known = story.find(session, services.sealer, "r1@example.org").person
        assert known
        leaving.leave(
            session, public_id=known.public_id, publication_id=1, how="mail",
            wording="<script>alert(1)</script>{{ 7*7 }}", now=now() + timedelta(minutes=1),
        )  # fmt: skip
    source = person_page.page(services.theme, _account(services, "r1@example.org"), now())
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}" in source


@pytest.mark.parametrize("width", [320, 360, 1000])
def test_the_page_fits_a_phone_and_paper(
    services: Services, browser: Browser, tmp_path: Path, *, width: int
) -> None:
    issue_id = publish(services, 3)
    _sign_up(services, "r3@example.org")
    start(services, issue_id)
    file = tmp_path / "person.html"
    found = _account(services, "r3@example.org")
    file.write_text(person_page.page(services.theme, found, now()), "utf-8")
    page = browser.new_page(viewport={"width": width, "height": 640})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.screenshot(path=tmp_path / f"person-{width}.png", full_page=True)
    wider = page.evaluate(
        "[...document.querySelectorAll('*')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML)"
    )
    assert wider == []
    words = page.evaluate(
        "[...document.querySelectorAll('body *')]"
        ".filter(e => e.closest('[lang]').lang == 'my' && !e.closest('[translate=no]'))"
        ".flatMap(e => [...e.childNodes].filter(n => n.nodeType == 3).map(n => n.data)).join(' ')"
    )
    assert not [word for word in words.split() if word.isascii() and word.isalpha()], words
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    page.close()
