"""The mail in a real browser: no sideways scrolling, enough contrast, nothing overlapping."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from newsletter.core.addresses import Address
from newsletter.core.clock import now
from newsletter.rendering.edition import render
from newsletter.rendering.look import HOUSE
from newsletter.rendering.notice import Notice, build
from tests.rendering import sample

TEXTS = """() => {
  const rgb = c => c.match(/[\\d.]+/g).map(Number);
  const lum = c => { const [r,g,b] = rgb(c).slice(0,3).map(v => { v /= 255;
    return v <= .03928 ? v/12.92 : ((v+.055)/1.055)**2.4 }); return .2126*r+.7152*g+.0722*b };
  const back = e => { while (e) { const c = getComputedStyle(e).backgroundColor;
    if (rgb(c).length === 3 || rgb(c)[3] > 0) return c; e = e.parentElement }
    return 'rgb(255,255,255)' };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent.trim(), e = walk.currentNode.parentElement;
    const s = getComputedStyle(e);
    if (!text || e.offsetParent === null && s.display === 'none' || s.opacity === '0') continue;
    const a = lum(s.color), b = lum(back(e));
    found.push({text, tag: e.tagName, size: parseFloat(s.fontSize),
      height: parseFloat(s.lineHeight) / parseFloat(s.fontSize),
      contrast: (Math.max(a,b)+.05) / (Math.min(a,b)+.05)});
  }
  for (const e of document.images) {
    const s = getComputedStyle(e), a = lum(s.color), b = lum(back(e));
    found.push({text: e.alt, tag: 'IMG', size: parseFloat(s.fontSize),
      height: parseFloat(s.lineHeight) / parseFloat(s.fontSize),
      contrast: (Math.max(a,b)+.05) / (Math.min(a,b)+.05)});
  }
  return found;
}"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bilingual edition with an awkward long link and byline."""
    letter = sample.letter("en+my")
    long = replace(
        letter.blocks[0],
        about="https://example.org/" + "a-very-long-address/" * 8,
        authors=("N" * 60,),
    )
    html = render(replace(letter, blocks=(long, letter.blocks[1])), sample.theme()).html
    file = tmp_path_factory.mktemp("mail") / "mail.html"
    file.write_text(html, "utf-8")
    return file


def _open(browser: Browser, file: Path, width: int, scheme: str) -> Any:
    page = browser.new_page(
        viewport={"width": width, "height": 700},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page.goto(file.as_uri())
    return page


@pytest.mark.parametrize("width", [320, 360, 600])
def test_it_never_scrolls_sideways(browser: Browser, page_file: Path, width: int) -> None:
    page = _open(browser, page_file, width, "light")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(browser: Browser, page_file: Path, scheme: str) -> None:
    page = _open(browser, page_file, 360, scheme)
    texts = page.evaluate(TEXTS)
    page.close()
    assert len(texts) > 100
    for text in texts:
        assert text["contrast"] >= 4.5, text
        if text["tag"] != "A" or not text["text"].startswith("["):
            assert text["size"] >= 14, text
        if any("\u1000" <= character <= "\u109f" for character in text["text"]):
            assert text["height"] >= 1.6, text


def test_thumbs_hit_the_links_and_a_blocked_picture_can_be_read(
    browser: Browser, page_file: Path
) -> None:
    page = _open(browser, page_file, 360, "light")
    heights = page.evaluate(
        "[...document.querySelectorAll('.foot a, a[hreflang]')]"
        ".map(e => e.getBoundingClientRect().height)"
    )
    lines = page.evaluate(
        "[...document.querySelectorAll('img')].map(e => getComputedStyle(e))"
        ".map(s => parseFloat(s.lineHeight) / parseFloat(s.fontSize))"
    )
    page.close()
    assert len(heights) == 7
    assert min(heights) >= 44
    assert min(lines) >= 1.6, "Burmese in place of a blocked picture would overlap itself"


def test_dark_is_dark(browser: Browser, page_file: Path) -> None:
    page = _open(browser, page_file, 360, "dark")
    colours = page.evaluate(
        "['.card','.page'].map(s => getComputedStyle(document.querySelector(s)).backgroundColor)"
    )
    page.close()
    wanted = [HOUSE.dark.card, HOUSE.dark.page]
    assert colours == [
        f"rgb({int(c[1:3], 16)}, {int(c[3:5], 16)}, {int(c[5:], 16)})" for c in wanted
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_mail_of_a_sign_up_can_be_read_and_pressed(
    browser: Browser, tmp_path: Path, scheme: str
) -> None:
    names = {"en": "Hill Country Weekly", "my": "တောင်တန်းဒေသ အပတ်စဉ်"}
    link = f"https://news.example.org/c/v1.k1.{'A' * 34}.{'B' * 22}"
    notice = Notice(("en", "my"), names, "Desk", "desk@news.example", "", link, 7)
    to = Address("reader@example.org")
    data = build(notice, sample.theme(), to=to, message_id="a@news.example", date=now())
    mail = message_from_bytes(data, _class=EmailMessage, policy=policy.default)
    part = mail.get_body(("html",))
    assert part is not None
    file = tmp_path / "confirm.html"
    file.write_text(str(part.get_content()), "utf-8")
    page = _open(browser, file, 360, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    texts = page.evaluate(TEXTS)
    heights = page.evaluate(
        "[...document.querySelectorAll('a')].map(e => e.getBoundingClientRect().height)"
    )
    page.close()
    assert len(heights) == 2
    assert min(heights) >= 44
    assert len(texts) > 14
    for text in texts:
        assert text["contrast"] >= 4.5, text
        assert text["size"] >= 14, text
        if any("\u1000" <= character <= "\u109f" for character in text["text"]):
            assert text["height"] >= 1.6, text
