"""An edition as its reader gets it: complete, safe, light, and right in both languages."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from newsletter.core.errors import InputError
from newsletter.rendering import markdown
from newsletter.rendering.content import PREFERENCES_URL, UNSUBSCRIBE_URL, Block, Letter
from newsletter.rendering.edition import render, web_address
from newsletter.rendering.environment import linked
from tests.rendering import sample
from tests.rendering.pages import Page

_THEME = sample.theme()
_EDITIONS = ["en", "my", "en+my"]


def _with(letter: Letter, **changes: object) -> Letter:
    first = replace(letter.blocks[0], **changes)  # type: ignore[arg-type]
    return replace(letter, blocks=(first, *letter.blocks[1:]))


def _says(block: Block) -> list[str]:
    """Every piece of text that a block must show."""
    lines = [line for group in block.groups for line in group.resources]
    return [
        *(block.publication_name, block.title, block.pull_quote, *block.authors),
        *(group.heading for group in block.groups if group.heading),
        *(line.title for line in lines),
        *(line.byline for line in lines),
        *(note.text for note in block.footnotes),
        *(" ".join(part.split()) for part in block.about.split("\n\n")),
        *block.postal_address.split("\n"),
        *markdown.plain_blocks(block.body),
    ]


@pytest.mark.parametrize("edition", _EDITIONS)
def test_nothing_of_the_issue_is_lost(edition: str) -> None:
    letter = sample.letter(edition)
    rendered = render(letter, _THEME)
    page = Page(rendered.html)
    assert page.fault == ""
    shown = next(e for e in page.elements if e.attributes.get("class") == "page")
    seen = " ".join(shown.text.replace("\u2060", "").split())
    flat = re.sub(r" \(https?://[^ )]+\)", "", " ".join(rendered.text.split()))
    for block in letter.blocks:
        for piece in _says(block):
            assert piece in seen
            assert piece in flat
    links = {element.attributes.get("href") for element in page.all("a")}
    for line in (line for b in letter.blocks for g in b.groups for line in g.resources):
        assert line.url in links or not line.url
    assert {UNSUBSCRIBE_URL, PREFERENCES_URL, letter.browser_url} <= links


@pytest.mark.parametrize("edition", _EDITIONS)
def test_notes_and_jumps_lead_somewhere_and_ids_are_unique(edition: str) -> None:
    page = Page(render(sample.letter(edition), _THEME).html)
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    inside = [e.attributes["href"][1:] for e in page.all("a") if e.attributes["href"][:1] == "#"]
    assert set(inside) <= set(ids)
    for block in sample.letter(edition).blocks:
        assert {f"{block.language}-n1", f"{block.language}-n1-r"} <= set(inside)
    assert ("my" in inside) == (edition == "en+my")


@pytest.mark.parametrize("edition", _EDITIONS)
def test_nothing_is_fetched_and_nothing_tears_burmese(edition: str) -> None:
    html = render(sample.letter(edition), _THEME).html
    page = Page(html)
    sources = [e.attributes[n] for e in page.elements for n in ("src", "background", "srcset")
               if n in e.attributes]  # fmt: skip
    assert sources
    assert all(source.startswith("cid:") for source in sources)
    assert not page.all("link")
    assert not page.all("script")
    assert not re.search(r"url\(|@import|@font-face", html)
    assert not re.search(r"word-break|letter-spacing|italic|uppercase|justify|\\u\{", html)
    assert "Zawgyi" not in html
    assert page.all("html")[0].attributes["lang"] == edition[:2]
    assert page.all("html")[0].attributes["dir"] == "ltr"
    assert not [e for e in page.all("td") if "lang" in e.attributes]


def test_every_block_is_marked_with_its_language_and_foreign_titles_too() -> None:
    page = Page(render(sample.letter("en+my"), _THEME).html)
    titles = {e.text: e.languages[-1] for e in page.all("b")}
    assert titles["Counting the closed doors: a year of attacks on clinics"] == "en"
    assert titles["အောင်လက်မှတ်များ နယ်စပ်ဖြတ်ကျော်၍ အသိအမှတ်ပြုခံရနိုင်ပုံ"] == "my"
    headings = {e.text: e.languages[-1] for e in page.elements if e.tag in ("h1", "h2")}
    assert headings[sample.ENGLISH.title] == "en"
    assert headings[sample.BURMESE.title] == "my"
    assert len(page.all("h1")) == 1


@pytest.mark.parametrize(("edition", "other"), [("en", "Other"), ("my", "အခြား")])
def test_resources_in_no_category_stand_under_a_heading_of_their_own(
    edition: str, other: str
) -> None:
    letter = sample.letter(edition)
    groups = letter.blocks[0].groups
    rendered = render(_with(letter, groups=(groups[0], replace(groups[1], heading=None))), _THEME)
    assert other in [e.text for e in Page(rendered.html).all("h3")]
    assert f"\n== {other} ==\n" in rendered.text
    alone = render(_with(letter, groups=(replace(groups[1], heading=None),)), _THEME)
    assert other not in [e.text for e in Page(alone.html).all("h3")]
    assert f"\n== {other} ==" not in alone.text


def test_names_in_another_script_are_marked_with_their_language() -> None:
    line = replace(sample.ENGLISH.groups[0].resources[0], byline="ဒေသခံကွန်ရက်")
    made = _with(
        sample.letter("en"),
        groups=(replace(sample.ENGLISH.groups[0], resources=(line,)),),
    )
    assert 'By <span lang="my">ဒေသခံကွန်ရက်</span>' in render(made, _THEME).html
    burmese = render(sample.letter("my"), _THEME).html
    assert '<span lang="en">Example Town 1000</span>' in burmese
    assert '<span lang="en">Lantern Law Desk</span>\u00a0မှ' in burmese


def test_the_first_part_says_that_another_language_follows() -> None:
    lines = render(sample.letter("en+my"), _THEME).text.split("\n")
    jump = lines.index("မြန်မာဘာသာဖြင့် အောက်တွင် ဖတ်ရန်")
    assert lines.index("View in browser:") < jump < lines.index(sample.ENGLISH.title)
    assert "View in browser:" in lines


def test_a_resource_without_a_link_stands_as_plain_text() -> None:
    page = Page(render(sample.letter("en"), _THEME).html)
    title = "Open letter to donors: pay small grants first"
    assert title in page.all("body")[0].text
    assert title not in [e.text for e in page.all("a")]


def test_burmese_words_and_digits_are_in_the_house_form() -> None:
    text = render(sample.letter("my"), _THEME).text
    assert "အမှတ်စဉ် ၁၂ · ၂၀၂၃ ခုနှစ်၊ နိုဝင်ဘာလ ၂၀ ရက်" in text
    assert "ဖတ်ရှုချိန် ၃ မိနစ်" in text
    assert "ရေးသားသူ – မေသီရိနှင့် စောထူး" in text
    assert "\nဒေသခံပညာရေးကွန်ရက်မှ\n" in text
    assert "\nHill Clinics Coalition\u00a0မှ\n" in text


def test_the_text_part_is_an_edition_of_its_own() -> None:
    text = render(sample.letter("en+my"), _THEME).text
    lines = text.split("\n")
    assert lines.count(UNSUBSCRIBE_URL) == 2
    assert lines.count(PREFERENCES_URL) == 2
    assert "https://example.org/reports/lessons-on-the-move.pdf" in lines
    assert "[1] The village is not named here, at the wish of its school committee." in lines
    assert "\n\n\n" not in text
    assert max(map(len, lines)) > 300, "Burmese must not be wrapped"


@pytest.mark.parametrize("edition", ["en", "my"])
def test_the_preheader_is_a_sentence_of_fitting_length(edition: str) -> None:
    letter = sample.letter(edition)
    assert 40 <= len(render(letter, _THEME).preheader) <= 110
    bare = _with(letter, pull_quote="")
    preheader = render(bare, _THEME).preheader
    assert 40 <= len(preheader) <= 110
    assert "[1]" not in preheader


def test_a_full_bilingual_issue_stays_below_the_clipping_limit() -> None:
    letter = sample.with_many_resources(sample.letter("en+my"), 12)
    blocks = tuple(replace(b, body="\n\n".join([b.body] * 4)) for b in letter.blocks)
    html = render(replace(letter, blocks=blocks), _THEME).html
    assert len(html.encode()) < 74_000


def test_the_web_page_has_no_reader_and_fetches_its_picture_from_here() -> None:
    letter = sample.letter("en+my")
    rendered = render(letter, _THEME, for_web=True)
    page = Page(rendered.html)
    assert "placeholder.invalid" not in rendered.html + rendered.text
    assert "You receive this" not in rendered.html
    assert {e.attributes["src"] for e in page.all("img")} == {"/media/a1b2c3d4.jpg"}
    assert page.all("title")[0].text == sample.ENGLISH.title
    metas = {e.attributes.get("name") for e in page.all("meta")}
    assert {"viewport", "referrer", "description", "color-scheme"} <= metas


def test_an_english_editorial_in_the_burmese_edition_says_so() -> None:
    filled = replace(
        sample.BURMESE, title=sample.ENGLISH.title, body="English words.", editorial_language="en"
    )
    rendered = render(replace(sample.letter("my"), blocks=(filled,)), _THEME)
    page = Page(rendered.html)
    assert "ယခုအပတ် သုံးသပ်ချက်ကို အင်္ဂလိပ်ဘာသာဖြင့် ဖော်ပြထားပါသည်။" in rendered.text
    assert next(e for e in page.all("h1")).attributes["lang"] == "en"
    assert next(e for e in page.all("p") if e.text == "English words.").languages[-1] == "en"


def test_hostile_texts_stay_texts() -> None:
    nasty = """<script>alert("1")</script> {{ 7*7 }} {% raw %} "q" 'a' </mj-text> & မြ <b"""
    line = replace(
        sample.ENGLISH.groups[0].resources[0], title=nasty, byline=nasty, url="javascript:alert(1)"
    )
    letter = sample.letter("en")
    assert letter.picture is not None
    letter = replace(letter, picture=replace(letter.picture, alts={"en": nasty}))
    letter = _with(
        letter,
        title=nasty,
        pull_quote=nasty,
        about=nasty,
        publication_name=nasty,
        body=nasty,
        authors=(nasty,),
        postal_address=nasty,
        footnotes=(replace(sample.ENGLISH.footnotes[0], text=nasty),),
        groups=(replace(sample.ENGLISH.groups[0], heading=nasty, resources=(line,)),),
    )
    rendered = render(letter, _THEME)
    page = Page(rendered.html)
    assert page.fault == ""
    assert not page.all("script")
    assert "javascript:" not in rendered.html + rendered.text
    assert page.all("img")[0].attributes["alt"] == nasty
    assert page.all("title")[0].text == nasty
    assert page.all("h1")[0].text == nasty
    assert page.all("body")[0].text.count("{{ 7*7 }}") >= 8
    assert rendered.subject == nasty


@pytest.mark.parametrize("text", ["a\r\nBcc: x@example.org", "=?utf-8?q?x?=", "a\x00b"])
def test_a_title_that_could_forge_a_header_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match="title"):
        render(_with(sample.letter("en"), title=text), _THEME)
    with pytest.raises(InputError, match="subject prefix"):
        render(replace(sample.letter("en"), subject_prefix=text), _THEME)


def test_a_bare_issue_still_makes_a_letter() -> None:
    bare = _with(
        sample.letter("en", with_picture=False),
        authors=(),
        reading_minutes=None,
        pull_quote="",
        body="",
        about="",
        footnotes=(),
        groups=(),
        postal_address="",
    )
    rendered = render(bare, _THEME)
    assert sample.ENGLISH.title in rendered.html
    assert "<img" not in rendered.html
    assert "Resources from" not in rendered.html


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://example.org/သတင်း?q=a b", "https://example.org/%E1%80%9E%E1%80%90%E1%80%84%E1%80%BA%E1%80%B8?q=a%20b"),
        ("https://example.org/a%20b#c", "https://example.org/a%20b#c"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("javascript:alert(1)", None),
        ("//example.org/x", None),
        ("https://[x", None),
        ("https://example.org/\ud800", None),
    ],
)  # fmt: skip
def test_links_are_ascii_and_lead_to_the_web(url: str, written: str | None) -> None:
    assert web_address(url) == written


def test_an_address_in_a_note_ends_where_its_sentence_does() -> None:
    assert linked("See (https://example.org/a), and <x>.") == (
        'See (<a href="https://example.org/a">https://example.org/a</a>), and &lt;x&gt;.'
    )
    assert linked("https://example.org/xတွင်") == (
        '<a href="https://example.org/x">https://example.org/x</a>တွင်'
    )
