"""What a page says of itself, and which of it can be believed."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from newsletter.sources import discovery, page
from tests.sources import samples

URL = "https://river.example.org/2026/11/floods/?fbclid=IwAR0&utm_campaign=x"


def _read(text: str, url: str = URL, encoding: str = "utf-8", kind: str = "") -> page.Page:
    return page.read(text.encode(encoding), url, kind)


def test_a_page_with_everything_is_read() -> None:
    found = _read(samples.PAGE)
    assert found == page.Page(
        url="https://river.example.org/2026/11/floods/",
        title="Floods in the delta: what 40 villages need",
        publisher="River Watch",
        published_at=datetime(2026, 11, 16, 3, tzinfo=UTC),
        language="en-US",
        alternates={"my": "https://river.example.org/my/2026/11/floods/"},
    )


def test_a_burmese_page_in_an_english_theme_is_burmese() -> None:
    found = _read(samples.BURMESE_PAGE)
    assert found.title == "ရေကြီးမှုကြောင့် ရွာပေါင်း ၄၀ အကူအညီ လိုအပ်နေ"
    assert (found.publisher, found.language) == ("မြစ်ကမ်းသတင်း", "my")
    assert found.published_at == datetime(2026, 11, 17, 1, 30, tzinfo=UTC)
    assert found.url == "https://river.example.org/2026/11/floods/"


@pytest.mark.parametrize(
    ("title", "declared", "language"),
    [
        ("Floods in the delta", "my", "en"),
        ("Les villages ont besoin d’aide", "fr", "fr"),
        ("ဒုက္ခသည် ၄၀၀ ကျော် ရောက်ရှိ (UNHCR)", "", "my"),
        ("လိၵ်ႈလၢႆးတႆး ၵူၼ်းမိူင်း", "", ""),
        ("လိၵ်ႈလၢႆးတႆး ၵူၼ်းမိူင်း", "shn", "shn"),
        ("ျမန္မာႏိုင္ငံ လူ႔အခြင့္အေရး ေၾကညာခ်က္ ထုတ္ျပန္ျခင္း", "", "my"),
        ("2026", "", ""),
    ],
)
def test_the_script_of_a_title_says_its_language(title: str, declared: str, language: str) -> None:
    lang = f' lang="{declared}"' if declared else ""
    assert _read(f"<html{lang}><title>{title}</title></html>").language == language


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("<meta charset=iso-8859-1><title>ရေကြီးမှု</title>".encode(), "text/html"),
        ("<title>ရေကြီးမှု</title>".encode(), "text/html; charset=windows-1252"),
        ("<title>ရေကြီးမှု</title>".encode("utf-16"), "text/html; charset=utf-8"),
        ("<title>ရေကြီးမှု</title>".encode() + "မ".encode()[:2], ""),
        ("<title>ရေကြီးမှု</title>".encode() + b"<p>one \xff byte</p>" + "စာ".encode() * 9, ""),
        (
            b"<title>&#4123;&#4145;&#4096;&#4156;&#4142;&#4152;&#4121;&#4158;&#4143;</title>",
            "",
        ),
    ],
)
def test_a_charset_that_lies_spoils_no_title(data: bytes, kind: str) -> None:
    assert page.read(data, URL, kind).title == "ရေကြီးမှု"


def test_an_old_charset_is_read() -> None:
    text = "<meta http-equiv=x content='text/html; charset=windows-1252'><title>Café</title>"
    assert page.read(text.encode("cp1252"), URL).title == "Café"
    assert page.read(
        "<title>ลุ่มน้ำ</title>".encode("cp874"), URL, "text/html; charset=tis-620"
    ).title == ("ลุ่มน้ำ")


@pytest.mark.parametrize(
    ("canonical", "believed"),
    [
        ("/2026/11/floods/", "https://river.example.org/2026/11/floods/"),
        ("https://www.river.example.org/f", "https://www.river.example.org/f"),
        ("https://river.example.org/", "https://river.example.org/a?id=1"),
        ("https://evil.example.com/a", "https://river.example.org/a?id=1"),
        ("http://river.example.org/a", "https://river.example.org/a?id=1"),
        ("javascript:alert(1)", "https://river.example.org/a?id=1"),
        ("http://[", "https://river.example.org/a?id=1"),
    ],
)
def test_a_canonical_address_is_believed_only_where_it_can_be(
    canonical: str, believed: str
) -> None:
    text = f'<link rel="canonical" href="{canonical}"><title>T</title>'
    assert _read(text, "https://river.example.org/a?id=1&gclid=7#utm_source=x").url == believed


def test_without_a_date_its_address_or_its_time_tag_gives_one() -> None:
    assert _read("<title>T</title>", "https://e.example.org/2026/11/09/t/").published_at == (
        datetime(2026, 11, 9, 12, tzinfo=UTC)
    )
    shown = "<title>T</title><time datetime='2026-11-08T22:00:00Z'>yesterday</time>"
    assert _read(shown, "https://e.example.org/t").published_at == (
        datetime(2026, 11, 8, 22, tzinfo=UTC)
    )
    assert _read("<title>T</title>", "https://e.example.org/t").published_at is None


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("<title>Home</title><h1>Real one</h1>", "Home"),
        (
            '<meta property="og:site_name" content="Hill"><title>Hill</title><h1>Real one</h1>',
            "Real one",
        ),
        ('<meta property="og:site_name" content="Hill"><title>Hill » A talk</title>', "A talk"),
        ("<title>A | B</title>", "A | B"),
        ("<title>Fish &amp;amp; ships</title>", "Fish & ships"),
        ("<svg><title>icon</title></svg>", "icon"),
        ("<TITLE>\n Two\n  lines </TITLE>", "Two lines"),
        ("<!-- <title>No</title> --><title>Yes</title>", "Yes"),
        ("<script>'<title>No</title>'</script><title>Yes</title>", "Yes"),
    ],
)
def test_a_title_is_found_without_the_name_of_its_site(head: str, title: str) -> None:
    assert _read(f"<html><head>{head}</head></html>").title == title


def test_an_address_alone_says_something() -> None:
    found = page.unread("https://www.un.example.org/2026/11/18/report_on-the%20delta.pdf?utm_id=3")
    assert (found.title, found.publisher) == ("report on the delta", "un.example.org")
    assert found.published_at == datetime(2026, 11, 18, 12, tzinfo=UTC)
    assert found.url == "https://www.un.example.org/2026/11/18/report_on-the%20delta.pdf"
    assert page.unread("https://example.org/").title == "example.org"


def test_the_feeds_of_a_page_are_found_those_of_comments_last() -> None:
    found = discovery.read(samples.PAGE.encode(), URL)
    assert [(one.url, one.title) for one in found.feeds] == [
        ("https://river.example.org/feed/", "River Watch » News"),
        ("https://river.example.org/comments/feed/", "Comments"),
    ]
    assert found.wordpress == "https://river.example.org/wp-json/"


@pytest.mark.parametrize(
    "hostile",
    [
        "<!--" * 120_000,
        "<meta " * 80_000,
        '<meta a="' * 50_000,
        "<meta a='\"" * 50_000,
        "<title>" * 70_000,
        "<script>" * 60_000,
        "<h1>" * 120_000,
        "<time " + " a" * 200_000,
        "<title>" + "<b" * 200_000 + "</title>",
        "<title>" + "&amp;" * 90_000 + "</title>",
        "<script type=application/ld+json>" + "[" * 190_000 + "</script>",
        "<script type=application/ld+json>" + '{"@graph":' * 15_000 + "</script>",
        "<title>" + " - " * 150_000 + "</title>",
        "<title " + " " * 500_000,
    ],
    ids=range(14),
)
def test_a_page_made_to_waste_time_wastes_none(hostile: str) -> None:
    began = time.process_time()
    _read(hostile)
    discovery.read(hostile.encode(), URL)
    assert time.process_time() - began < 2
