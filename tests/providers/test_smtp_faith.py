"""Whatever a server does over ten messages, what we say of each agrees with what it keeps."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.providers.base import Envelope, NotConnected
from tests.providers.smtp_lines import MODES, SHUT, Told, connected, letters
from tests.smtp_server import DROP, GARBAGE, ScriptedServer

MESSAGES = 10
_ANSWERS = ["451 4.3.0 later", "550 5.1.1 gone", "554 5.7.1 no", "503 5.5.1 out of turn", SHUT]
_ANSWERS += ["552 5.3.4 too much", "250 2.0.0 yes", "354 go on", "250-yes\r\n250 really", "200 ok"]
_ANSWERS += [DROP, GARBAGE, "250-kept\r\n451 or not", "250 " + "x" * 70_000, "999 what", ""]
_SPOTS = st.tuples(
    st.sampled_from(["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY", "DOT", "RSET"]),
    st.integers(1, MESSAGES + 2),
)
_SCRIPTS = st.dictionaries(_SPOTS, st.sampled_from(_ANSWERS), max_size=8)


@settings(max_examples=80)
@given(
    script=_SCRIPTS,
    offers=st.sampled_from(list(MODES.values())),
    most=st.sampled_from([1, 2, 3, 100]),
    large=st.booleans(),
)
def test_what_is_said_of_each_agrees_with_what_the_server_keeps(
    script: dict[tuple[str, int], str], offers: tuple[str, ...], most: int, large: bool
) -> None:
    told = Told()
    data = b"Subject: x\r\n\r\n" + (b".y" + b"z" * 900 + b"\r\n") * (180 if large else 1)
    pending = letters(range(1, MESSAGES + 1), data=data)
    with ScriptedServer(lambda *at: _never_lying(at[0], script.get(at)), offers=offers) as server:
        for _ in range(30):
            if not (pending := _left(pending, told)):
                break
            try:
                connection = connected(server, max_per_connection=most)
                connection.carry(iter(pending), told)
            except NotConnected:
                continue
            connection.close()
    assert list(told.verdicts) == list(range(1, MESSAGES + 1)), "everybody once, in order"
    told.is_true(server.kept)
    assert all(one.data == data for one in server.kept)


def _left(pending: list[Envelope], told: Told) -> list[Envelope]:
    return [one for one in pending if one.delivery_id not in told.verdicts]


def _never_lying(stage: str, reply: str | None) -> str | None:
    """A yes in the middle of a message would be the promise of one that forgets."""
    return None if stage == "BODY" and (reply or "").startswith("2") else reply
