"""What a word processor leaves goes; what an editor wrote stays; what deceives is taken out."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.editorial.cleaning import line, plain, prose, visible
from newsletter.rendering.markdown import plain_blocks, to_html

WORD = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style><!--
 p.MsoNormal {mso-style-parent:""; margin:0cm;} --></style></head><body lang=EN-GB>
<!--[if gte mso 9]><xml><w:WordDocument><w:Zoom>0</w:Zoom></w:WordDocument></xml><![endif]-->
<h1>The school by the river<o:p></o:p></h1>
<p class=MsoNormal>The <b>river </b>rose &amp; nobody
 waited.<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p>
<p class=MsoListParagraph style='mso-list:l0 level1 lfo1'><![if !supportLists]><span
 style='mso-list:Ignore'>·<span>&nbsp;&nbsp; </span></span><![endif]>Boats *first*</p>
<p class=MsoListParagraph style='mso-list:l0 level1 lfo1'>Books <a
 href="https://example.org/a b">second</a></p>
<p class=MsoNormal>&lt;script&gt; is a word here.</p></body></html>"""


def test_a_text_from_word_becomes_paragraphs_and_lists() -> None:
    pasted = (
        "The\u00a0river rose. \u201cNobody\u201d wait\u00aded \u2013 at 10\u00a0km.\r"
        "\u00a0\r\uf0b7\tBoats\r\u2022\tBooks\r1.\tRoads\rThe end\x0bof it.\r"
    )
    found = prose(pasted)
    assert found.reasons == ()
    assert plain_blocks(found.text) == [
        "The river rose. “Nobody” waited – at 10\u00a0km.",
        "Boats",
        "Books",
        "Roads",
        "The end\nof it.",
    ]
    assert to_html(found.text).count("<li>") == 3


@pytest.mark.parametrize(
    "end", ["\n\n", "\r\n\r\n", "\r\r", "\u2029", "\u2028", "\x0c", "\x85\x85"]
)
def test_any_end_of_a_paragraph_is_one(end: str) -> None:
    assert plain_blocks(prose(f"One{end}Two").text) == ["One", "Two"]


def test_words_html_becomes_what_it_says() -> None:
    found = prose(WORD)
    assert found.reasons == ("took out Word's own markup",)
    assert plain_blocks(found.text) == [
        "The school by the river",
        "The river rose & nobody waited.",
        "Boats *first*",
        "Books second",
        "<script> is a word here.",
    ]
    html = to_html(found.text)
    assert "<strong>river</strong>" in html
    assert 'href="https://example.org/a%20b"' in html
    assert "&lt;script&gt;" in html
    assert line(WORD).text.startswith("The school by the river The river rose & nobody waited.")


@pytest.mark.parametrize(
    "text",
    [
        '<p class="note">HTML is a text</p> {{ config }} {% raw %}',
        "one\ntwo, a line further\n\n- item\n  - deeper\n\n> quoted\n> on\n\n    code",
        "👩‍👩‍👧 \u200fשלום\u200e 10\u00a0km",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "&#169; &amp; &nbsp;",
    ],
)
def test_what_an_editor_wrote_stays_as_it_is(text: str) -> None:
    assert prose(text).text == text
    assert prose(text).reasons == ()


@pytest.mark.parametrize(
    ("text", "kept", "named"),
    [
        ("report\u202egpj.exe", "reportgpj.exe", "U+202E"),
        ("a\u2066b\u2069", "ab", "U+2066, U+2069"),
        ("a&#8238;b&#x202E;c", "abc", "U+202E"),
        ("a\x07b\x1bc\x9f", "abc", "U+0007, U+001B, U+009F"),
        ("a\ud800b", "ab", "U+D800"),
        ("ab\U000e0041\U000e0042", "ab", "U+E0041"),
        ("a\ufffcb\ue123", "ab", "U+FFFC"),
    ],
)
def test_what_deceives_or_is_no_text_goes_and_is_said(text: str, kept: str, named: str) -> None:
    for shape in (line, plain, prose):
        found = shape(text)
        assert found.text == kept
        assert named in " ".join(found.reasons)
    assert "\x00" not in visible("\x00")


@given(st.text())
def test_a_clean_text_is_clean_again_and_fit_for_any_database(text: str) -> None:
    for shape in (line, plain, prose):
        once = shape(text).text
        assert shape(once).text == once
        once.encode()
        assert "\x00" not in once
    visible(text).encode()


@pytest.mark.parametrize(
    "text", ["<p class=MsoNormal>" * 10_000, "<!--[if " * 20_000, "\x0b \t" * 50_000, "&#" * 50_000]
)
def test_nothing_takes_longer_than_reading_it(text: str) -> None:
    began = time.process_time()
    prose(text)
    plain(text)
    assert time.process_time() - began < 5
