"""The matrix of HTTP faults: for each provider and each fault the state a delivery comes to."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from newsletter.core.clock import now
from newsletter.core.errors import ProviderError, Retry
from newsletter.delivery.outcomes import judged
from newsletter.delivery.retries import Deadline
from newsletter.delivery.states import State
from newsletter.providers.base import NotConnected
from tests.http_server import (
    DROP,
    DROP_AT_BODY,
    HANG,
    STALL_AT_BODY,
    HttpServer,
    answer,
)
from tests.providers import letters
from tests.providers.contract import failed, sent
from tests.providers.fakes import FAKES, SECRET, Fake

LATER, NEVER, UNKNOWN = Retry.LATER, Retry.NEVER, Retry.UNKNOWN
EVERY = pytest.mark.parametrize("fake", FAKES, ids=lambda fake: fake.name)
LARGE = letters.small(text="y" * 70 + "\r\n" + ("z" * 70 + "\r\n") * 90_000)
"""6 MB: more than the buffers of both sides hold."""


def state_of(error: ProviderError) -> State:
    """What the delivery room makes of it."""
    at = now()
    return judged(
        error,
        delivery_id=1,
        attempt=1,
        now=at,
        deadline=Deadline(at + timedelta(hours=12), at + timedelta(hours=24)),
    ).state


def answered(fake: Fake, reply: bytes) -> ProviderError:
    """The error that this answer makes."""
    with HttpServer(lambda _asked, _nth: reply) as server:
        error, intents = sent(fake.provider(server.url), letters.small())
        assert intents == 1
        assert len(server.kept) == 1
    assert SECRET not in str(error) + error.answer
    return error


@EVERY
def test_refused(fake: Fake) -> None:
    with HttpServer(lambda _asked, _nth: fake.yes) as server:
        port = server.port
    error, intents = sent(fake.provider(f"http://localhost:{port}"), letters.small())
    assert isinstance(error, NotConnected)
    assert (error.retry, error.halts, intents) == (LATER, False, 0)
    assert f"{fake.name} is not reached at localhost:{port} (connection refused)" in str(error)


@EVERY
def test_time_out_before_the_body(fake: Fake) -> None:
    with HttpServer(lambda _asked, _nth: fake.yes, silent=True) as server:
        provider = fake.provider(f"https://127.0.0.1:{server.port}", connect_timeout=0.3)
        error, intents = sent(provider, letters.small())
    assert isinstance(error, NotConnected)
    assert (error.retry, error.halts, intents) == (LATER, False, 0)
    assert state_of(error) is State.PLANNED


@EVERY
@pytest.mark.parametrize("fault", [STALL_AT_BODY, DROP_AT_BODY], ids=["stalls", "drops"])
def test_time_out_or_hang_up_during_the_body(fake: Fake, fault: bytes) -> None:
    with HttpServer(lambda _asked, _nth: fake.yes, at_header=fault) as server:
        error, intents = sent(fake.provider(server.url, write_timeout=0.3), LARGE)
    assert (error.retry, error.halts, intents) == (UNKNOWN, False, 1)
    assert state_of(error) is State.UNKNOWN


@EVERY
@pytest.mark.parametrize("fault", [HANG, DROP], ids=["hangs", "drops"])
def test_time_out_or_hang_up_after_the_body(fake: Fake, fault: bytes) -> None:
    with HttpServer(lambda _asked, nth: fault if nth == 1 else fake.yes) as server:
        provider = fake.provider(server.url, answer_timeout=0.3 if fault == HANG else 60)
        connection = provider.connect()
        error = failed(lambda: connection.submit(letters.small(), lambda: None))
        connection.submit(letters.small(2), lambda: None)
        connection.close()
        assert len(server.kept) == 2, "the line goes on with the next message, not the same"
    assert (error.retry, error.halts) == (UNKNOWN, False)
    assert "may have been taken" in str(error)


@EVERY
@pytest.mark.parametrize("status", [401, 403, 402, 404, 405, 302, 307])
def test_not_let_in_stops_everything_and_blames_nobody(fake: Fake, status: int) -> None:
    error = answered(fake, answer(status, "<html>no</html>", Location="https://other.example/"))
    assert (error.retry, error.halts, error.recipient, error.ours) == (LATER, True, False, False)
    assert f"[{fake.name}]" in str(error)
    assert state_of(error) is State.PLANNED


@EVERY
def test_too_large_is_our_fault_for_good(fake: Fake) -> None:
    error = answered(fake, answer(413, "too large"))
    assert (error.retry, error.halts, error.recipient, error.ours) == (NEVER, False, False, True)
    assert "image" in str(error)
    assert state_of(error) is State.REFUSED


HINTS = [
    ({"Retry_After": "30"}, 30.0),
    ({"Retry_After": "Sun, 01 Mar 2026 12:02:00 GMT"}, 120.0),
    ({}, None),
    ({"Retry_After": "99999999"}, None),
    ({"Retry_After": "yesterday"}, None),
    ({"x_sib_ratelimit_reset": "7"}, 7.0),
    ({"ratelimit_reset": "9"}, 9.0),
]


@EVERY
@pytest.mark.parametrize("status", [420, 429])
@pytest.mark.parametrize(("headers", "seconds"), HINTS)
def test_too_fast_is_later_and_carries_the_hint(
    fake: Fake, status: int, headers: dict[str, str], seconds: float | None
) -> None:
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        error = answered(fake, answer(status, "slow down", **headers))
    assert (error.retry, error.halts, error.recipient, error.ours) == (LATER, False, False, False)
    assert error.wait_seconds == seconds
    assert not isinstance(error, NotConnected), "the message was spoken of: it counts as a try"
    assert state_of(error) is State.PLANNED


@EVERY
@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_a_broken_server_may_have_taken_it(fake: Fake, status: int) -> None:
    error = answered(fake, answer(status, '{"message": "oh"}', Retry_After="5"))
    assert (error.retry, error.halts, error.wait_seconds) == (UNKNOWN, False, 5.0)
    assert state_of(error) is State.UNKNOWN


@EVERY
@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>Welcome to the hotel's network</html>", b'{"id": "x', b"[]", b"null"),
        *(b'"id"', b"{}", b'{"id": null, "MessageId": null}', b"[" * 50_000, b"\xff\xfe"),
    ],
)
def test_a_yes_without_the_providers_own_id_is_no_yes(fake: Fake, body: bytes) -> None:
    error = answered(fake, answer(200, body))
    assert (error.retry, error.halts) == (UNKNOWN, False)


@EVERY
def test_a_yes_that_is_cut_off(fake: Fake) -> None:
    error = answered(fake, fake.yes[:-12])
    assert error.retry is UNKNOWN


@EVERY
def test_its_own_words_are_understood(fake: Fake) -> None:
    for reply in fake.no_such_recipient:
        error = answered(fake, reply)
        assert (error.retry, error.recipient, error.halts) == (NEVER, True, False), str(error)
        assert state_of(error) is State.REFUSED
    for reply in fake.our_fault:
        error = answered(fake, reply)
        assert (error.retry, error.ours, error.recipient) == (LATER, True, False), str(error)
    for reply in fake.stops_all:
        error = answered(fake, reply)
        assert (error.retry, error.halts, error.recipient) == (LATER, True, False), str(error)
    for reply in fake.put_off:
        error = answered(fake, reply)
        assert (error.retry, error.halts, error.ours) == (LATER, False, False), str(error)


@EVERY
def test_an_address_that_needs_smtputf8_is_refused_before_anything_is_sent(fake: Fake) -> None:
    with HttpServer(lambda _asked, _nth: fake.yes) as server:
        error, intents = sent(fake.provider(server.url), letters.small(recipient="အေး@example.org"))
        assert server.connections == 0
    assert (error.retry, error.recipient, intents) == (NEVER, True, 0)


@EVERY
def test_a_missing_key_stops_before_anything_is_sent(fake: Fake) -> None:
    section = fake.section("http://localhost:9")
    needed = fake.kind.needs[-1]
    without = section.model_copy(update={needed: ""})
    error = failed(fake.kind(without, fake.provider("http://localhost:9")._http).connect)
    assert error.halts
    assert f"{fake.name}.{needed}" in str(error)


@EVERY
def test_no_secret_is_in_any_repr(fake: Fake) -> None:
    section = fake.section("http://localhost:9")
    provider = fake.provider("http://localhost:9")
    connection = provider.connect()
    request = provider.request(letters.small())
    shown = repr((section, provider, connection, request))
    connection.close()
    assert SECRET not in shown
    assert "AKIDEXAMPLE" not in repr(request)
