"""Fetching texts: bounded however they are packed or dripped, and only when they have changed."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from time import monotonic

import pytest

from newsletter.core.fetching import Marks, fetch
from newsletter.core.unpacking import NotPacked, unpacked
from newsletter.core.visiting import Rules, Trouble
from tests.http_server import DRIP, Asked, HttpServer, answer

HERE = Rules(seconds=5, loopback=True)
BOMB = gzip.compress(b"\0" * 50_000_000)
FEED = "<rss>မြစ်</rss>".encode()


def script(asked: Asked, _nth: int) -> bytes:
    """One thing for each path."""
    path = asked.line.split()[1]
    if path == "/feed" and asked.headers.get("if-none-match") == '"v1"':
        return answer(304, etag='"v1"')
    return {
        "/feed": answer(200, FEED, etag='"v1"', last_modified="Mon, 16 Nov 2026 09:00:00 GMT"),
        "/packed": answer(200, gzip.compress(FEED), content_encoding="gzip"),
        "/bomb": answer(200, BOMB, content_encoding="gzip"),
        "/brotli": answer(200, b"\x0b\x02", content_encoding="br"),
        "/false": answer(200, b"no gzip", content_encoding="gzip"),
        "/film": answer(200, b"x" * 1000, content_type="video/mp4"),
        "/metadata": answer(302, location="http://169.254.169.254/latest/meta-data/"),
        "/moved": answer(301, location="/feed"),
        "/marks": answer(200, b"", etag="é" * 3),
        "/drip": DRIP,
        "/busy": answer(503, b"later", retry_after="120"),
    }.get(path, answer(404, b"not here"))


def test_what_has_not_changed_is_not_sent_again() -> None:
    with HttpServer(script) as server:
        first = fetch(f"{server.url}/moved", HERE, longest=1000)
        again = fetch(first.url, HERE, longest=1000, marks=first.marks)
        sent = server.kept[-1].headers
    assert (first.body, first.url, first.problem) == (FEED, f"{server.url}/feed", "")
    assert (again.status, again.body, again.problem) == (304, b"", "")
    assert sent["if-modified-since"] == "Mon, 16 Nov 2026 09:00:00 GMT"
    assert sent["accept-encoding"] == "gzip"


def test_a_bomb_fills_only_the_room_there_is() -> None:
    with HttpServer(script) as server:
        tracemalloc.start()
        found = fetch(f"{server.url}/bomb", HERE, longest=100_000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert fetch(f"{server.url}/packed", HERE, longest=1000).body == FEED
    assert (len(found.body), found.cut) == (100_000, True)
    assert peak < 3_000_000


def test_a_drip_ends_with_the_visit_and_is_cut_where_enough_came() -> None:
    began = monotonic()
    with HttpServer(script) as server:
        brief = Rules(seconds=0.4, loopback=True)
        assert fetch(f"{server.url}/drip", brief, longest=10_000).trouble is Trouble.SLOW
        cut = fetch(f"{server.url}/drip", HERE, longest=3)
    assert (cut.body, cut.cut) == (b"   ", True)
    assert monotonic() - began < 30


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/none", "it answered 404 (not found)"),
        ("/busy", "it answered 503 (service unavailable)"),
        ("/brotli", "its answer is packed in a way that was not asked for"),
        ("/false", "its answer is packed in a way that was not asked for"),
        ("/metadata", "it leads into a private network"),
    ],
)
def test_what_cannot_be_read_is_a_piece_of_a_sentence(path: str, problem: str) -> None:
    with HttpServer(script) as server:
        found = fetch(f"{server.url}{path}", HERE, longest=1000)
    assert (found.problem, found.body) == (problem, b"")


def test_of_what_is_of_no_use_nothing_is_read() -> None:
    with HttpServer(script) as server:
        found = fetch(f"{server.url}/film", HERE, longest=1000, types=("text/", "application/"))
        assert (found.status, found.body, found.content_type) == (200, b"", "video/mp4")
        assert fetch(f"{server.url}/marks", HERE, longest=10).marks == Marks()
        hostile = fetch(f"{server.url}/feed", HERE, longest=10, marks=Marks("a\r\nX: y"))
    assert hostile.problem


def test_packed_in_every_usual_way_and_cut_off() -> None:
    text = FEED * 100
    raw = zlib.compressobj(wbits=-15)
    for body, name in (
        (gzip.compress(text), "gzip"),
        (gzip.compress(text[:50]) + gzip.compress(text[50:]), "x-gzip"),
        (gzip.compress(text) + b"\0\0", "GZIP"),
        (zlib.compress(text), "deflate"),
        (raw.compress(text) + raw.flush(), "deflate"),
        (text, "identity"),
    ):
        assert unpacked(body, name, 10_000) == text
        assert unpacked(body, name, 7) == text[:7]
    whole = zlib.compress(bytes(range(256)) * 20)
    assert bytes(range(256)).startswith(unpacked(whole[:60], "deflate", 10_000)[:30])
    with pytest.raises(NotPacked):
        unpacked(gzip.compress(text), "gzip, gzip", 1000)
