"""Signing up in a real browser on a narrow phone, with a script and without, in each language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from newsletter.app import Services
from newsletter.cli import pasting
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.tokens import Claim, Purpose
from newsletter.editorial import publications
from subscribers.models import Confirmation
from tests.web.sign_up import Door, opened
from tests.web.test_looks import inspect

ACCEPTED = {"en": "Please check your inbox to confirm", "my": "အတည်ပြုရန် သင့်အီးမေးလ် ဝင်စာပုံးကို စစ်ဆေးပါ"}
BUTTON = "button[type=submit]"


@pytest.fixture
def door(services: Services) -> Iterator[Door]:
    """A bilingual publication whose form may be sent at once."""
    names = {"en": "Hill Country Letter", "my": "တောင်တန်းဒေသ စာစောင်"}
    with writing(services.engine) as session:
        wanted = publications.default().model_copy(update={"names": names})
        publications.create(session, wanted, now=now())
    with opened(services, seconds=0, slow_seconds=0.01, work=2000) as made:
        yield made


def _page(browser: Browser, width: int, door: Door, script: bool = True) -> tuple[Page, list[str]]:
    """A page of a phone, and what it complains of or fetches from elsewhere."""
    context = browser.new_context(
        viewport={"width": width, "height": 640}, java_script_enabled=script
    )
    page, strange = context.new_page(), []
    page.on("console", lambda m: None if "status of 422" in m.text else strange.append(m.text))
    page.on(
        "request",
        lambda r: None if r.url.startswith((door.url, "data:")) else strange.append(r.url),
    )
    return page, strange


@pytest.mark.parametrize("language", ["en", "my"])
@pytest.mark.parametrize("width", [320, 360])
def test_a_new_reader_signs_up_and_confirms(
    door: Door, browser: Browser, tmp_path: Path, *, language: str, width: int
) -> None:
    page, strange = _page(browser, width, door)

    def seen(name: str) -> None:
        inspect(page, tmp_path / f"{name}-{language}-{width}.png")

    page.goto(f"{door.url}/s/weekly?l={language}")
    seen("form")
    page.locator(BUTTON).click()
    expect(page.locator("#address-fault")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "address"
    seen("fault")
    page.locator("#address").fill("khin.mar@mail.example.org")
    page.locator("label", has_text=re.compile(r"\+")).click()
    page.locator(BUTTON).click()
    expect(page.locator("h1")).to_have_text(ACCEPTED[language])
    seen("asked")
    with reading(door.services.engine) as session:
        asked = session.scalars(select(Confirmation)).one()
        assert asked.edition == "en+my"
        token = door.services.signer.sign(Claim(asked.public_id, 1, Purpose.CONFIRM))
    for name in ("confirm", "confirmed"):
        if name == "confirm":
            page.goto(f"{door.url}/c/{token}?l={language}")
        else:
            page.locator("button").click()
        seen(name)
    page.goto(f"{door.url}/c/{token}?l={language}")
    seen("already")
    assert strange == []
    page.context.close()


@pytest.mark.parametrize("language", ["en", "my"])
def test_without_a_script_it_takes_one_more_press(
    door: Door, browser: Browser, tmp_path: Path, language: str
) -> None:
    page, _ = _page(browser, 360, door, script=False)
    page.goto(f"{door.url}/s/weekly?l={language}")
    page.locator("#address").fill("khin.mar@mail.example.org")
    page.locator(BUTTON).click()
    assert door.counts() == (0, 0, 0)
    page.screenshot(path=tmp_path / f"wait-{language}.png", full_page=True)
    assert "khin.mar" in page.locator(".masked").inner_text()
    assert "khin" not in page.url
    page.locator(BUTTON).click()
    expect(page.locator("h1")).to_have_text(ACCEPTED[language])
    assert door.counts() == (1, 1, 1)
    page.context.close()


def test_the_wait_and_the_end_of_the_line_fit_a_phone(
    services: Services, door: Door, browser: Browser, tmp_path: Path
) -> None:
    with opened(services, seconds=600, per_network_hour=1) as slow:
        for language in ("en", "my"):
            page, _ = _page(browser, 320, slow)
            page.goto(f"{slow.url}/s/weekly?l={language}")
            page.locator("#address").fill("khin.mar@mail.example.org")
            page.evaluate("document.querySelector('form').submit()")
            page.wait_for_url("**/s/weekly*")
            expect(page.locator("#address")).to_have_count(0)
            inspect(page, tmp_path / f"wait-{language}.png")
            page.context.close()
    with writing(services.engine) as session:
        publications.get(session, None).archived_at = now()
    with opened(services) as closed:
        for language in ("en", "my"):
            page, _ = _page(browser, 320, closed)
            page.goto(f"{closed.url}/s/weekly?l={language}")
            inspect(page, tmp_path / f"closed-{language}.png")
            page.context.close()


def test_the_form_of_another_site_fits_a_phone_and_leads_to_ours(
    door: Door, browser: Browser, tmp_path: Path
) -> None:
    with reading(door.services.engine) as session:
        pasted = pasting.html(door.services, publications.get(session, None), None)
    page, _ = _page(browser, 320, door)
    page.set_content(pasted.replace(door.services.settings.links_url, door.url))
    page.screenshot(path=tmp_path / "pasted.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_label("Email address").fill("khin@example.org")
    page.get_by_label("Language").select_option("my")
    page.get_by_role("button").click()
    expect(page.locator("#address")).to_have_value("khin@example.org")
    expect(page.locator("html")).to_have_attribute("lang", "my")
    page.locator(BUTTON).click()
    expect(page.locator("h1")).to_have_text(ACCEPTED["my"])
    assert door.counts() == (1, 1, 1)
    page.context.close()
