"""One message at a time: what each failure says about whether it may have been taken."""

from __future__ import annotations

import pytest

from newsletter.core.errors import Retry
from tests.providers.smtp_lines import (
    FINAL,
    FIVE,
    FOUR,
    LOCKSTEP,
    MESSAGE,
    PIPELINED,
    SAFE,
    SHUT,
    UNSURE,
    connected,
    envelope,
    limits,
    sent,
)
from tests.smtp_server import DROP, GARBAGE, HANG, ScriptedServer, nth


def test_many_messages_on_one_line_with_the_intent_before_each_body() -> None:
    order: list[str] = []
    wordy = nth("RCPT", 1, "250 " + "y" * 3000)
    with ScriptedServer(wordy, on_kept=lambda n: order.append(f"kept {n}")) as server:
        connection = connected(server, max_per_connection=2)
        for number in (1, 2, 3):
            answer = connection.submit(envelope(number), lambda: order.append("intent"))
            assert answer == "250 2.0.0 kept"
        connection.close()
    assert order == ["intent", "kept 1", "intent", "kept 2", "intent", "kept 3"]
    assert [kept.data for kept in server.kept] == [MESSAGE] * 3
    assert server.connections == 2
    assert [line for line in server.commands if line.startswith("QUIT")] == ["QUIT", "QUIT"]


# What a failure means, by stage and kind: (retry, was the intent written, is the line kept).
MATRIX = [
    ("MAIL", FOUR, SAFE, 0, True),
    ("MAIL", SHUT, SAFE, 0, False),
    ("MAIL", DROP, SAFE, 0, False),
    ("MAIL", HANG, SAFE, 0, False),
    ("MAIL", GARBAGE, SAFE, 0, False),
    ("RCPT", FOUR, SAFE, 0, True),
    ("RCPT", FIVE, FINAL, 0, True),
    ("RCPT", SHUT, SAFE, 0, False),
    ("RCPT", "503 5.5.1 out of turn", SAFE, 0, False),
    ("RCPT", DROP, SAFE, 0, False),
    ("RCPT", HANG, SAFE, 0, False),
    ("RCPT", GARBAGE, SAFE, 0, False),
    ("DATA", FOUR, SAFE, 0, True),
    ("DATA", FIVE, FINAL, 0, True),
    ("DATA", SHUT, SAFE, 0, False),
    ("DATA", DROP, SAFE, 0, False),
    ("DATA", HANG, SAFE, 0, False),
    ("DATA", GARBAGE, SAFE, 0, False),
    ("DATA", "250 no 354 but yes", SAFE, 0, False),
    ("DOT", FOUR, SAFE, 1, True),
    ("DOT", FIVE, FINAL, 1, True),
    ("DOT", SHUT, SAFE, 1, False),
    ("DOT", "503 5.5.1 out of turn", SAFE, 1, False),
    ("DOT", DROP, UNSURE, 1, False),
    ("DOT", HANG, UNSURE, 1, False),
    ("DOT", GARBAGE, UNSURE, 1, False),
    ("DOT", "354 go on?", UNSURE, 1, False),
    ("DOT", "250 " + "x" * 70_000, UNSURE, 1, False),
    ("DOT", "250-kept\r\n451 or not", UNSURE, 1, False),
]


@pytest.mark.parametrize("offers", [LOCKSTEP, PIPELINED], ids=["lockstep", "pipelined"])
@pytest.mark.parametrize(("stage", "reply", "retry", "intents", "kept_line"), MATRIX)
def test_every_failure_knows_whether_the_message_may_have_been_taken(
    *, offers: tuple[str, ...], stage: str, reply: str, retry: Retry, intents: int, kept_line: bool
) -> None:
    with ScriptedServer(nth(stage, 1, reply), offers=offers) as server:
        connection = connected(server, **limits(stage, reply))
        error, written = sent(connection, envelope(1))
        assert (error.retry, written) == (retry, intents)
        assert not error.halts
        taken = len(server.kept)
        assert taken == (retry is Retry.UNKNOWN)
        connection.submit(envelope(2), lambda: None)
        connection.close()
    assert len(server.kept) == taken + 1
    assert server.connections == (1 if kept_line else 2)
    reset = stage != "DOT" and kept_line
    assert ("RSET" in server.commands) == reset


@pytest.mark.parametrize(
    ("reply", "retry"), [("552 5.3.4 too much", FINAL), (SHUT, SAFE), (DROP, SAFE)]
)
def test_a_body_that_is_cut_off_before_its_dot_was_not_taken(reply: str, retry: Retry) -> None:
    large = envelope(data=b"Subject: x\r\n\r\n" + b"y" * 70 + b"\r\n" * 3_000_000)
    script = lambda at, _count: {"EHLO": "250 test.example", "BODY": reply}.get(at)  # noqa: E731
    with ScriptedServer(script) as server:
        connection = connected(server)
        error, written = sent(connection, large)
        assert written == 0
        assert error.retry in (retry, SAFE), "a reset may overtake the server's last words"
        assert server.kept == []
        connection.close()


def test_an_intent_that_cannot_be_written_takes_the_message_back() -> None:
    def full_disk() -> None:
        raise OSError("no space left")

    with ScriptedServer() as server:
        connection = connected(server)
        with pytest.raises(OSError, match="no space"):
            connection.submit(envelope(1), full_disk)
        connection.submit(envelope(2, "b@example.org"), lambda: None)
        connection.close()
    assert [kept.recipient for kept in server.kept] == ["b@example.org"]


@pytest.mark.parametrize("reply", [SHUT, DROP])
def test_a_kept_line_that_went_stale_is_opened_anew_without_fuss(reply: str) -> None:
    with ScriptedServer(nth("MAIL", 2, reply)) as server:
        connection = connected(server)
        for number in (1, 2):
            connection.submit(envelope(number), lambda: None)
        connection.close()
    assert (len(server.kept), server.connections) == (2, 2)
