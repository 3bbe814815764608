"""The last hand on a page: words held together, and what a mail needs without its style sheet."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser

from newsletter.rendering.edition import render
from newsletter.rendering.finishing import HOLD, finish_mail, keep_together
from tests.rendering import sample
from tests.rendering.pages import Page

_WORDS = ["လင့်ခ်", "အီးမေးလ်", "စင်္ကြံ", "ဘင်္ဂလား", "ဖေ့စ်ဘုတ်", "ကမ္ဘာ့", "အင်္ဂလိပ်", "သမ္မတ", "ပုဂ္ဂိုလ်"]
_TORN = """([words]) => {
  const whole = document.body, found = [];
  const nodes = [], walk = document.createTreeWalker(whole, NodeFilter.SHOW_TEXT);
  let text = '';
  while (walk.nextNode()) { nodes.push([walk.currentNode, text.length]);
    text += walk.currentNode.textContent }
  const at = i => { const [n, s] = nodes.findLast(([, s]) => s <= i); return [n, i - s] };
  for (const word of words) for (let i = text.indexOf(word); i >= 0; i = text.indexOf(word, i+1)) {
    const range = document.createRange();
    range.setStart(...at(i)); const [n, o] = at(i + word.length - 1); range.setEnd(n, o + 1);
    if (new Set([...range.getClientRects()].map(r => Math.round(r.bottom / 8))).size > 1)
      found.push(word);
  }
  return found;
}"""
_SYLLABLES = ["လင့်ခ်", "မေးလ်", "စင်္ကြံ", "ဘင်္ဂ", "ဖေ့စ်", "ကမ္ဘာ့", "အင်္ဂ", "သမ္မ", "ပုဂ္ဂိုလ်"]
_HTML = st.lists(st.sampled_from([
    "ကမ္ဘာ့", "လင့်ခ်", "<b>", "</b>", "<img alt=\"ကမ္ဘာ့ > 'x'\">", "<title>ကမ္ဘာ့</title>", "text ",
    "<style>a>b{}</style>", "<!--[if mso]><b>ကမ္ဘာ့</b><![endif]-->", "&amp;", "<", ">", "\n",
]), max_size=12).map("".join)  # fmt: skip


@given(_HTML)
def test_a_page_without_the_spans_is_the_page_before(html: str) -> None:
    held = keep_together(html, '<span class="nw">')
    assert re.sub(r'<span class="nw">(.*?)</span>', r"\1", held) == html
    for mute in re.findall(r"<title>.*?</title>|<img[^<]*?>|<!--.*?-->", held):
        assert "nw" not in mute


def _many_words() -> str:
    text = "".join(f"{'က' * (n % 7)}{word}ကို " for n in range(30) for word in _WORDS)
    block = replace(sample.BURMESE, body=text, title=text[:400], about=text[400:900])
    return render(replace(sample.letter("my"), blocks=(block,)), sample.theme()).html


@pytest.mark.parametrize("width", range(300, 481, 12))
def test_chromium_tears_none_of_the_known_words(
    browser: Browser,
    tmp_path: Path,
    width: int,
) -> None:
    file = tmp_path / "mail.html"
    file.write_text(_many_words(), "utf-8")
    page = browser.new_page(viewport={"width": width, "height": 700})
    page.goto(file.as_uri())
    torn = page.evaluate(_TORN, [_SYLLABLES])
    page.close()
    assert torn == []


def test_a_mail_is_sound_without_its_style_sheet(
    browser: Browser,
    tmp_path: Path,
) -> None:
    letter = sample.letter("en+my")
    long = replace(letter.blocks[0], body=f"{'w' * 100} https://example.org/{'a' * 120}")
    html = render(replace(letter, blocks=(long, letter.blocks[1])), sample.theme()).html
    bare = re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL)
    file = tmp_path / "bare.html"
    file.write_text(bare, "utf-8")
    page = browser.new_page(viewport={"width": 360, "height": 700})
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()
    for link in Page(html).all("a"):
        assert re.search("(?:^|;)color:#(?:0b5d66|4c4f50)", link.attributes["style"])


def test_letters_of_attributes_become_short_and_markup_stays_escaped() -> None:
    source = '<body><img alt="&#x1000;&#xaa60; &#x22;&#x3c;&amp;#x1000;"></body>'
    assert finish_mail(source) == '<body><img alt="က\uaa60 &#x22;&#x3c;&amp;#x1000;"></body>'


def test_text_title_and_attributes_hold_no_span() -> None:
    word = "ကမ္ဘာ့"
    block = replace(sample.BURMESE, title=word, pull_quote=f"{word} {word}")
    made = replace(sample.letter("my"), blocks=(block,))
    assert made.picture is not None
    made = replace(made, picture=replace(made.picture, alts={"my": word}))
    rendered = render(made, sample.theme())
    page = Page(rendered.html)
    assert f"{HOLD}{word}</span></h1>" in rendered.html
    assert page.all("title")[0].text == page.all("img")[0].attributes["alt"] == word
    assert "span" not in rendered.text + rendered.subject + rendered.preheader
