"""Markdown of editorials: Burmese emphasis, safe links, notes both ways, and the way back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.rendering import markdown

_LINES = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn")), min_size=1
).filter(lambda line: line == line.strip())


@given(_LINES)
@example("1. Not a list")
@example("- nor this & that &amp; _those_ snake_case __init__")
@example("[^1] is no note, [x](http://x.org) no link, <b>no</b> tag, \\")
@example("၁။ မြန်မာစာ *ကြယ်* ပါသော စာကြောင်း")
def test_an_escaped_line_comes_back_exactly(line: str) -> None:
    assert markdown.plain_blocks(markdown.escape(line)) == [line]


@given(_LINES)
def test_an_escaped_line_shows_as_itself_and_holds_no_markup(line: str) -> None:
    html = markdown.to_html(markdown.escape(line), ["1"])
    assert html.startswith("<p>")
    assert html.count("<") == 2


@pytest.mark.parametrize("source", ["**မြန်မာ**စာ", "**မြန်မာစာ။**နောက်စာကြောင်း"])
def test_burmese_emphasis_needs_no_space(source: str) -> None:
    assert "<strong>" in markdown.to_html(source)
    assert "*" not in markdown.to_html(source)


@pytest.mark.parametrize(
    "source",
    ["[x](javascript:alert(1))", "[x](data:text/html,y)", "[x](//evil.example)", "[x](/local)"],
)
def test_only_web_and_mail_links_stay_links(source: str) -> None:
    assert markdown.to_html(source) == "<p>x</p>"


def test_web_and_mail_links_stay_and_the_text_names_them() -> None:
    source = "See [the report](https://example.org/r?a=1&b=2) or <https://example.org/x>."
    assert 'href="https://example.org/r?a=1&amp;b=2"' in markdown.to_html(source)
    assert markdown.to_text(source) == (
        "See the report or https://example.org/x.\n→ the report\nhttps://example.org/r?a=1&b=2"
    )
    quoted = "> [one](https://a.example) [two](https://b.example)\n\nEnd"
    assert markdown.to_text(quoted) == (
        "> one two\n> → one\n> https://a.example\n> → two\n> https://b.example\n\nEnd"
    )


def test_a_bare_address_can_be_pressed_and_ends_where_its_sentence_does() -> None:
    html = markdown.to_html("See https://example.org/a_b. [https://example.org/c](https://x.org)")
    assert '<a href="https://example.org/a_b">https://example.org/a_b</a>. ' in html
    assert html.count("<a ") == 2
    assert markdown.to_text("At https://example.org/a, now.") == "At https://example.org/a, now."


def test_images_give_way_to_their_alternative_text() -> None:
    assert markdown.to_html("![A river](photo.jpg)") == "<p>A river</p>"


def test_raw_html_is_shown_and_not_obeyed() -> None:
    assert "<script" not in markdown.to_html("<script>x</script>\n\na <img src=x> b")


def test_notes_link_to_their_text_and_unknown_ones_stay_plain() -> None:
    html = markdown.to_html("One[^1] two[^1] three[^9].", ["1"], prefix="my")
    assert '&#8288;<sup><a href="#my-n1" id="my-n1-r">[1]</a></sup>' in html
    assert html.count('id="') == 1
    assert "three[9]." in html
    assert markdown.plain_blocks("One[^1].") == ["One[1]."]


def test_headings_sink_below_the_title() -> None:
    assert markdown.to_html("# Part\n\n## Detail", level=2) == "<h3>Part</h3>\n<h4>Detail</h4>"


def test_plain_text_keeps_lists_and_quotes() -> None:
    source = "Intro\n\n- one\n- two\n  1. deep\n\n> said"
    assert markdown.to_text(source) == "Intro\n\n- one\n- two\n  1. deep\n\n> said"
    assert markdown.to_text("- a\n\n- b\n\n## Part\n\n- c") == "- a\n\n- b\n\n== Part ==\n\n- c"
    linked = "== Part ==\n→ Part\nhttps://example.org/a"
    assert markdown.to_text("## [Part](https://example.org/a)") == linked


@pytest.mark.parametrize(
    "deep",
    [
        "\n".join("  " * level + f"- item {level}" for level in range(14)),
        "> " * 50 + "item 13",
        "- > " * 30 + "item 13",
        "1. " * 60 + "item 13",
    ],
    ids=["lists", "quotations", "both", "numbers"],
)
def test_nothing_is_lost_however_deep_it_stands(deep: str) -> None:
    source = f"{deep}\n\nThe text goes on."
    for shown in (markdown.to_html(source), markdown.to_text(source)):
        assert "item 13" in shown
        assert "The text goes on." in shown
