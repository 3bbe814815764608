"""What a finished page owes its reader, what mail programs show of it, and how large it is."""

from __future__ import annotations

import hashlib
import tomllib

import pytest

from newsletter.core.resources import shipped
from newsletter.editorial.preflight import mail_features, pages, promised, sizes
from newsletter.rendering.splicing import SplicedText
from tests.rendering.sample import letter

LEAVE = "https://news.example/u/token"
OWED = promised.Owed(LEAVE, ["12 Lane,\nChiang Mai"])
FOOT = f'<p>12 Lane, Chiang Mai</p><p><a href="{LEAVE}">Unsubscribe</a></p>'
GOOD = f"""<html lang="en"><head><style>p {{ margin: 0 }}</style></head><body>
<div style="display:none">A first line.</div><p>Rain</p>
<img src="cid:a@b" alt="A river" width="536" height="300">{FOOT}</body></html>"""


def faults(html: str, owed: promised.Owed = OWED) -> set[tuple[str, str]]:
    """Level and check of what is wrong with a page."""
    return {(p.level, p.check) for p in promised.of_page(pages.read(html), html, owed)}


def test_a_good_page_is_silent() -> None:
    assert faults(GOOD) == set()
    assert list(mail_features.judge(pages.read(GOOD), mail_features.clients())) == []


@pytest.mark.parametrize(
    ("old", "new", "level", "check"),
    [
        (LEAVE, "https://news.example/", "error", "way out and postal address"),
        ("12 Lane", "", "error", "way out and postal address"),
        ("cid:a@b", "https://cdn.example/a.png", "error", "remote references"),
        ("<p>Rain", '<p style="background:url(x.png)">Rain', "error", "remote references"),
        ("margin: 0", "@import 'a.css'", "error", "remote references"),
        ("<p>Rain", '<link href="https://fonts.example/x"><p>Rain', "error", "remote references"),
        ("<p>Rain", '<td background="//x.example/b.png">Rain', "error", "remote references"),
        (' alt="A river"', "", "error", "alternative text"),
        ('height="300"', 'height="auto"', "warning", "alternative text"),
        (' lang="en"', "", "warning", "page"),
        ("<p>Rain", "<p>\\u{1019}", "error", "page"),
    ],
)
def test_each_fault_of_a_page_is_told(old: str, new: str, level: str, check: str) -> None:
    assert old in GOOD
    assert (level, check) in faults(GOOD.replace(old, new, 1))


def test_hosted_pictures_may_come_from_our_own_address_and_no_other() -> None:
    ours = promised.Owed(LEAVE, OWED.postal_addresses, ["https://news.example/media/a.png"])
    page = GOOD.replace("cid:a@b", "https://news.example/media/a.png")
    assert faults(page, ours) == set()
    assert faults(page) == {("error", "remote references")}
    elsewhere = GOOD.replace("cid:a@b", "https://news.example.evil/a.png")
    assert faults(elsewhere, ours) == {("error", "remote references")}


def test_the_plain_text_owes_the_same() -> None:
    text = f"Rain\n\nUnsubscribe:\n{LEAVE}\n\n12 Lane, Chiang Mai\n"
    assert list(promised.of_text(text, OWED)) == []
    inline = text.replace(f":\n{LEAVE}", f": {LEAVE}").replace("12 Lane", "")
    assert [p.text for p in promised.of_text(inline, OWED)] == [
        "the plain text has no link to leave",
        "the plain text shows no postal address, which mail to many people must carry",
    ]


def test_the_line_beside_the_subject_is_what_the_first_hidden_element_says() -> None:
    second = GOOD.replace("<p>Rain", '<p style="color:red;display:none">not this</p><p>Rain')
    assert pages.read(second).hidden == "A first line."


def test_links_are_read_with_their_words_and_languages() -> None:
    page = pages.read(
        '<html lang="en"><p>a<br><a href="x">see <b>this</b></a></p>'
        '<div lang="my"><a href="y"><img alt="ပုံ"></a></div><a href="z">end</a></html>'
    )
    found = [(a.href, a.text, a.lang) for a in page.anchors]
    assert found == [("x", "see this", "en"), ("y", "ပုံ", "my"), ("z", "end", "en")]


@pytest.mark.parametrize(
    ("html", "feature"),
    [
        ('<div style="position:absolute;top:0">x</div>', "position"),
        ("<style>.a{display:grid;gap:4px}</style>", "display:grid"),
        ("<style>@font-face{src:x}</style>", "@font-face"),
        ('<p style="margin:calc(1px + 2px)">x</p>', "calc() function"),
        ("<video src='cid:x'></video>", "<video> element"),
        ("<form><input type=checkbox></form>", "<form> element"),
        ("<style>a::before{content:'x'}</style>", "::before"),
        ('<p style="--ink:red;color:var(--ink)">x</p>', "CSS Variables"),
        ('<p style="width:50vw">x</p>', "vw unit"),
        ("<svg></svg>", "SVG"),
        ('<p style="filter:blur(2px)">x</p>', "filter"),
        ("<style>.a:has(b){color:red}</style>", ":has()"),
    ],
)
def test_what_mail_programs_drop_is_told_with_their_names(html: str, feature: str) -> None:
    found = list(mail_features.judge(pages.read(html), mail_features.clients()))
    told_of = [p for p in found if feature.lower() in p.text.lower()]
    assert told_of, [p.text for p in found]
    assert "is not shown by" in told_of[0].text
    assert "www.caniemail.com/features/" in told_of[0].remedy


def test_a_sheet_that_gmail_drops_whole_is_an_error() -> None:
    sheet = f"<style>{'.a{color:red}' * 1400}</style>"
    found = mail_features.judge(pages.read(sheet), mail_features.clients())
    assert [(p.level, "16,384" in p.text) for p in found] == [("error", True)]


def test_what_is_known_of_mail_programs_is_what_was_taken_in() -> None:
    listed = tomllib.loads((shipped("config") / "vendored.toml").read_text(encoding="utf-8"))
    entry = listed["mail-clients.json"]
    data = (shipped("config") / "mail-clients.json").read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry["sha256"]
    known = mail_features.clients()
    assert entry["version"] in known.source
    assert {len(support) for _, support in known.features.values()} == {len(known.names)}
    assert known.features.keys() >= mail_features.ALLOWED


def size_told(encoded: int) -> list[tuple[str, str]]:
    """What the gauge says of a letter of that size."""
    size = sizes.Size(encoded * 3 // 4, encoded)
    return [(p.level, f"{p.text} → {p.remedy}") for p in sizes.gauge(letter("en+my"), size)]


def test_the_gauge_warns_at_80_and_stops_at_100_kilobytes() -> None:
    assert size_told(79_999) == []
    assert [level for level, _ in size_told(80_000)] == ["warning"]
    ((level, words),) = size_told(100_000)
    assert level == "error"
    assert "75.0 kB of HTML, 100.0 kB encoded" in words
    assert "about 20.0 kB should go" in words
    assert "let readers choose one language" in words


@pytest.mark.parametrize("text", ["<p>plain English</p>\n" * 90, "<p>မိုးရာသီ ရောက်ပြီ</p>\n" * 90])
def test_both_readings_are_those_of_the_message(text: str) -> None:
    assert sizes.encoded_size(text) == len(SplicedText(text, ()).encoded())
