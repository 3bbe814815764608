"""Every edition in a real browser: narrow and wide, by day and night, enlarged, without images."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser

from newsletter.rendering.content import Letter, Picture
from newsletter.rendering.edition import render
from newsletter.rendering.look import look_of
from tests.rendering import sample
from tests.rendering.test_browser import TEXTS

_EDITIONS = ["en", "my", "en+my"]
_OWN = {"masthead": "#ffffff", "accent": "#a3162e", "background": "#d8d4cc", "font": "serif"}
_TWICE = """() => {
  const all = [...document.body.querySelectorAll('*')];
  const sizes = all.map(e => parseFloat(getComputedStyle(e).fontSize));
  all.forEach((e, i) => e.style.setProperty('font-size', 2 * sizes[i] + 'px', 'important'));
}"""
_LINES = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walk.nextNode()) {
    const node = walk.currentNode, style = getComputedStyle(node.parentElement);
    if (!node.textContent.trim() || style.opacity === '0') continue;
    const range = document.createRange(), size = parseFloat(style.fontSize);
    range.selectNodeContents(node);
    for (const r of range.getClientRects()) {
      if (r.width < 2) continue;
      const middle = (r.top + r.bottom) / 2;  // a font's own box is taller than its letters
      const half = size * (/[\u1000-\u109f]/.test(node.textContent) ? .75 : .5);
      found.push({text: node.textContent.trim().slice(0, 40), left: r.left, right: r.right,
        top: middle - half, bottom: middle + half});
    }
  }
  return found;
}"""
_CUT = """() => [...document.body.querySelectorAll('*')]
  .filter(e => getComputedStyle(e).overflowY !== 'visible'
    && getComputedStyle(e).display !== 'none' && e.scrollHeight > e.clientHeight + 1)
  .map(e => e.className || e.tagName)"""


@contextmanager
def _shown(
    browser: Browser,
    tmp_path: Path,
    letter: Letter,
    width: int,
    scheme: str = "light",
) -> Iterator[Any]:
    """A page with the edition; its pictures lie in a message that is not there: all blocked."""
    file = tmp_path / "mail.html"
    file.write_text(render(letter, sample.theme()).html, "utf-8")
    page = browser.new_page(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page.goto(file.as_uri())
    yield page
    page.close()


def _logo(width: int, height: int) -> Picture:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "#98421c").save(file, "PNG")
    alts = {"en": "The Hill Country Weekly Review", "my": "တောင်တန်းဒေသ အပတ်စဉ် သုံးသပ်ချက်"}
    return Picture("10go.png", file.getvalue(), "image/png", width, height, alts)


def _overlaps(lines: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (one["text"], other["text"])
        for one, other in itertools.combinations(lines, 2)
        if min(one["right"], other["right"]) - max(one["left"], other["left"]) > 2
        and min(one["bottom"], other["bottom"]) - max(one["top"], other["top"]) > 2
    ]


@pytest.mark.parametrize("edition", _EDITIONS)
def test_no_width_needs_scrolling_sideways_or_lays_lines_over_each_other(
    browser: Browser,
    tmp_path: Path,
    edition: str,
) -> None:
    with _shown(browser, tmp_path, sample.letter(edition), 320) as page:
        for width in (320, 360, 600, 800):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert _overlaps(page.evaluate(_LINES)) == []
            box = page.evaluate("document.querySelector('.card').getBoundingClientRect().toJSON()")
            assert box["width"] == min(width, 600)
            assert abs((width - box["right"]) - box["left"]) < 1, "it stands in the middle"


@pytest.mark.parametrize("edition", _EDITIONS)
def test_letters_of_twice_the_size_find_room(
    browser: Browser,
    tmp_path: Path,
    edition: str,
) -> None:
    with _shown(browser, tmp_path, sample.letter(edition), 320) as page:
        page.evaluate(_TWICE)
        for width in (320, 600):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert _overlaps(page.evaluate(_LINES)) == []
            assert page.evaluate(_CUT) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("settings", [{}, _OWN], ids=["house", "own"])
@pytest.mark.parametrize("logo", [None, _logo(480, 120)], ids=["name", "logo"])
def test_every_text_and_word_for_a_picture_can_be_read(
    browser: Browser,
    tmp_path: Path,
    scheme: str,
    settings: dict[str, str],
    logo: Picture | None,
) -> None:
    letter = replace(sample.letter("en+my"), look=look_of(settings), logo=logo)
    with _shown(browser, tmp_path, letter, 600, scheme) as page:
        texts = page.evaluate(TEXTS)
    assert len(texts) > 100
    assert sum(text["tag"] == "IMG" for text in texts) == (4 if logo else 2)
    for text in texts:
        assert text["contrast"] >= 4.5, text
        if any("\u1000" <= letter <= "\u109f" for letter in text["text"]):
            assert text["height"] >= 1.6, text


@pytest.mark.parametrize("edition", ["en", "my"])
def test_the_words_for_pictures_fit_where_those_would_stand(
    browser: Browser,
    tmp_path: Path,
    edition: str,
) -> None:
    letter = replace(sample.letter(edition), logo=_logo(60, 60))
    with _shown(browser, tmp_path, letter, 320) as page:
        boxes = page.evaluate("""() => [...document.images].map(e => {
          const s = getComputedStyle(e), r = e.getBoundingClientRect();
          const pen = document.createElement('canvas').getContext('2d');
          pen.font = `${s.fontWeight} ${s.fontSize} ${s.fontFamily}`;
          return {needed: pen.measureText(e.alt).width * parseFloat(s.lineHeight),
            room: (r.width - 20) * r.height, right: r.right} })""")
    assert len(boxes) == 2
    for box in boxes:
        assert box["room"] >= box["needed"], "the words would be cut off"
        assert box["right"] <= 320


def test_a_logo_that_is_shown_keeps_its_shape_in_the_masthead(
    browser: Browser,
    tmp_path: Path,
) -> None:
    for wide, high, shown in ((960, 240, (240, 60)), (120, 240, (36, 72))):
        logo = _logo(wide, high)
        (tmp_path / "10go.png").write_bytes(logo.data)
        html = render(replace(sample.letter("en"), logo=logo), sample.theme()).html
        file = tmp_path / "mail.html"
        file.write_text(html.replace("cid:10go.png@weekly.news.example.org", "10go.png"), "utf-8")
        page = browser.new_page(viewport={"width": 320, "height": 800})
        page.goto(file.as_uri())
        size = page.evaluate("(i => [i.width, i.height])(document.images[0])")
        page.close()
        assert size == list(shown)
