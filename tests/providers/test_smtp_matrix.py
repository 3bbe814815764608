"""Each stage × each fault × each way of talking: what is said of the message and its neighbours.

Four messages go over one line and the second meets the fault, so that the line is a kept one, one
message is behind it and one in front. Whatever happens, what the server answers for must agree
with what we say of each, and nobody may get two.
"""

from __future__ import annotations

import pytest

from newsletter.core.errors import Retry
from tests.providers.smtp_lines import (
    CHUNKED,
    EVERY_MODE,
    FINAL,
    FIVE,
    FOUR,
    LOCKSTEP,
    MODES,
    PIPELINED,
    SAFE,
    SHUT,
    UNSURE,
    Told,
    arrived,
    connected,
    letters,
    limits,
)
from tests.smtp_server import DROP, GARBAGE, HANG, ScriptedServer, nth

LONG = "250 " + "x" * 70_000
FAULTS = {
    "4xx": FOUR,
    "5xx": FIVE,
    "421": SHUT,
    "dropped": DROP,
    "hanging": HANG,
    "garbage": GARBAGE,
    "over-long": LONG,
}
AGAIN = None
"""Begun again on a new line, and taken there."""

# In the order of FAULTS. What left in turn, and what left as a whole and unasked.
IN_TURN = {
    "MAIL": (SAFE, SAFE, AGAIN, AGAIN, AGAIN, AGAIN, AGAIN),
    "RCPT": (SAFE, FINAL, SAFE, SAFE, SAFE, SAFE, SAFE),
    "DATA": (SAFE, FINAL, SAFE, SAFE, SAFE, SAFE, SAFE),
    "DOT": (SAFE, FINAL, SAFE, UNSURE, UNSURE, UNSURE, UNSURE),
}
UNASKED = {
    "MAIL": (SAFE, SAFE, SAFE, UNSURE, UNSURE, UNSURE, UNSURE),
    "RCPT": (SAFE, FINAL, SAFE, UNSURE, UNSURE, UNSURE, UNSURE),
    "DOT": (SAFE, FINAL, SAFE, UNSURE, UNSURE, UNSURE, UNSURE),
}
CELLS = [
    pytest.param(MODES[mode], stage, reply, verdict, id=f"{mode}-{stage}-{fault}")
    for mode, table in (("lockstep", IN_TURN), ("pipelined", IN_TURN), ("chunked", UNASKED))
    for stage, row in table.items()
    for (fault, reply), verdict in zip(FAULTS.items(), row, strict=True)
]


@pytest.mark.parametrize(("offers", "stage", "reply", "verdict"), CELLS)
def test_a_fault_at_the_second_of_four(
    offers: tuple[str, ...], stage: str, reply: str, verdict: Retry | None
) -> None:
    told = Told()
    with ScriptedServer(nth(stage, 2, reply), offers=offers) as server:
        connection = connected(server, **limits(stage, reply))
        connection.carry(iter(letters(range(1, 5))), told)
        connection.close()
    assert list(told.verdicts) == [1, 2, 3, 4], "told in order"
    assert told.verdicts[2] is verdict
    told.is_true(server.kept)
    if offers != CHUNKED:
        assert {told.verdicts[n] for n in (1, 3, 4)} == {None}
        assert [n for n in arrived(server.kept) if n != 2] == [1, 3, 4]
        assert (2 in arrived(server.kept)) == (verdict in (AGAIN, UNSURE))
    else:
        alongside = {None, UNSURE} if verdict is UNSURE else {None, SAFE}
        assert told.verdicts[1] is None
        assert told.verdicts[3] in (alongside if server.connections > 1 else {None})
        assert told.verdicts[4] is None
    kept_line = reply in (FOUR, FIVE)
    assert server.connections == (1 if kept_line else 2)
    assert told.verdicts[2] is None or told.errors[2].halts == ((stage, reply) == ("MAIL", FIVE))


@pytest.mark.parametrize("offers", [LOCKSTEP, PIPELINED], ids=["lockstep", "pipelined"])
@pytest.mark.parametrize("reply", [SHUT, DROP, HANG, GARBAGE, LONG], ids=list(FAULTS)[2:])
def test_a_new_line_that_ends_at_its_first_word_is_told_and_not_tried_for_ever(
    offers: tuple[str, ...], reply: str
) -> None:
    script = lambda stage, _count: reply if stage == "MAIL" else None  # noqa: E731
    told = Told()
    with ScriptedServer(script, offers=offers) as server:
        connection = connected(server, timeout=0.3 if reply == HANG else 60)
        connection.carry(iter(letters(range(1, 4))), told)
        connection.close()
    assert told.verdicts == {1: SAFE, 2: SAFE, 3: SAFE}
    assert (server.connections, server.kept, told.left) == (3, [], [])


@EVERY_MODE
@pytest.mark.parametrize("words", [b"421 4.4.2 idle too long\r\n", b""], ids=["421", "dropped"])
def test_a_line_that_died_while_nothing_was_sent_is_opened_anew_without_fuss(
    offers: tuple[str, ...], words: bytes
) -> None:
    told = Told()
    with ScriptedServer(offers=offers) as server:
        connection = connected(server)
        connection.carry(iter(letters([1])), told)
        server.turn_out(words)
        connection.carry(iter(letters([2, 3])), told)
        connection.close()
    assert told.verdicts == {1: None, 2: None, 3: None}
    assert arrived(server.kept) == [1, 2, 3]
    assert server.connections == 2
