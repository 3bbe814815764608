"""Many messages over one line: in which order, on how many lines, and what the caller may raise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from newsletter.core.errors import Retry
from newsletter.providers.base import Envelope
from tests.providers.smtp_lines import (
    CHUNKED,
    EVERY_MODE,
    LOCKSTEP,
    MESSAGE,
    PIPELINED,
    SAFE,
    Told,
    arrived,
    connected,
    envelope,
    letters,
)
from tests.smtp_server import DROP, Certificate, ScriptedServer, nth

NO_SUCH = "550 5.1.1 <r2@example.org> unknown"


class Stopped(Exception):
    """What a caller may raise."""


@EVERY_MODE
def test_many_messages_share_one_line(offers: tuple[str, ...]) -> None:
    told = Told()
    with ScriptedServer(offers=offers) as server:
        connection = connected(server)
        connection.carry(iter(letters(range(1, 31))), told)
        connection.carry(iter([]), told)
        connection.carry(iter(letters([31])), told)
        connection.close()
    assert arrived(server.kept) == list(range(1, 32))
    assert {one.data for one in server.kept} == {MESSAGE}
    assert set(told.verdicts.values()) == {None}
    assert (server.connections, server.commands[-1]) == (1, "QUIT")


@pytest.mark.parametrize("offers", [LOCKSTEP, PIPELINED], ids=["lockstep", "pipelined"])
def test_the_next_is_asked_for_before_a_body_leaves_and_nothing_comes_between(
    offers: tuple[str, ...],
) -> None:
    """Whoever commits in the iterator has committed before the last bytes are on their way."""
    order: list[str] = []

    def asked() -> Iterator[Envelope]:
        for one in letters(range(1, 4)):
            order.append(f"asked {one.delivery_id}")
            yield one
        order.append("asked in vain")

    told = Told(leaving_before=lambda number: order.append(f"leaving {number}"))
    with ScriptedServer(offers=offers, on_kept=lambda n: order.append(f"kept {n}")) as server:
        connection = connected(server)
        connection.carry(asked(), told)
        connection.close()
    assert order == [
        *("asked 1", "asked 2", "leaving 1", "kept 1"),
        *("asked 3", "leaving 2", "kept 2"),
        *("asked in vain", "leaving 3", "kept 3"),
    ]


@EVERY_MODE
@pytest.mark.parametrize("last", [1, 2, 3])
def test_what_the_iterator_raises_goes_through_and_the_last_has_not_left(
    offers: tuple[str, ...], last: int
) -> None:
    def until() -> Iterator[Envelope]:
        yield from letters(range(1, last + 1))
        raise Stopped

    told = Told()
    with ScriptedServer(offers=offers) as server:
        connection = connected(server)
        with pytest.raises(Stopped):
            connection.carry(until(), told)
        assert told.left == list(told.verdicts), "what left was told"
        assert set(range(1, last)) <= set(told.verdicts)
        connection.carry(iter(letters([9])), told)
        connection.close()
    told.is_true(server.kept)
    assert told.verdicts[9] is None


@EVERY_MODE
@pytest.mark.parametrize("at", [1, 2, 3])
def test_what_leaving_raises_goes_through_and_nothing_of_that_message_is_taken(
    offers: tuple[str, ...], at: int
) -> None:
    def change_of_mind(number: int) -> None:
        if number == at:
            raise Stopped

    told = Told(leaving_before=change_of_mind)
    with ScriptedServer(offers=offers) as server:
        connection = connected(server)
        with pytest.raises(Stopped):
            connection.carry(iter(letters(range(1, 6))), told)
        assert list(told.verdicts) == list(range(1, at)), "those before it were told"
        connection.carry(iter(letters([9])), told)
        connection.close()
    assert arrived(server.kept) == [*range(1, at), 9]


@EVERY_MODE
def test_a_line_is_ended_politely_after_so_many_messages(offers: tuple[str, ...]) -> None:
    told = Told()
    with ScriptedServer(offers=offers) as server:
        connection = connected(server, max_per_connection=3)
        connection.carry(iter(letters(range(1, 8))), told)
        connection.close()
    assert arrived(server.kept) == list(range(1, 8))
    assert server.connections == 3
    assert server.commands.count("QUIT") == 3


@pytest.mark.parametrize("answer", ["554 5.5.1 no valid recipients", "354 go on all the same"])
def test_after_a_refused_recipient_the_line_is_put_in_order_before_the_next(answer: str) -> None:
    """RFC 2920 §3.1: some wait for a message all the same, and a lone dot ends it."""
    script = {("RCPT", 2): NO_SUCH, ("DATA", 2): answer}
    told = Told()
    with ScriptedServer(lambda *at: script.get(at), offers=PIPELINED) as server:
        connection = connected(server)
        connection.carry(iter(letters(range(1, 5))), told)
        connection.close()
    assert told.verdicts == {1: None, 2: Retry.NEVER, 3: None, 4: None}
    assert told.errors[2].recipient
    assert arrived(server.kept) == [1, 3, 4]
    verbs = [line.split(":")[0] for line in server.commands[1:]]
    around = ["MAIL FROM", "RCPT TO", "DATA"]
    assert verbs == [*around, *around, "RSET", *around, *around, "QUIT"]
    assert server.connections == 1


def test_a_server_that_knows_the_recipient_but_not_the_sender_is_given_no_empty_message() -> None:
    script = {("MAIL", 1): "451 4.3.0 later", ("RCPT", 1): "250 yes", ("DATA", 1): "354 go on"}
    told = Told()
    with ScriptedServer(lambda *at: script.get(at), offers=PIPELINED) as server:
        connection = connected(server)
        connection.carry(iter(letters([1, 2])), told)
        connection.close()
    assert told.verdicts == {1: SAFE, 2: None}
    assert (arrived(server.kept), server.connections) == ([2], 2)


def test_a_yes_to_a_message_whose_sender_was_refused_is_a_doubt() -> None:
    """It left as a whole and unasked: what such a server kept nobody knows."""
    script = {("MAIL", 1): "451 4.3.0 later", ("RCPT", 1): "250 yes"}
    told = Told()
    with ScriptedServer(lambda *at: script.get(at), offers=CHUNKED) as server:
        connection = connected(server)
        connection.carry(iter(letters([1])), told)
        connection.close()
    assert told.verdicts == {1: Retry.UNKNOWN}
    told.is_true(server.kept)


@EVERY_MODE
def test_those_that_cannot_go_are_told_in_their_turn(offers: tuple[str, ...]) -> None:
    pile = [
        *letters([1]),
        envelope(2, "အေးအေး@example.org"),
        envelope(3, "r3@example.org", data=b"a\nb\r\n"),
        *letters([4]),
        envelope(5, "r5@example.org", data=b"x" * 1_000_001),
        *letters([6]),
    ]
    told = Told()
    with ScriptedServer(offers=offers) as server:
        connection = connected(server)
        connection.carry(iter(pile), told)
        connection.close()
    assert list(told.verdicts.items()) == [
        *((1, None), (2, Retry.NEVER), (3, SAFE), (4, None), (5, SAFE), (6, None))
    ]
    assert [told.errors[n].halts for n in (2, 3, 5)] == [False, True, True]
    assert arrived(server.kept) == [1, 4, 6]


@pytest.mark.parametrize(
    ("offers", "changed", "verb"),
    [
        (PIPELINED, {"pipelining": False}, "DATA"),
        (CHUNKED, {"pipelining": False}, "DATA"),
        (CHUNKED, {"chunking": False}, "DATA"),
        (("CHUNKING",), {}, "DATA"),
        (CHUNKED, {}, "BDAT"),
    ],
)
def test_nothing_is_used_that_is_not_both_wanted_and_offered(
    offers: tuple[str, ...], changed: dict[str, bool], verb: str
) -> None:
    told = Told()
    with ScriptedServer(offers=(*offers, "8BITMIME", "SMTPUTF8")) as server:
        connection = connected(server, **changed)
        connection.carry(iter([*letters([1]), envelope(2, "အေး@example.org")]), told)
        connection.close()
    assert set(told.verdicts.values()) == {None}
    verbs = {line.split(" ")[0] for line in server.commands}
    assert verbs & {"DATA", "BDAT"} == {verb}
    size = len(MESSAGE)
    assert [line for line in server.commands if line.startswith("MAIL")] == [
        f"MAIL FROM:<desk@news.example> SIZE={size}",
        f"MAIL FROM:<desk@news.example> SMTPUTF8 SIZE={size}",
    ]


@EVERY_MODE
@pytest.mark.parametrize("reply", ["451 4.3.0 not now", DROP])
def test_all_of_it_over_tls(trusted: Certificate, offers: tuple[str, ...], reply: str) -> None:
    data = b"Subject: x\r\n\r\n" + (b".y" + b"z" * 900 + b"\r\n") * 300
    told = Told()
    script = nth("DOT", 2, reply)
    with ScriptedServer(script, offers=offers, certificate=trusted) as server:
        connection = connected(server, host="localhost", security="tls")
        connection.carry(iter(letters(range(1, 6), data=data)), told)
        connection.close()
    assert list(told.verdicts) == [1, 2, 3, 4, 5]
    assert told.verdicts[2] is (Retry.UNKNOWN if reply == DROP else SAFE)
    told.is_true(server.kept)
    assert {one.data for one in server.kept} == {data}
