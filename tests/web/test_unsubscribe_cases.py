"""The eighteen cases of leaving by the link in a mail, each by its number.

U12 to U14, U16 and U17 stand in test_leaving.py, U18 in test_leaving_in_trouble.py, U15 in
tests/delivery/test_leaving_midway.py.
"""

from __future__ import annotations

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
import time_machine
from sqlalchemy import delete, select

from newsletter.core.clock import now
from newsletter.core.db import writing
from newsletter.core.keyring import Keyring
from newsletter.core.tokens import Claim, Purpose, TokenSigner
from newsletter.editorial import archiving, publications
from newsletter.editorial.models import Issue, Publication
from newsletter.editorial.states import Status
from subscribers import erasing, resealing
from subscribers.models import Subscriber, Suppression
from tests.system import PATIENCE
from tests.web.conftest import Site

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
FORM = "application/x-www-form-urlencoded"
UNTOUCHED = ("active", "my", ["given editor"])
GONE = ("ended", "my", ["given editor", "withdrawn one_click"])


def by_hand(url: str, request: bytes) -> bytes:
    """What a server answers to raw bytes, until it hangs up or five seconds pass."""
    parts = urlsplit(url)
    assert parts.hostname
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=PATIENCE) as wire:
        wire.sendall(request)
        answer = b""
        while chunk := wire.recv(65536):
            answer += chunk
    return answer


# U1: looking changes nothing.


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("agent", ["Mozilla/5.0", "BarracudaCentral", ""])
def test_u1_looking_changes_nothing(
    site: Site, client: httpx.Client, method: str, agent: str
) -> None:
    url = site.link(Purpose.UNSUBSCRIBE)
    for query in ["", "?leave=1", "?List-Unsubscribe=One-Click", "?come_back=1"] * 25:
        answer = client.request(method, url + query, headers={"User-Agent": agent})
        assert answer.status_code == 200
    assert site.standing() == UNTOUCHED
    if method != "HEAD":
        assert answer.text.count("<button") == answer.text.count("<h1") == 1
        for acting in ("<script", "onload", "http-equiv", "autofocus", "<img", "<iframe"):
            assert acting not in answer.text


# U2, U3: one press in the mail program, in either form of RFC 8058 §3.1.


@pytest.mark.parametrize("slash", ["", "/"])
def test_u2_one_press_is_enough(any_site: Site, client: httpx.Client, slash: str) -> None:
    answer = client.post(any_site.link(Purpose.UNSUBSCRIBE) + slash, data=ONE_CLICK)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert len(answer.content) < 100
    assert not {"set-cookie", "location"} & set(answer.headers)
    assert any_site.standing() == GONE


def test_u3_also_as_multipart(site: Site, client: httpx.Client) -> None:
    fields = {name: (None, value) for name, value in ONE_CLICK.items()}
    answer = client.post(site.link(Purpose.UNSUBSCRIBE), files=fields)
    assert answer.status_code == 200
    assert len(answer.content) < 100
    assert site.standing() == GONE


def test_u4_nothing_but_the_token_is_needed(site: Site) -> None:
    url = site.link(Purpose.UNSUBSCRIBE)
    body = b"List-Unsubscribe=One-Click"
    head = f"POST {urlsplit(url).path} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    answer = by_hand(url, head.encode() + body)
    assert answer.split(b"\r\n")[0].endswith(b"200 OK")
    assert site.standing() == GONE


@pytest.mark.parametrize("slash", ["", "/", "//"])
@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Proto": "http"},
        {"Host": "old.example.org"},
        {"X-Forwarded-Host": "other.example.org"},
        {"Origin": "https://evil.example", "Referer": "https://evil.example/"},
    ],
)
def test_u5_it_is_never_redirected(
    site: Site, client: httpx.Client, slash: str, headers: dict[str, str]
) -> None:
    for answer in (
        client.post(site.link(Purpose.UNSUBSCRIBE) + slash, data=ONE_CLICK, headers=headers),
        client.get(site.link(Purpose.UNSUBSCRIBE) + slash, headers=headers),
    ):
        assert not answer.is_redirect
        assert "location" not in answer.headers
        assert answer.status_code == (404 if slash == "//" else 200)


def test_u6_fifty_presses_at_once_and_one_more_leave_one_proof(any_site: Site) -> None:
    url = any_site.link(Purpose.UNSUBSCRIBE)

    def press(_: int) -> int:
        return httpx.post(url, data=ONE_CLICK, trust_env=False, timeout=PATIENCE).status_code

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(press, range(50))) == {200}
    assert press(51) == 200
    assert any_site.standing() == GONE


def test_u7_a_bent_or_foreign_token_says_nothing_of_anybody(
    site: Site, client: httpx.Client
) -> None:
    good = site.token(Purpose.UNSUBSCRIBE)
    elsewhere = TokenSigner(Keyring.generate())
    bent = [
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good[:20] + ("A" if good[20] != "A" else "B") + good[21:],
        good[:-5],
        good + "x",
        good.upper(),
        site.token(Purpose.PREFERENCES),
        elsewhere.sign(Claim(site.reader, site.publication_id, Purpose.UNSUBSCRIBE)),
        elsewhere.sign(Claim(uuid4(), site.publication_id, Purpose.UNSUBSCRIBE)),
        "%2e%2e",
    ]
    pages = set()
    for token in bent:
        for answer in (
            client.get(f"{site.url}/u/{token}"),
            client.post(f"{site.url}/u/{token}", data=ONE_CLICK),
            client.post(f"{site.url}/u/{token}", data={"leave": "1"}),
        ):
            assert answer.status_code == 400, token
            pages.add(answer.text)
    assert len(pages) == 1
    assert site.standing() == UNTOUCHED


def test_u7_the_token_of_another_list_leaves_only_that_one(
    site: Site, client: httpx.Client
) -> None:
    other = f"{site.url}/u/{site.token(Purpose.UNSUBSCRIBE, scope=site.publication_id + 1)}"
    assert client.post(other, data=ONE_CLICK).status_code == 200
    assert site.standing() == UNTOUCHED


# U8: a mail is read years later.


def _rotated(site: Site) -> None:
    services = site.services
    resealing.rotate(services.engine, services.chain, services.sealer, how="test", now=now())


def _renamed(site: Site) -> None:
    with writing(site.services.engine) as session:
        found = session.get_one(Publication, site.publication_id)
        for name in ("names.en", "names.my"):
            publications.set_value(session, found, name, "Quite another name")
        found.slug = "renamed"


def _archived(site: Site) -> None:
    with writing(site.services.engine) as session:
        archiving.archive(session, session.get_one(Publication, site.publication_id), now())


def _paused(site: Site) -> None:
    with writing(site.services.engine) as session:
        for issue in session.scalars(select(Issue)):
            issue.status = Status.PAUSED


@pytest.mark.parametrize("event", [_rotated, _renamed, _archived, _paused])
@pytest.mark.parametrize("fields", [ONE_CLICK, {"leave": "1"}])
def test_u8_a_link_of_three_years_ago_still_works(
    any_site: Site, client: httpx.Client, event: object, fields: dict[str, str]
) -> None:
    old = any_site.link(Purpose.UNSUBSCRIBE)
    preferences = any_site.link(Purpose.PREFERENCES, "p")
    event(any_site)  # type: ignore[operator]
    with time_machine.travel(now() + timedelta(days=3 * 365)):
        assert "<form" in client.get(old).text
        assert "<form" in client.get(preferences).text
        assert client.post(old, data=fields).status_code == 200
    assert any_site.standing()[0] == "ended"


def test_u8_after_the_list_was_deleted_it_is_already_off(
    any_site: Site, client: httpx.Client
) -> None:
    old = any_site.link(Purpose.UNSUBSCRIBE)
    with writing(any_site.services.engine) as session:
        session.execute(delete(Publication))
    for answer in (client.get(old), client.post(old, data={"leave": "1"})):
        assert answer.status_code == 200
        assert "<form" not in answer.text
    assert client.post(old, data=ONE_CLICK).status_code == 200


def test_u9_after_an_erasure_the_page_is_neutral_and_the_hash_stays(
    any_site: Site, client: httpx.Client
) -> None:
    links = [any_site.link(Purpose.UNSUBSCRIBE), any_site.link(Purpose.PREFERENCES, "p")]
    links.append(f"{any_site.url}/u/{any_site.token(Purpose.UNSUBSCRIBE, uuid4())}")
    with writing(any_site.services.engine) as session:
        who = session.scalars(select(Subscriber.id)).one()
        sealer = any_site.services.sealer
        erasing.erase(session, sealer, subscriber_id=who, how="page", now=now())
    for link in links:
        answers = [client.get(link, headers={"Accept-Language": "my"})]
        if "/u/" in link:
            assert client.post(link, data=ONE_CLICK).status_code == 200
            for fields in ({"leave": "1"}, {"come_back": "1"}):
                answers += [client.post(f"{link}?l=my", data=fields)]
        for answer in answers:
            assert answer.status_code == 200
            assert "<button" not in answer.text
            assert "***" not in answer.text
    with writing(any_site.services.engine) as session:
        assert session.scalars(select(Suppression.reason)).all() == ["erased"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", FORM),
        (b"", ""),
        (b"List-Unsubscribe=No", FORM),
        (b"leave=0&come_back=", FORM),
        (b"leave=1", "multipart/form-data"),
        (b"--x\r\nnonsense\r\n--x--", "multipart/form-data; boundary=x"),
    ],
)  # fmt: skip
def test_u10_a_body_that_asks_nothing_changes_nothing(
    site: Site, client: httpx.Client, body: bytes, kind: str
) -> None:
    answer = client.post(
        site.link(Purpose.UNSUBSCRIBE), content=body, headers={"Content-Type": kind}
    )
    assert answer.status_code == 400
    assert site.standing() == UNTOUCHED


def _peak() -> int:
    """The most memory this process has held so far, in kB."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1])


def _pour(url: str, *, chunked: bool) -> bytes:
    """Send ten megabytes as fast as they are taken; the answer, however early it comes."""
    parts = urlsplit(url)
    assert parts.hostname
    length = "Transfer-Encoding: chunked" if chunked else "Content-Length: 10000000"
    chunk = b"2710\r\n" + b"a" * 10_000 + b"\r\n" if chunked else b"a" * 10_000
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=PATIENCE) as wire:
        wire.sendall(f"POST {parts.path} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode())
        with suppress(OSError):  # it hangs up on us
            for _ in range(1000):
                wire.sendall(chunk)
        with suppress(ConnectionResetError):
            return wire.recv(65536)
    return b""


@pytest.mark.parametrize("chunked", [False, True])
def test_u11_ten_megabytes_are_refused_without_being_kept(site: Site, *, chunked: bool) -> None:
    url = site.link(Purpose.UNSUBSCRIBE)
    _pour(url, chunked=chunked)  # what is loaded once is no growth
    before = _peak()
    for _ in range(10):
        assert _pour(url, chunked=chunked)[:13] in {b"HTTP/1.1 413 ", b""}
    assert _peak() - before < 8_000
    length = "Transfer-Encoding: chunked" if chunked else "Content-Length: 10000000"
    head = f"POST {urlsplit(url).path} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode()
    part = b"4e20\r\n" + b"a" * 20_000 + b"\r\n" if chunked else b"a" * 100
    assert by_hand(url, head + part).startswith(b"HTTP/1.1 413 ")  # without waiting for the rest
    assert site.standing() == UNTOUCHED


@pytest.mark.parametrize(
    "body",
    [
        b"&".join(b"f%d=1" % n for n in range(10_000)) + b"&leave=1",
        b"&".join(b"f%d=1" % n for n in range(900)) + b"&leave=1",
        b"\xff\xfe=%ff&\x00",
        b"leave=%FF&l\xe9ave=1",
    ],
)  # fmt: skip
def test_u11_too_many_fields_and_bad_bytes_are_refused(
    site: Site, client: httpx.Client, body: bytes
) -> None:
    url = site.link(Purpose.UNSUBSCRIBE)
    answer = client.post(url, content=body, headers={"Content-Type": FORM})
    assert answer.status_code in {400, 413}
    assert site.standing() == UNTOUCHED
