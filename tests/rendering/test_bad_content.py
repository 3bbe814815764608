"""Whatever an editor pastes is shown as text, in one piece, and ends no process."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from newsletter.core.errors import InputError
from newsletter.rendering import markdown
from newsletter.rendering.content import UNSUBSCRIBE_URL, Footnote, Letter, RenderedEdition
from newsletter.rendering.edition import render
from newsletter.rendering.fit_to_show import closed
from newsletter.rendering.message import MessageTemplate
from tests.rendering import sample
from tests.rendering.pages import Page

_THEME = sample.theme()
_NASTY = (
    """<script>alert("1")</script> {{ 7*7 }} {% raw %} "q" 'a' </mj-text></td> & မြ <b --> ${1}"""
)


def _with(letter: Letter, **changes: Any) -> Letter:
    return replace(letter, blocks=tuple(replace(block, **changes) for block in letter.blocks))


def _sound(letter: Letter) -> RenderedEdition:
    """Rendered, well formed and made into a message that can be left."""
    rendered = render(letter, _THEME)
    assert Page(rendered.html).fault == ""
    assert UNSUBSCRIBE_URL in rendered.html
    assert UNSUBSCRIBE_URL in rendered.text
    assert MessageTemplate(letter, rendered).build(sample.recipient()).isascii()
    return rendered


@pytest.mark.parametrize("edition", ["en", "my", "en+my"])
def test_markup_in_every_field_is_text(edition: str) -> None:
    letter = sample.letter(edition)
    assert letter.picture is not None
    line = replace(letter.blocks[0].groups[0].resources[0], title=_NASTY, byline=_NASTY)
    nasty = _with(
        letter,
        **dict.fromkeys(["title", "publication_name", "pull_quote", "body", "about"], _NASTY),
        postal_address=_NASTY,
        authors=(_NASTY, _NASTY),
        footnotes=(Footnote("1", _NASTY), Footnote("<i>", _NASTY)),
        groups=(replace(letter.blocks[0].groups[0], heading=_NASTY, resources=(line,)),),
    )
    alts = dict.fromkeys(["en", "my"], _NASTY)
    picture = replace(letter.picture, alts=alts)
    rendered = _sound(replace(nasty, picture=picture, logo=replace(picture, name="logo.jpg")))
    page = Page(rendered.html)
    assert not page.all("script")
    assert {image.attributes["alt"] for image in page.all("img")} == {_NASTY}
    assert {title.text for title in page.all("h1")} == {_NASTY}
    for shown in (page.all("body")[0].text, rendered.text):
        assert shown.count("{{ 7*7 }}") >= 9 * len(letter.blocks)
        assert "49" not in shown


def test_a_title_of_400_letters_stays_whole_and_the_subject_is_cut() -> None:
    for edition, word in (("en", "unaccountability "), ("my", "တာဝန်ခံမှုကင်းမဲ့ခြင်း ")):
        title = (word * 40)[:400].strip()
        rendered = _sound(_with(sample.letter(edition), title=title))
        assert Page(rendered.html).all("h1")[0].text == title
        assert title in rendered.text
        assert len(rendered.subject) <= 180


def test_an_issue_of_60_resources_and_5000_words() -> None:
    long = "\n\n".join(["Nobody waits for the rain to end. " * 20] * 36)
    letter = sample.with_many_resources(_with(sample.letter("en+my"), body=long), 60)
    assert len(long.split()) >= 5000
    rendered = _sound(letter)
    assert rendered.html.count('<p class="r"') == 120
    assert rendered.text.count("\n* ") == 120
    assert rendered.text.count("Nobody waits") >= 2 * 20 * 36


@pytest.mark.parametrize(
    "deep",
    [
        ">" * 20_000 + " deep",
        "".join(f"{'  ' * n}- level\n" for n in range(400)),
        "[" * 20_000 + "x" + "]" * 20_000,
        "**a" * 5_000,
        "_" * 50_000,
        "> - " * 5_000 + "x",
        "<div>" * 20_000,
        "{{" * 20_000,
    ],
    ids=["quotes", "lists", "brackets", "stars", "lines", "mixed", "tags", "braces"],
)
def test_deep_nesting_ends_nothing(deep: str) -> None:
    """MJML's compiler dies of 16,000 nested elements, so few may come near it."""
    rendered = _sound(_with(sample.letter("en"), body=deep))
    open_at_once = 0
    depth = 0
    for part in rendered.html.split("<"):
        depth += part.startswith(("blockquote", "ul", "li")) - part.startswith(("/b", "/ul", "/li"))
        open_at_once = max(open_at_once, depth)
    assert open_at_once < 100


def test_emoji_and_other_scripts_go_through() -> None:
    text = "👩🏽‍🏫 taught 🇲🇲 — ၸၢဝ်းတႆး · စရ့ၣ် · မန် · שלום · مرحبا · 𠮷"
    letter = _with(sample.letter("en"), title=text, body=text, about=text, pull_quote=text)
    rendered = _sound(letter)
    page = Page(rendered.html)
    assert page.all("h1")[0].text == text
    assert page.all("body")[0].text.count("👩🏽‍🏫") >= 4
    assert rendered.text.count(text) >= 4
    assert rendered.subject == text


def test_a_mark_that_turns_the_writing_ends_with_its_field() -> None:
    title = "Report \u202eelif.exe"
    line = replace(sample.ENGLISH.groups[0].resources[0], title=title, byline="\u2067Desk")
    group = replace(sample.ENGLISH.groups[0], resources=(line,))
    rendered = _sound(_with(sample.letter("en"), groups=(group,)))
    for shown in (rendered.html, rendered.text):
        assert f"{title}\u202c" in shown
        assert "\u2067Desk\u2069" in shown
    with pytest.raises(InputError, match="title"):
        render(_with(sample.letter("en"), title=title), _THEME)


@pytest.mark.parametrize(
    ("text", "added"),
    [
        ("plain", ""),
        ("\u202ea\u202c", ""),
        ("\u2067a\u202eb", "\u202c\u2069"),
        ("\u202c\u2069", ""),
        ("\u2067a\u202c", "\u2069"),
    ],
)
def test_only_what_was_left_open_is_closed(text: str, added: str) -> None:
    assert closed(text) == text + added


def test_control_characters_never_reach_a_reader() -> None:
    """A single U+0092 made Gmail clip a message."""
    line = replace(sample.ENGLISH.groups[0].resources[0], title="g\x0bh\ud800", byline="i\x1bj")
    group = replace(sample.ENGLISH.groups[0], resources=(line,), heading="k\x7fl")
    letter = _with(sample.letter("en"), body="a\x92b\x07c\x00d", about="e\x85f", groups=(group,))
    rendered = _sound(letter)
    for shown in (rendered.html, rendered.text):
        assert not {*map(chr, [*range(9), *range(11, 32), *range(127, 160)])} & set(shown)


def test_markdown_of_any_kind_is_bounded() -> None:
    assert markdown.to_html("> " * 5000 + "x").count("<blockquote>") <= 20
