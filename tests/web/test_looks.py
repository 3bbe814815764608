"""The pages in a real browser on a narrow phone, in each language: seen, measured, read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from newsletter.core.db import reading, writing
from newsletter.core.tokens import Claim, Purpose
from newsletter.editorial import publications
from subscribers.models import Confirmation
from tests.web.conftest import Site

_WIDER = "[...document.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"  # noqa: E501
_SMALL = "[...document.querySelectorAll('button, label, main a, .bar a')].filter(e => e.getBoundingClientRect().height < 22 || (e.matches('button, label, .title, .latest a, .aside a, .bar a') && e.getBoundingClientRect().height < 44)).map(e => e.outerHTML)"  # noqa: E501
_WORDS = "[...document.querySelectorAll('body, body *')].filter(e => e.closest('[lang]').lang == 'my' && !e.closest('[translate=no]')).flatMap(e => [...e.childNodes].filter(n => n.nodeType == 3).map(n => n.data)).join(' ')"  # noqa: E501


def inspect(page: Page, picture: Path) -> None:
    """Take a picture, and look for what is too wide, too small, or in the wrong language."""
    page.screenshot(path=picture, full_page=True)
    assert page.evaluate(_WIDER) == [], picture.name
    assert page.evaluate(_SMALL) == [], picture.name
    assert page.locator("h1").count() == 1
    title, heading = page.title(), page.locator("h1").inner_text()
    assert title == heading or " · " in title
    foreign = set(re.findall(r"[A-Za-z]{3,}", page.evaluate(_WORDS))) - {"HTML"}
    assert not foreign, f"not translated in {picture.name}: {foreign}"


def _confirmation(site: Site) -> str:
    """The link of the mail that was asked for."""
    with reading(site.services.engine) as session:
        subject = session.scalars(select(Confirmation.public_id)).one()
    claim = Claim(subject, site.publication_id, Purpose.CONFIRM)
    return f"{site.url}/c/{site.services.signer.sign(claim)}"


@pytest.mark.parametrize("language", ["en", "my"])
@pytest.mark.parametrize("width", [320, 360])
def test_every_page_fits_a_phone_and_speaks_its_language(
    site: Site, browser: Browser, tmp_path: Path, *, language: str, width: int
) -> None:
    with writing(site.services.engine) as session:
        publications.get(session, None).sender_address = "desk@news.example"
    context = browser.new_context(viewport={"width": width, "height": 640})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on(
        "request",
        lambda r: None if r.url.startswith((site.url, "data:")) else complaints.append(r.url),
    )
    query = f"?l={language}"

    def seen(name: str) -> None:
        inspect(page, tmp_path / f"{name}-{language}-{width}.png")

    page.goto(site.link(Purpose.UNSUBSCRIBE) + query)
    assert page.locator("html").get_attribute("lang") == language
    seen("unsubscribe")
    for name in ("left", "asked-again"):
        page.locator("button").click()
        seen(name)
    page.goto(_confirmation(site) + query)
    page.locator("button").click()
    seen("confirmed")
    page.goto(site.link(Purpose.PREFERENCES, "p") + query)
    page.locator('input[value="en+my"]').check()
    page.locator('input[name="text_only"]').check()
    page.locator("select").select_option("8")
    seen("preferences")
    page.locator("button").first.click()
    seen("saved")
    page.locator('button[name="erase"]').click()
    seen("erase")
    page.locator("main .aside a").click()
    page.locator("main .aside a").click()
    page.locator("button").click()
    page.goto(site.link(Purpose.PREFERENCES, "p") + query)
    seen("preferences-left")
    for path in ("/", "/archive/weekly", "/mailbox"):
        page.goto(site.url + path + query)
        seen(path.replace("/", "_"))
    page.goto(site.link(Purpose.TEST) + query)
    seen("test")
    page.goto(site.link(Purpose.PREFERENCES, "p") + query)
    page.locator('button[name="erase"]').click()
    page.locator('button[name="erase"]').click()
    seen("erased")
    page.goto(site.link(Purpose.PREFERENCES, "p") + query)
    seen("gone")
    assert complaints == []
    for path in ("/none", "/u/none"):
        page.goto(site.url + path + query)
        seen(path.replace("/", "_"))
    context.close()


def test_the_archive_page_reads_as_one_page(site: Site, browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 640}, color_scheme="dark")
    page = context.new_page()
    page.goto(f"{site.url}/archive/weekly/1/en")
    page.get_by_role("link", name="မြန်မာ", exact=True).click()
    assert page.url.endswith("/my")
    page.screenshot(path=tmp_path / "issue.png", full_page=True)
    assert page.evaluate(_WIDER) == []
    assert page.evaluate(_SMALL) == []
    assert page.locator("iframe").count() == 0
    ground = page.evaluate("getComputedStyle(document.querySelector('.bar')).backgroundColor")
    assert ground == "rgb(27, 33, 35)"
    context.close()
