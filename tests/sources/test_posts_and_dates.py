"""WordPress posts in their languages; dates as people write them; links; and no parser raises."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.sources import discovery, feed, kinds, links, moments, page, wordpress
from tests.sources import samples

API = "https://hill.example.org/wp-json/"


def test_posts_know_their_translations() -> None:
    found = wordpress.read(samples.POSTS.encode(), API)
    english, burmese, report = found.entries
    assert english.title == "Statement on the ‘border’ talks"
    assert (english.guid, english.translations) == ("post 900", ("post 901",))
    assert (burmese.language, burmese.translations) == ("my", ("post 900",))
    assert english.published_at == datetime(2026, 11, 18, 2, 30, tzinfo=UTC)
    assert (report.language, report.translations) == ("en-US", ("post 903",))
    assert report.published_at == datetime(2026, 11, 17, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (
            '{"code": "rest_no_route", "message": "No route &amp; no posts"}',
            "the site says: No route & no posts",
        ),
        ("<html>", "it is no valid JSON, or longer than is read"),
        ("3", "it is no list of posts"),
        ('{"message": 5}', "it is no list of posts"),
    ],
)
def test_what_is_no_list_of_posts_says_so(answer: str, fault: str) -> None:
    assert wordpress.read(answer.encode(), API) == wordpress.Posts(fault=fault)


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("https://hill.example.org", API),
        ("https://hill.example.org/", API),
        ("https://hill.example.org/wp-json/wp/v2/posts?per_page=1", API),
        ("https://hill.example.org/blog/", "https://hill.example.org/blog/wp-json/"),
        ("https://hill.example.org/?rest_route=/", "https://hill.example.org/?rest_route=/"),
    ],
)
def test_where_the_posts_of_a_site_are(url: str, api: str) -> None:
    assert wordpress.api_of(url) == api
    asked = wordpress.posts_address(api, 2, datetime(2026, 11, 11, 6, tzinfo=UTC))
    assert asked.startswith(f"{api.rstrip('/')}/wp/v2/posts")
    assert "page=2&" in asked
    assert asked.count("?") == 1
    assert "after=2026-11-11T06%3A00%3A00" in asked


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("Mon, 16 Nov 2026 09:30:00 +0630", (16, 3)),
        ("Mon, 16 Nov 2026 09:30:00 MMT", (16, 3)),
        ("Monday, 16 Nov 26 03:00:00 GMT", (16, 3)),
        ("2026-11-16T09:30:00+06:30", (16, 3)),
        ("2026-11-16T09:30:00.123+0630", (16, 3)),
        ("2026-11-16 03:00 UTC", (16, 3)),
        ("20261116T030000Z", (16, 3)),
        ("1794798000", (16, 3)),
        (1794798000000, (16, 3)),
        ("2026-11-15T24:00:00Z", (16, 0)),
        ("2026-11-16T23:59:00", (16, 12)),
        ("2026-11-16", (16, 12)),
        ("16 November 2026", (16, 12)),
        ("November 16th, 2026", (16, 12)),
        ("16.11.2026", (16, 12)),
        ("11/16/2026", (16, 12)),
        ("2026/11/16", (16, 12)),
        ("၂၀၂၆ ခုနှစ်၊ နိုဝင်ဘာလ ၁၆ ရက်", (16, 12)),
        ("နိုဝင်ဘာ ၁၆၊ ၂၀၂၆", (16, 12)),
        ("၂၀၂၆-၁၁-၁၆", (16, 12)),
    ],
)
def test_dates_as_they_are_written(text: object, instant: tuple[int, int]) -> None:
    day, hour = instant
    assert moments.moment(text) == datetime(2026, 11, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "3/4/2026", "0000-00-00", "2026-13-45", "1970-01-01", "9" * 300, None, True],
)
def test_what_says_no_date_gives_none(text: object) -> None:
    assert moments.moment(text) is None


def test_one_page_has_one_name_whatever_its_link_carries() -> None:
    same = {
        links.same(url)
        for url in (
            "https://www.river.example.org/a/?utm_source=x",
            "http://river.example.org/a#top",
            "https://river.example.org:443/a?fbclid=1",
        )
    }
    assert same == {"river.example.org/a"}
    assert links.clean("https://e.org/?id=3&UTM_Medium=a&q=b") == "https://e.org/?id=3&q=b"


_SCRAPS = st.sampled_from(
    [
        *("<rss>", "<channel>", "<item>", "</item>", "<title>", "</title>", "<link>", "</link>"),
        *('<link href="/x" rel=alternate', "<![CDATA[", "]]>", "<!--", "-->", "<?xml ", "?>", "&"),
        *(
            "<!DOCTYPE rss [",
            "]>",
            "<entry>",
            "</entry>",
            "<feed xml:base='//['",
            ">",
            "&#0;",
            "\0",
        ),
        *("<meta property=og:title content='", "'", '"', "<html lang=my", "<script ", "</script>"),
        *("type=application/ld+json>", '{"@type":["Article"],', '"headline":', "[", "]", "}", "{"),
        *('"items":', '"version":"https://jsonfeed.org/version/1"', "http://[::1", "မြန်မာ", "း"),
        *(
            "2026-11-16T",
            "<pubDate>",
            "</pubDate>",
            "99:99",
            "+99:99",
            "<guid>",
            "</guid>",
            "\ud800",
        ),
    ]
)
_MIXED = st.lists(st.one_of(_SCRAPS, st.text(max_size=6)), max_size=30).map("".join)
_BYTES = st.one_of(
    st.binary(max_size=200), _MIXED.map(lambda text: text.encode("utf-8", "surrogatepass"))
)
_DAMAGED = st.tuples(
    st.sampled_from(
        [samples.RSS, samples.ATOM, samples.JSON, samples.PAGE, samples.POSTS, samples.BURMESE_PAGE]
    ),
    st.integers(0, 2500),
    st.integers(0, 60),
    _BYTES,
).map(lambda cut: cut[0].encode()[: cut[1]] + cut[3] + cut[0].encode()[cut[1] + cut[2] :])
_TYPES = st.sampled_from(
    ["", "text/html; charset=utf-16", "text/xml; charset=\0", "x;charset=zlib"]
)


@settings(max_examples=100)
@given(st.one_of(_BYTES, _DAMAGED), _TYPES)
def test_no_bytes_make_a_parser_raise(data: bytes, kind: str) -> None:
    kinds.guess(data, kind)
    made = page.read(data, samples.HOME, kind)
    for entry in (
        *feed.read(data, samples.HOME, kind).entries,
        *wordpress.read(data, samples.HOME).entries,
    ):
        assert entry.url.startswith(("http://", "https://"))
        assert entry.guid
        (entry.title + entry.guid + entry.url).encode()
    (made.title + made.publisher + made.url).encode()
    discovery.read(data, samples.HOME, kind)


@settings(max_examples=60)
@given(st.one_of(st.text(), _MIXED))
def test_no_text_makes_a_date_or_a_link_raise(text: str) -> None:
    found = moments.moment(text)
    assert found is None or found.utcoffset() is not None
    moments.in_address(text)
    links.absolute(samples.HOME, text)
    links.same(text)
    links.clean(text)
    page.unread(text)
