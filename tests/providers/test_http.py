"""The door to HTTP: how far a request came is told truly, and nothing wanders off by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.core.http import Client, Limits, NoAnswer, NotReached, Reply
from tests.http_server import (
    DRIP,
    DROP,
    DROP_AT_BODY,
    HANG,
    STALL_AT_BODY,
    Asked,
    HttpServer,
    answer,
)
from tests.smtp_server import DROP as DROPPED
from tests.smtp_server import ScriptedServer, make_certificate, nth

QUICK = Limits(connect=0.4, write=0.4, answer=0.4)
CALM = Limits(connect=5, write=5, answer=5)
LARGE = b"x" * 20_000_000
"""More than the buffers of both sides hold."""


def fine(_asked: Asked, _nth: int) -> bytes:
    """Any answer."""
    return answer(200, b"{}")


def post(url: str, body: bytes = b"body", limits: Limits = CALM, proxy: str = "") -> list[object]:
    """What came of one POST, and how often the body was about to leave."""
    intents: list[int] = []
    client = Client(limits=limits, proxy=proxy)
    try:
        found: object = client.post(url, {"X-Key": "s3cret"}, body, lambda: intents.append(1))
    except (NotReached, NoAnswer) as err:
        found = err
    finally:
        client.close()
    assert "s3cret" not in repr(found)
    return [found, len(intents)]


def test_the_body_leaves_after_the_intent_and_in_one_piece() -> None:
    order: list[str] = []
    with HttpServer(fine) as server:
        server.on_kept = lambda: order.append("kept")
        client = Client(limits=CALM)
        for _ in range(3):
            client.post(server.url, {}, b"a" * 200_000, lambda: order.append("intent"))
        client.close()
        assert order == ["intent", "kept"] * 3
        assert {len(asked.body) for asked in server.kept} == {200_000}
        assert server.connections == 1
        assert server.kept[0].headers["accept-encoding"] == "identity"


def test_what_the_intent_raises_takes_the_request_back() -> None:
    def full_disk() -> None:
        raise OSError("no space left")

    with HttpServer(fine) as server:
        client = Client(limits=CALM)
        with pytest.raises(OSError, match="no space"):
            client.post(server.url, {}, b"one", full_disk)
        client.post(server.url, {}, b"two", lambda: None)
        client.close()
        assert [asked.body for asked in server.kept] == [b"two"]


def test_refused_is_certainly_not_out() -> None:
    with HttpServer(fine) as server:
        port = server.port
    found, intents = post(f"http://127.0.0.1:{port}")
    assert isinstance(found, NotReached)
    assert (intents, found.distrust, found.cause) == (0, False, "connection refused")


def test_no_such_machine_is_certainly_not_out() -> None:
    found, intents = post("https://no-such-machine.invalid/", limits=QUICK)
    assert isinstance(found, NotReached)
    assert intents == 0


def test_time_out_before_the_body_is_certainly_not_out() -> None:
    with HttpServer(fine, silent=True) as server:
        found, intents = post(f"https://127.0.0.1:{server.port}/", limits=QUICK)
    assert isinstance(found, NotReached)
    assert (intents, found.cause) == (0, "nothing within 0.4 seconds")


@pytest.mark.parametrize(
    ("at_header", "reply", "body"),
    [
        (STALL_AT_BODY, b"", LARGE),
        (b"", HANG, b"small"),
        (DROP_AT_BODY, b"", LARGE),
        (DROP_AT_BODY, b"", b"small"),
        (b"", DROP, b"small"),
        (b"", b"220 mail.example ESMTP\r\n", b"small"),
    ],
    ids=["stall", "hang", "drop large", "drop small", "drop", "no http"],
)
def test_from_the_first_byte_of_the_body_on_nobody_knows(
    at_header: bytes, reply: bytes, body: bytes
) -> None:
    with HttpServer(lambda _asked, _nth: reply, at_header=at_header) as server:
        found, intents = post(server.url, body, QUICK)
    assert isinstance(found, NoAnswer)
    assert intents == 1


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b'{"id": "x', b'{"id": "x'),
        (answer(200, b"y" * 900_000), b"y" * 65_536),
    ],
    ids=["cut off", "endless"],
)
def test_a_status_counts_however_its_body_ends(reply: bytes, body: bytes) -> None:
    with HttpServer(lambda _asked, _nth: reply) as server:
        found, _ = post(server.url)
    assert isinstance(found, Reply)
    assert (found.status, found.body) == (200, body)


def test_a_body_that_drips_for_ever_is_left() -> None:
    with HttpServer(lambda _asked, _nth: DRIP) as server:
        found, _ = post(server.url, limits=QUICK)
        assert isinstance(found, Reply)
        assert (found.status, found.body.strip()) == (200, b"")


def test_redirects_are_told_and_not_followed() -> None:
    with HttpServer(fine) as other:
        reply = answer(307, b"", Location=other.url)
        with HttpServer(lambda _asked, _nth: reply) as server:
            found, _ = post(server.url)
        assert other.connections == 0
    assert isinstance(found, Reply)
    assert found.status == 307


def test_proxies_of_the_environment_are_not_used_but_a_set_one_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with HttpServer(fine) as proxy, HttpServer(fine) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        post(server.url)
        assert (proxy.connections, server.connections) == (0, 1)
        post("http://elsewhere.example/", proxy=proxy.url)
        assert proxy.kept[0].line == "POST http://elsewhere.example/ HTTP/1.1"


def test_a_certificate_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path)
    with HttpServer(fine, certificate=certificate) as server:
        found, intents = post(server.url)
        assert isinstance(found, NotReached)
        assert (intents, found.distrust) == (0, True)
        assert "certificate is not accepted" in found.cause
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
        assert isinstance(post(server.url)[0], Reply)


def test_a_certificate_for_another_name_is_not_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = make_certificate(tmp_path, "other.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(foreign.path))
    with HttpServer(fine, certificate=foreign) as server:
        found, _ = post(server.url)
    assert isinstance(found, NotReached)
    assert found.distrust


def test_what_speaks_no_tls_is_not_trusted_but_a_hang_up_is_only_bad_luck() -> None:
    with ScriptedServer() as mail:
        found, _ = post(f"https://127.0.0.1:{mail.port}/")
    assert isinstance(found, NotReached)
    assert found.distrust
    with ScriptedServer(nth("CONNECT", 1, DROPPED)) as mail:
        found, _ = post(f"https://127.0.0.1:{mail.port}/")
    assert isinstance(found, NotReached)
    assert not found.distrust


def test_a_key_that_is_no_header_is_not_shown() -> None:
    client = Client(limits=CALM)
    with HttpServer(fine) as server, pytest.raises(NotReached) as caught:
        client.post(server.url, {"X-Key": "s3cret\n"}, b"", lambda: None)
    client.close()
    assert "s3cret" not in str(caught.value)


def got(url: str, **limited: int) -> object:
    """What came of one GET."""
    client = Client(limits=QUICK)
    try:
        return client.get(url, {"X-Key": "s3cret"}, **limited)
    except NoAnswer as err:
        return err
    finally:
        client.close()


def test_a_question_is_answered_as_far_as_was_asked_for() -> None:
    with HttpServer(lambda _asked, _nth: answer(404, b"y" * 900_000, X_Its="own")) as server:
        found = got(server.url, longest=1000)
        assert server.kept[0].line == "GET / HTTP/1.1"
        assert server.kept[0].headers["accept-encoding"] == "identity"
    assert isinstance(found, Reply)
    assert (found.status, found.headers["x-its"], found.body) == (404, "own", b"y" * 1000)


@pytest.mark.parametrize("reply", [HANG, DROP, b"220 mail.example ESMTP\r\n"])
def test_a_question_without_an_answer_says_so(reply: bytes) -> None:
    with HttpServer(lambda _asked, _nth: reply) as server:
        url = server.url
        assert isinstance(got(url), NoAnswer)
    found = got(url)
    assert isinstance(found, NoAnswer)
    assert "s3cret" not in str(found)


def test_an_endless_answer_is_left_and_a_redirect_is_not_followed() -> None:
    with HttpServer(lambda _asked, _nth: DRIP) as server:
        assert isinstance(got(server.url), Reply)
    with HttpServer(fine) as other:
        reply = answer(302, b"", Location=other.url)
        with HttpServer(lambda _asked, _nth: reply) as server:
            found = got(server.url)
        assert other.connections == 0
    assert isinstance(found, Reply)
    assert found.status == 302
