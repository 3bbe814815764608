"""The archive in a real browser: on a phone and wide, by day and night, in its own letters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from newsletter.app import Services
from newsletter.core.db import writing
from newsletter.editorial import logos, publications
from tests.web import past
from tests.web.conftest import running
from tests.web.test_looks import inspect

_LETTERS = "document.fonts.ready.then(() => [...document.fonts].filter(f => f.status == 'loaded').map(f => f.family + ' ' + f.weight))"  # noqa: E501
_CUT = "[...document.querySelectorAll('a, h1, h2, h3, p, small, b')].filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display != 'inline').map(e => e.outerHTML.slice(0, 80))"  # noqa: E501


@pytest.fixture
def url(services: Services) -> Iterator[str]:
    """Four issues over two years, served by a real server."""
    past.shelf(services)
    with running(services) as server:
        yield server.url


@pytest.mark.parametrize("language", ["en", "my"])
@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1100, "light")])
def test_past_issues_fit_the_screen_in_letters_of_ours(
    url: str, browser: Browser, tmp_path: Path, *, language: str, width: int, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 740},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("requestfailed", lambda asked: complaints.append(asked.url))
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith((url, "data:")) else complaints.append(asked.url)
        ),
    )
    for name, path in (
        ("list", f"/archive/weekly?l={language}&y=2025"),
        ("issue", f"/archive/weekly/1/{language}"),
        ("both", "/archive/weekly/2/en-my"),
    ):
        page.goto(url + path)
        loaded = page.evaluate(_LETTERS)
        if name != "issue" or language == "my":
            assert "Newsletter Myanmar 400" in [one.replace('"', "") for one in loaded]
        picture = tmp_path / f"{name}-{language}-{width}-{scheme}.png"
        if name == "list":
            inspect(page, picture)
        page.screenshot(path=picture, full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(_CUT) == []
        if name == "issue":
            assert page.evaluate("[...document.images].every(i => i.naturalWidth > 0)")
    assert complaints == []
    context.close()


def test_a_latin_page_fetches_no_burmese_letters(url: str, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{url}/archive/weekly/1/en")
    page.evaluate(_LETTERS)
    fonts = [one for one in asked if ".woff2" in one]
    assert all("-400" in one for one in fonts)  # for the name of the other language in the bar
    context.close()


def test_from_the_list_to_an_issue_to_its_neighbour(url: str, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(f"{url}/archive/weekly?l=my&y=2025")
    page.get_by_role("link", name=past.TITLES[0][1]).click()
    assert page.url == f"{url}/archive/weekly/1/my"
    page.get_by_role("link", name=past.TITLES[1][1]).click()
    assert page.url == f"{url}/archive/weekly/2/my"
    page.locator(".bar").get_by_role("link", name="English", exact=True).click()
    assert page.url == f"{url}/archive/weekly/2/en"
    page.locator(".bar a").first.click()
    assert page.locator("html").get_attribute("lang") == "en"
    context.close()


def test_a_logo_stands_at_the_head_by_day_and_night(
    services: Services, browser: Browser, tmp_path: Path
) -> None:
    past.shelf(services, count=2)
    with writing(services.engine) as session:
        publication = publications.get(session, None)
        alts = {"en": "Hill Country Letter", "my": "တောင်တန်းဒေသ စာစောင်"}
        logos.set_logo(session, publication, past.drawing("#b5562c"), alts, now=past.NOW)
    with running(services) as server:
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": 360, "height": 740},
                color_scheme=scheme,
            )
            page = context.new_page()
            page.goto(f"{server.url}/archive/weekly/2/my")
            page.screenshot(path=tmp_path / f"logo-{scheme}.png")
            box = page.locator("img").first.bounding_box()
            assert box is not None
            assert 40 < box["width"] <= 328
            context.close()
