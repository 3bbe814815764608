"""The unsubscribe link as mail programs, scanners, people and attackers use it."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import delete

from newsletter.core.db import writing
from newsletter.core.keyring import Key, Keyring
from newsletter.core.tokens import Claim, Purpose, TokenSigner
from newsletter.editorial.models import Publication
from subscribers.models import Subscriber
from tests.web.conftest import ADDRESS, Site

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
FORM = "application/x-www-form-urlencoded"
UNTOUCHED = ("active", "my", ["given editor"])


def by_hand(url: str, request: bytes) -> bytes:
    """What a server answers to raw bytes, until it hangs up or a second passes."""
    parts = urlsplit(url)
    assert parts.hostname
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=5) as wire:
        wire.sendall(request)
        answer = b""
        while chunk := wire.recv(65536):
            answer += chunk
    return answer


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_changes_nothing(site: Site, client: httpx.Client, method: str) -> None:
    for _ in range(20):
        answer = client.request(method, site.link(Purpose.UNSUBSCRIBE))
        assert answer.status_code == 200
    assert site.standing() == UNTOUCHED
    if method != "HEAD":
        assert answer.text.count("<button") == answer.text.count("<h1") == 1
        assert "<script" not in answer.text
        assert '<html lang="my"' in answer.text
        assert "တောင်တန်းဒေသ စာစောင်" in answer.text
        assert "t***@m***" in answer.text
        assert "thandar" not in answer.text


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("multipart", [False, True])
def test_one_press_in_the_mail_program_is_enough(
    site: Site, client: httpx.Client, *, slash: str, multipart: bool
) -> None:
    url = site.link(Purpose.UNSUBSCRIBE) + slash
    for _ in range(2):
        answer = (
            client.post(url, files={name: (None, value) for name, value in ONE_CLICK.items()})
            if multipart
            else client.post(url, data=ONE_CLICK)
        )
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        assert len(answer.content) < 100
        assert not {"set-cookie", "location"} & set(answer.headers)
    assert site.standing() == ("ended", "my", ["given editor", "withdrawn one_click"])


def test_http_1_0_without_any_further_header_is_enough(site: Site) -> None:
    url = site.link(Purpose.UNSUBSCRIBE)
    body = b"List-Unsubscribe=One-Click"
    head = f"POST {urlsplit(url).path} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    answer = by_hand(url, head.encode() + body)
    assert answer.split(b"\r\n")[0].endswith(b"200 OK")
    assert site.standing()[0] == "ended"


def test_fifty_presses_at_once_leave_one_proof(site: Site) -> None:
    url = site.link(Purpose.UNSUBSCRIBE)

    def press(_: int) -> int:
        return httpx.post(url, data=ONE_CLICK, trust_env=False, timeout=30).status_code

    with ThreadPoolExecutor(25) as pool:
        assert set(pool.map(press, range(50))) == {200}
    assert site.standing()[2] == ["given editor", "withdrawn one_click"]


def test_the_button_leads_out_and_back(site: Site, client: httpx.Client) -> None:
    url = site.link(Purpose.UNSUBSCRIBE)
    left = client.post(f"{url}?l=en", data={"leave": "1"})
    assert left.status_code == 200
    assert "You have been unsubscribed" in left.text
    assert "Subscribe again" in client.get(f"{url}?l=en").text
    assert f'action="{urlsplit(url).path}?l=en"' in left.text
    back = client.post(f"{url}?l=en", data={"come_back": "1"})
    assert "You are now subscribed" in back.text
    proofs = ["given editor", "withdrawn page", "given page"]
    assert site.standing() == ("active", "my", proofs)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", FORM),
        (b"List-Unsubscribe=No", FORM),
        (b"leave=0&come_back=", FORM),
        (b"\xff\xfe=%ff&\x00", FORM),
        (b"&".join(b"f%d=1" % n for n in range(900)) + b"&leave=1", FORM),
        (b"leave=1", "multipart/form-data"),
        (b"--x\r\nnonsense\r\n--x--", "multipart/form-data; boundary=x"),
    ],
)  # fmt: skip
def test_a_body_that_asks_nothing_changes_nothing(
    site: Site, client: httpx.Client, body: bytes, kind: str
) -> None:
    answer = client.post(
        site.link(Purpose.UNSUBSCRIBE), content=body, headers={"Content-Type": kind}
    )
    assert answer.status_code == 400
    assert site.standing() == UNTOUCHED


@pytest.mark.parametrize("declared", [True, False])
def test_a_huge_body_is_refused_without_being_read(site: Site, *, declared: bool) -> None:
    url = site.link(Purpose.UNSUBSCRIBE)
    length = "Content-Length: 10000000" if declared else "Transfer-Encoding: chunked"
    head = f"POST {urlsplit(url).path} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode()
    # Only a part is sent: an answer shows that the rest was not waited for.
    part = b"a" * (100 if declared else 20_000)
    answer = by_hand(url, head + (part if declared else b"4e20\r\n" + part + b"\r\n"))
    assert answer.split(b"\r\n")[0].startswith(b"HTTP/1.1 413 ")
    assert site.standing() == UNTOUCHED


def test_a_bent_or_foreign_token_says_nothing_of_anybody(site: Site, client: httpx.Client) -> None:
    good = site.token(Purpose.UNSUBSCRIBE)
    other_home = TokenSigner(Keyring.generate())
    bent = [
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good[:20] + ("A" if good[20] != "A" else "B") + good[21:],
        good[:-5],
        good + "x",
        site.token(Purpose.PREFERENCES),
        other_home.sign(Claim(site.reader, site.publication_id, Purpose.UNSUBSCRIBE)),
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


def test_an_old_link_still_lets_its_reader_leave(site: Site, client: httpx.Client) -> None:
    """After the keys were rotated; after an erasure or a deleted publication it is neutral."""
    link = site.link(Purpose.UNSUBSCRIBE)
    ring = site.services.ring
    rotated = replace(ring, tokens=(Key(0, "k2", b"n" * 32), *ring.tokens))
    later = TokenSigner(rotated)
    assert later.read(link.rpartition("/")[2], Purpose.UNSUBSCRIBE).subject == site.reader
    with writing(site.services.engine) as session:
        session.execute(delete(Subscriber))
    stranger = f"{site.url}/u/{site.token(Purpose.UNSUBSCRIBE, uuid4())}"
    for url in (link, stranger):
        pages = [client.get(url), client.post(url, data={"leave": "1"})]
        pages.append(client.post(url, data={"come_back": "1"}))
        for page in pages:
            assert page.status_code == 200
            assert "<button" not in page.text
        assert client.post(url, data=ONE_CLICK).status_code == 200
    with writing(site.services.engine) as session:
        session.execute(delete(Publication))
    assert client.get(link).status_code == client.post(link, data=ONE_CLICK).status_code == 200


def test_the_link_of_a_test_message_shows_all_and_does_nothing(
    site: Site, client: httpx.Client
) -> None:
    url = site.link(Purpose.TEST) + "?l=en"
    page = client.get(url).text
    assert "This is a test message" in page
    assert "you will receive no further" not in page
    burmese = {"Accept-Language": "my"}
    answer = client.post(site.link(Purpose.TEST), data=ONE_CLICK, headers=burmese)
    assert answer.text.startswith("ဤစာသည် စမ်းသပ်စာ ဖြစ်ပါသည်။")
    for fields in ({"leave": "1"}, {"come_back": "1"}, ONE_CLICK):
        assert client.post(url, data=fields).status_code == 200
    assert client.get(site.link(Purpose.TEST, "p")).status_code == 200
    assert site.standing() == UNTOUCHED


def test_languages_of_the_page(site: Site, client: httpx.Client) -> None:
    url = site.link(Purpose.UNSUBSCRIBE)
    english = {"Accept-Language": "en-GB,en;q=0.9"}
    assert '<html lang="my"' in client.get(url, headers=english).text
    page = client.get(f"{url}?l=klingon").text
    assert '<html lang="my"' in page
    assert 'အီး<span class="nw">မေးလ်</span>' in page
    page = client.get(f"{url}?l=en").text
    assert '<html lang="en"' in page
    assert 'lang="my" hreflang="my"' in page
    assert ADDRESS.split("@")[0] not in page
