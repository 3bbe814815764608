"""What an eye found in the mails: rows too low for a thumb, lines through letters, no room."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from newsletter.rendering.content import Letter
from newsletter.rendering.edition import render
from tests.rendering import sample

_THEME = sample.theme()
_PRESSED = """() => [...document.querySelectorAll('.r a, .foot a, a.go')]
  .map(e => [e.textContent.trim(), e.getBoundingClientRect().height])"""
_BELOW = """() => {
  const picture = document.querySelector('.card img').getBoundingClientRect();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const range = document.createRange(); range.selectNodeContents(walk.currentNode);
    const box = range.getBoundingClientRect();
    if (walk.currentNode.data.trim() && box.top >= picture.bottom) return box.top - picture.bottom;
  }
}"""


def _evaluated(
    browser: Browser,
    tmp_path: Path,
    letter: Letter,
    question: str,
    width: int = 320,
) -> Any:
    file = tmp_path / "mail.html"
    file.write_text(render(letter, _THEME).html, "utf-8")
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(file.as_uri())
    answer = page.evaluate(question)
    page.close()
    return answer


@pytest.mark.parametrize("edition", ["en", "my"])
def test_every_row_of_links_is_as_high_as_a_thumb(
    browser: Browser,
    tmp_path: Path,
    edition: str,
) -> None:
    for width in (320, 800):
        found = _evaluated(browser, tmp_path, sample.letter(edition), _PRESSED, width)
        assert len(found) == 8
        assert [pressed for pressed in found if pressed[1] < 44] == []


@pytest.mark.parametrize("edition", ["en", "my"])
def test_no_line_can_end_in_a_point_that_parts(edition: str) -> None:
    assert "·" not in render(sample.letter(edition), _THEME).html


@pytest.mark.parametrize("quote", ["", "Somebody said so."])
def test_the_text_does_not_stick_to_the_picture(
    browser: Browser,
    tmp_path: Path,
    quote: str,
) -> None:
    letter = sample.letter("en")
    plain = replace(letter, blocks=(replace(letter.blocks[0], pull_quote=quote),))
    assert 24 <= _evaluated(browser, tmp_path, plain, _BELOW) <= 44


def test_burmese_is_neither_leaned_nor_struck_through_nor_counted_in_latin_digits() -> None:
    body = "*အလေးပေးစာ* [လင့်ခ်](https://example.org/a)\n\n1. ပထမ\n\n---\n\nx"
    burmese = replace(sample.BURMESE, body=body, footnotes=())
    html = render(replace(sample.letter("my"), blocks=(burmese,)), _THEME).html
    assert '<em style="font-style:normal;font-weight:bold">' in html
    assert 'href="https://example.org/a" style="text-decoration:none;border-bottom:' in html
    assert "list-style-type:myanmar" in html
    english = replace(sample.ENGLISH, body=body, footnotes=())
    html = render(replace(sample.letter("en"), blocks=(english,)), _THEME).html
    assert "<em>" in html
    assert "list-style-type" not in html


def test_a_logo_without_words_in_a_language_added_later_shows_the_name() -> None:
    logo = replace(sample.picture(), name="logo.jpg", alts={"en": "The Weekly"})
    html = render(replace(sample.letter("en+my"), logo=logo), _THEME).html
    assert f'alt="{sample.BURMESE.publication_name}"' in html
