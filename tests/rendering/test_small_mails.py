"""Mails to one person and the discreet form in a real browser: readable, and silent above."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from playwright.sync_api import Browser, Page

from newsletter.core.addresses import Address
from newsletter.core.clock import now
from newsletter.editorial.discreet import neutral
from newsletter.editorial.publication_settings import Discreet
from newsletter.rendering.discreet import Words, name_in, render
from newsletter.rendering.notice import Notice, build
from tests.rendering import sample
from tests.rendering.test_browser import TEXTS

TOKEN = "v1.k1." + "A" * 34 + "." + "B" * 22
SEEN = """() => {
  const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const range = document.createRange(); range.selectNodeContents(walk.currentNode);
    const box = range.getBoundingClientRect();
    if (box.top < innerHeight && box.height) found.push(walk.currentNode.textContent);
  }
  return found.join(' ');
}"""
_TOLD: dict[str, dict[str, object]] = {
    "welcome": {
        "unsubscribe_url": f"https://news.example.org/u/{TOKEN}",
        "weekday": 1,
        "sender": "weekly@news.example.org",
        "offers_discreet": True,
        "postal_addresses": {"en": "PO Box 12\n1000 Example Town"},
    },
    "editors": {
        "issue": 12,
        "said": "20 errors one after the other, the last: 550 5.1.1 [address] unknown.",
        "command": "newsletter status 12 --publication weekly",
    },
}
KINDS = [
    *(("confirm", False), ("welcome", False), ("goodbye", False), ("editors", False)),
    *(("confirm", True), ("welcome", True)),
]


def _mail(kind: str, *, discreet: bool) -> EmailMessage:
    names = {"en": "Weekly Highlights", "my": "အပတ်စဉ် သတင်းလွှာ"}
    neutral_names = {code: name_in(sample.theme(), code) for code in names}
    notice = Notice(
        languages=("en", "my"),
        names=neutral_names if discreet else names,
        sender_name="Desk",
        sender_address="desk@news.example.org",
        reply_to="",
        link=f"https://news.example.org/p/{TOKEN}",
        days=7,
        kind=kind,
        is_discreet=discreet,
        told=_TOLD.get(kind, {}),
        subject="[weekly] Issue 12 needs you" if kind == "editors" else "",
    )
    data = build(
        notice,
        sample.theme(),
        to=Address("reader@example.org"),
        message_id="a@news.example.org",
        date=now(),
    )
    return message_from_bytes(data, _class=EmailMessage, policy=policy.default)


def _html(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def _opened(browser: Browser, html: str, width: int, height: int, scheme: str = "light") -> Page:
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page.set_content(html)
    return page


@pytest.mark.parametrize(("kind", "discreet"), KINDS)
def test_small_mails_fit_and_can_be_read_by_day_and_night(
    browser: Browser, kind: str, discreet: bool
) -> None:
    html = _html(_mail(kind, discreet=discreet))
    for width, scheme in ((320, "light"), (360, "dark"), (800, "light")):
        page = _opened(browser, html, width, 700, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        texts = page.evaluate(TEXTS)
        assert texts
        assert [t for t in texts if t["contrast"] < 4.5] == []
        page.close()


@pytest.mark.parametrize(("kind", "discreet"), KINDS)
def test_small_mails_have_one_first_heading_and_both_languages(kind: str, discreet: bool) -> None:
    html = _html(_mail(kind, discreet=discreet))
    assert html.count("<h1") == 1
    assert 'lang="en"' in html
    assert 'lang="my"' in html


def _edition(edition: str) -> str:
    theme = sample.theme()
    told = Discreet(address="notes@plain.example", url="https://plain.example")
    names = {code: name_in(theme, code) for code in edition.split("+")}
    return render(neutral(sample.letter(edition), told, names), theme, Words()).html


@pytest.mark.parametrize("edition", ["en", "my", "en+my"])
@pytest.mark.parametrize("size", [(320, 640), (360, 780), (412, 915), (1280, 1100)])
def test_first_screen_of_a_discreet_issue_says_nothing(
    browser: Browser, edition: str, size: tuple[int, int]
) -> None:
    page = _opened(browser, _edition(edition), *size)
    seen = page.evaluate(SEEN)
    page.close()
    letter = sample.letter(edition)
    assert len(seen) > 150
    for block in letter.blocks:
        telling = [block.publication_name, block.title, *block.authors]
        telling += [group.heading or "-" for group in block.groups]
        telling += [line.title for group in block.groups for line in group.resources]
        assert [word for word in telling if word in seen] == []


def test_first_screen_of_a_discreet_welcome_says_nothing(browser: Browser) -> None:
    page = _opened(browser, _html(_mail("welcome", discreet=True)), 360, 780)
    seen = page.evaluate(SEEN)
    page.close()
    for word in ("phone", "password", "subscribe", "ဖုန်း", "စကားဝှက်", "စာရင်း"):
        assert word not in seen


@pytest.mark.parametrize("edition", ["en", "my", "en+my"])
def test_discreet_issue_fits_and_can_be_read_by_day_and_night(
    browser: Browser, edition: str
) -> None:
    html = _edition(edition)
    for width, scheme in ((320, "dark"), (800, "light")):
        page = _opened(browser, html, width, 700, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert [t for t in page.evaluate(TEXTS) if t["contrast"] < 4.5] == []
        page.close()
