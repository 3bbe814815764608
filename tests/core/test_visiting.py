"""Visits to addresses that a stranger wrote: they end in time, and only where anybody may go."""

from __future__ import annotations

import gzip
import socket
import threading
from pathlib import Path
from time import monotonic

import pytest

from newsletter.core.public_addresses import is_local_name, is_public
from newsletter.core.visiting import Rules, Trouble, visit
from tests.http_server import DRIP, DROP, HANG, Asked, HttpServer, answer
from tests.smtp_server import make_certificate

HERE = Rules(seconds=5, loopback=True)
BRIEF = Rules(seconds=0.4, loopback=True)
BOMB = gzip.compress(b"\0" * 20_000_000)
DRIPPED_HEAD = b"HTTP/1.1 200 OK\r\nX-A: "


def script(asked: Asked, _nth: int) -> bytes:
    """One page for each thing that happens out there."""
    path = asked.line.split()[1]
    return {
        "/page": answer(200, "a page"),
        "/gone": answer(404),
        "/moved": answer(301, location="/page"),
        "/moved-far": answer(302, location="http://10.0.0.1/admin"),
        "/moved-file": answer(302, location="file:///etc/passwd"),
        "/moved-nowhere": answer(302),
        "/burmese": answer(302, location="/သတင်း"),
        "/round": answer(302, location="/about"),
        "/about": answer(302, location="/round"),
        "/hang": HANG,
        "/drop": DROP,
        "/drip": DRIP,
        "/smtp": b"220 mail.example ESMTP\r\n",
        "/long-head": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000 + b"\r\n\r\n",
        "/bomb": answer(200, BOMB, content_encoding="gzip"),
    }.get(path, answer(200 if path.startswith("/%E1%80%9E") else 404))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/page", 200),
        ("/gone", 404),
        ("/moved", 200),
        ("/burmese", 200),
        ("/drip", 200),
        ("/page#part", 200),
    ],
)
def test_what_answers_is_told_by_its_status(path: str, status: int) -> None:
    with HttpServer(script) as server:
        found = visit(f"{server.url}{path}", HERE)
    assert (found.status, found.trouble) == (status, None)


@pytest.mark.parametrize(
    ("path", "trouble"),
    [
        ("/round", Trouble.ASTRAY),
        ("/moved-nowhere", Trouble.ASTRAY),
        ("/moved-far", Trouble.REFUSED),
        ("/moved-file", Trouble.REFUSED),
        ("/drop", Trouble.GARBLED),
        ("/smtp", Trouble.GARBLED),
        ("/long-head", Trouble.GARBLED),
    ],
)
def test_what_leads_nowhere_is_told_by_its_trouble(path: str, trouble: Trouble) -> None:
    with HttpServer(script) as server:
        found = visit(f"{server.url}{path}", HERE)
    assert (found.status, found.trouble) == (None, trouble)
    assert found.detail


def test_who_answers_too_slowly_is_left() -> None:
    began = monotonic()
    with HttpServer(script) as server:
        assert visit(f"{server.url}/hang", BRIEF).trouble is Trouble.SLOW
    assert monotonic() - began < 30


def test_a_head_that_drips_cannot_outlast_the_visit() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def drip() -> None:
        peer, _ = listener.accept()
        with peer:
            try:
                peer.sendall(DRIPPED_HEAD)
                while not over.wait(0.02):
                    peer.sendall(b"a")
            except OSError:
                pass

    over = threading.Event()
    thread = threading.Thread(target=drip)
    thread.start()
    began = monotonic()
    found = visit(f"http://127.0.0.1:{port}/", BRIEF)
    took = monotonic() - began
    over.set()
    thread.join(5)
    listener.close()
    assert found.trouble is Trouble.SLOW
    assert took < 30


def test_a_body_is_read_only_as_far_as_it_is_asked_for_and_never_unpacked() -> None:
    with HttpServer(script) as server:
        assert visit(f"{server.url}/bomb", HERE).body == b""
        found = visit(f"{server.url}/bomb", HERE, longest=5_000)
        assert found.body == BOMB[:5_000]
        assert visit(f"{server.url}/drip", BRIEF, longest=3).body == b"   "


def test_nobody_is_told_who_asks_and_from_where() -> None:
    with HttpServer(script) as server:
        visit(f"{server.url}/moved", HERE)
        assert [set(asked.headers) for asked in server.kept] == [
            {"host", "user-agent", "accept", "accept-encoding", "connection"}
        ] * 2
        assert server.kept[0].headers["user-agent"].startswith("newsletter/")
        assert server.kept[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:10.0.0.1]/",
        "https://10.1.2.3:8443/",
        "http://8.8.8.8:25/",
        "http://user:secret@example.org/",
        "ftp://example.org/",
        "javascript:alert(1)",
        "http://exa mple.org/",
        "http://[::1/",
        "http:///nothing",
        "http://example.org:99999/",
    ],
)
def test_nobody_is_sent_where_readers_cannot_go(url: str) -> None:
    found = visit(url, Rules(seconds=2))
    assert found.trouble is Trouble.REFUSED
    assert "secret" not in found.detail


def test_a_name_is_looked_up_once_and_its_very_address_is_called() -> None:
    """DNS rebinding: the second answer of the name server would lead elsewhere."""
    looked_up: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"] if len(looked_up) == 1 else ["10.0.0.1"]

    with HttpServer(script) as server:
        found = visit(f"http://news.example:{server.port}/page", HERE, resolver=rebinding)
        assert (found.status, looked_up) == (200, ["news.example"])
        assert server.kept[0].headers["host"] == f"news.example:{server.port}"
        again = visit(f"http://news.example:{server.port}/moved", HERE, resolver=rebinding)
    assert again.trouble is Trouble.REFUSED
    assert len(server.kept) == 1


def test_one_private_address_among_public_ones_is_enough_to_stay_away() -> None:
    found = visit(
        "http://news.example/", Rules(seconds=1), resolver=lambda *_: ["8.8.8.8", "192.168.1.1"]
    )
    assert (found.trouble, found.detail) == (Trouble.REFUSED, "it leads into a private network")


def test_a_name_that_nobody_has_is_told_from_name_servers_that_are_silent() -> None:
    def none(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    def silent(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    url = "https://news.example/"
    assert visit(url, HERE, resolver=none).trouble is Trouble.NO_SUCH_HOST
    assert visit(url, HERE, resolver=silent).trouble is Trouble.UNREACHABLE


def test_a_dead_address_leaves_time_for_the_next_one() -> None:
    with HttpServer(script) as server:
        url = f"http://news.example:{server.port}/page"
        assert visit(url, HERE, resolver=lambda *_: ["::1", "127.0.0.1"]).status == 200


def test_the_certificate_is_judged_by_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = make_certificate(tmp_path, "news.example")
    with HttpServer(script, certificate=ours) as server:
        url = f"https://news.example:{server.port}/page"
        to_here = ["127.0.0.1"]
        unknown = visit(url, HERE, resolver=lambda *_: to_here)
        assert unknown.trouble is Trouble.DISTRUSTED
        monkeypatch.setenv("SSL_CERT_FILE", str(ours.path))
        assert visit(url, HERE, resolver=lambda *_: to_here).status == 200
        other = visit(url.replace("news.", "other."), HERE, resolver=lambda *_: to_here)
        assert (other.trouble, "mismatch" in other.detail) == (Trouble.DISTRUSTED, True)
    with HttpServer(script) as plain:
        found = visit(plain.url.replace("http:", "https:"), HERE)
    assert (found.trouble, found.detail) == (Trouble.DISTRUSTED, "it does not speak TLS")


def test_nobody_listening_is_unreachable() -> None:
    with HttpServer(script) as server:
        port = server.port
    found = visit(f"http://127.0.0.1:{port}/", HERE)
    assert (found.trouble, found.detail) == (Trouble.UNREACHABLE, "connection refused")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("not an address", False),
    ],
)
def test_which_addresses_belong_to_the_public_internet(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *(("nas", True), ("printer.local", True), ("wiki.corp", True), ("localhost", True)),
        *(("192.168.0.9", True), ("[fd00::1]", True), ("router.home.arpa.", True)),
        *(("example.org", False), ("8.8.8.8", False), ("local.example.org", False)),
    ],
)
def test_which_names_lead_no_reader_anywhere(host: str, local: bool) -> None:
    assert is_local_name(host) is local
