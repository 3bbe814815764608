"""Feeds as they come: in every form, damaged, and made to do harm."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from newsletter.sources import feed, kinds
from tests.sources import samples


def _read(text: str, encoding: str = "utf-8", content_type: str = "") -> feed.Feed:
    return feed.read(text.encode(encoding), samples.HOME, content_type)


def test_an_rss_feed_is_read_with_what_belongs_to_its_entries_only() -> None:
    found = _read(samples.RSS)
    assert (found.title, found.site, found.language, found.fault) == (
        *("River & Road Watch", "https://river.example.org/", "en-US"),
        "",
    )
    first, second, note = found.entries
    assert first.title == "Floods in the delta: what 40 villages need – now"
    assert first.url == "https://river.example.org/2026/11/floods/"
    assert first.guid == "https://river.example.org/?p=411"
    assert first.published_at == datetime(2026, 11, 16, 3, 0, tzinfo=UTC)
    assert (first.language, first.summary) == ("en-US", "Water stands two metres high.")
    assert (second.language, second.url) == ("my", "https://river.example.org/my/2026/11/floods/")
    assert (note.title, note.url) == (
        *("A note without a title, of some length.", "https://river.example.org/notes/9"),
    )


def test_an_atom_feed_is_read_with_its_bases_languages_and_forms_of_text() -> None:
    found = _read(samples.ATOM)
    assert (found.title, found.site) == ("တောင်တန်း သတင်းလွှာ", "https://hill.example.org/blog/")
    burmese, english = found.entries
    assert burmese.title == "ဒုက္ခသည်များ၏ <အခွင့်အရေး>"
    assert burmese.url == "https://hill.example.org/blog/rights?id=7"
    assert burmese.published_at == datetime(2026, 11, 18, 17, 15, tzinfo=UTC)
    assert (burmese.language, burmese.summary) == ("my", "စာသား အစ")
    assert (english.title, english.language) == ("Rights on the border", "en")
    assert english.published_at == datetime(2026, 11, 17, 12, tzinfo=UTC)


def test_rss_1_and_json_feeds_are_read() -> None:
    old = _read(samples.RSS1)
    assert [entry.title for entry in old.entries] == ["Court adjourns"]
    assert old.entries[0].published_at == datetime(2026, 11, 15, 3, tzinfo=UTC)
    assert (old.title, old.language) == ("Old Paper", "en")
    notes = _read(samples.JSON)
    assert [(entry.guid, entry.title) for entry in notes.entries] == [
        ("17", "Salt & water"),
        ("https://notes.example.org/18", "Only a text."),
    ]
    assert notes.entries[0].url == "https://river.example.org/17"


def test_of_a_damaged_feed_every_whole_entry_is_read() -> None:
    found = _read(samples.DAMAGED)
    assert [entry.title for entry in found.entries] == [
        "Boats & nets & rope ©",
        "Left open",
        "After it",
    ]
    assert found.entries[0].url == "https://sea.example.org/?a=1&b=2"
    assert found.entries[0].published_at == datetime(2026, 11, 18, 12, tzinfo=UTC)
    assert found.title == "Fish & Ships — ရေလုပ်သား"
    assert "no valid XML at line" in found.fault


@pytest.mark.parametrize(
    ("encoding", "declared", "content_type"),
    [
        ("utf-8", "windows-1252", "text/xml; charset=iso-8859-1"),
        ("utf-8-sig", "utf-16", ""),
        ("utf-16", "UTF-16", ""),
        ("utf-16-le", "UTF-16", "application/xml; charset=utf-8"),
    ],
)
def test_a_wrong_charset_spoils_no_burmese(encoding: str, declared: str, content_type: str) -> None:
    text = samples.RSS.replace("UTF-8", declared)
    assert _read(text, encoding, content_type).entries[1].title.startswith("ရေကြီးမှုကြောင့်")


def test_a_western_charset_is_believed_where_it_must_be() -> None:
    text = samples.RSS.replace("UTF-8", "ISO-8859-1").replace("Floods", "“Crue” à Thaïlande")
    western = text.encode("cp1252", "replace")
    assert feed.read(western, samples.HOME).entries[0].title.startswith("“Crue” à Thaïlande")


def test_entities_that_a_document_defines_are_refused_unread() -> None:
    for hostile in (samples.BOMB, samples.XXE):
        began = time.monotonic()
        found = _read(hostile)
        assert (found.entries, time.monotonic() - began < 1) == ((), True)
        assert found.fault == "it defines entities of its own, and such are not read"


@pytest.mark.parametrize(
    "hostile",
    [
        "<rss><channel><item><title>" + "<b>" * 100_000 + "</title></item></channel></rss>",
        "<a<" * 70_000,
        "<item " * 60_000,
        "<item>" * 60_000,
        "<rss><channel>" + "<![CDATA[" * 50_000,
        "<rss><channel><item><description>" + "<description>" * 30_000 + "</item>",
        "&" * 300_000,
        "<!--" * 100_000,
        "<rss " + "a" * 300_000,
        "<rss>" + "&#" * 200_000,
        "<rss><channel>" + "<item><link>x&y</link></item>" * 9000,
        '{"version": "https://jsonfeed.org/version/1", "items": ' + "[" * 100_000,
    ],
    ids=range(12),
)
def test_a_feed_made_to_waste_time_wastes_none(hostile: str) -> None:
    began = time.process_time()
    feed.read(hostile.encode(), samples.HOME)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("text", "content_type", "kind"),
    [
        (samples.RSS, "text/html", "feed"),
        (samples.ATOM, "", "feed"),
        (samples.RSS1, "", "feed"),
        (samples.DAMAGED, "text/plain", "feed"),
        (samples.JSON, "application/json", "json feed"),
        (samples.POSTS, "application/json", "posts"),
        (samples.PAGE, "application/rss+xml", "page"),
        (samples.BURMESE_PAGE, "", "page"),
        ("%PDF-1.7 ...", "application/pdf", "other"),
        ("", "", "other"),
    ],
)
def test_what_it_is_is_seen_and_not_believed(text: str, content_type: str, kind: str) -> None:
    assert kinds.guess(text.encode(), content_type) == kind


def test_what_is_no_feed_says_so() -> None:
    assert _read("<html><body>404</body></html>").fault == "it is XML, but no feed"
    assert _read('{"version": "https://jsonfeed.org/version/1"}').fault == "it is JSON, but no feed"
    assert _read("").fault
