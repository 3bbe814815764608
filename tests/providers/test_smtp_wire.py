"""The bytes themselves: what leaves together, answers in crumbs, dots and line ends."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.core.errors import Retry
from newsletter.providers.base import Envelope
from newsletter.providers.smtp import SmtpProvider
from newsletter.providers.smtp_answers import Broken, Stage
from newsletter.providers.smtp_dialogue import DONE, Dialogue
from newsletter.providers.smtp_letter import has_bare_line_ends, stuffed
from newsletter.providers.smtp_wire import SILENT, LineLost, Wire, wire_of
from tests.providers.smtp_lines import (
    EVERY_MODE,
    MESSAGE,
    PIPELINED,
    Told,
    arrived,
    connected,
    letters,
    settings,
)
from tests.smtp_server import Certificate, ScriptedServer

HELLO = b"250-test.example\r\n250-PIPELINING\r\n250 CHUNKING\r\n"
YES = b"250 2.0.0 yes\r\n"
GO_ON = b"354 go on\r\n"
BODY = MESSAGE.replace(b"\r\n.", b"\r\n..")


@contextmanager
def stubborn(dialogue: Sequence[tuple[bytes, bytes]], crumb: int = 10_000) -> Iterator[int]:
    """A server that answers only once it has read exactly this much; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wrong: list[bytes] = []
        thread = threading.Thread(target=_insist, args=(listener, dialogue, crumb, wrong))
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)
    assert wrong == []


def _insist(
    listener: socket.socket,
    dialogue: Sequence[tuple[bytes, bytes]],
    crumb: int,
    wrong: list[bytes],
) -> None:
    sock, _ = listener.accept()
    with sock:
        sock.settimeout(5)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for wanted, answer in ((b"", b"220 hi\r\n"), (b"ehlo test.example\r\n", HELLO), *dialogue):
            read = b""
            with contextlib.suppress(TimeoutError):
                while len(read) < len(wanted) and (piece := sock.recv(len(wanted) - len(read))):
                    read += piece
            if read != wanted:
                wrong.append(read)
                return
            for start in range(0, len(answer), crumb):
                sock.sendall(answer[start : start + crumb])


def opening(number: int) -> bytes:
    return b"MAIL FROM:<desk@news.example>\r\nRCPT TO:<r%d@example.org>\r\n" % number


IN_TURN = [
    (opening(1) + b"DATA\r\n", YES * 2 + GO_ON),
    (BODY + b".\r\n" + opening(2) + b"DATA\r\n", YES * 3 + GO_ON),
    (BODY + b".\r\n" + opening(3) + b"DATA\r\n", YES * 3 + GO_ON),
    (BODY + b".\r\n", YES),
    (b"QUIT\r\n", b"221 bye\r\n"),
]
WHOLE = b"BDAT %d LAST\r\n" % len(MESSAGE) + MESSAGE
UNASKED = [
    (b"RSET\r\n" + opening(1) + WHOLE + b"RSET\r\n" + opening(2) + WHOLE, YES * 8),
    (b"RSET\r\n" + opening(3) + WHOLE, YES * 4),
    (b"QUIT\r\n", b"221 bye\r\n"),
]


@pytest.mark.parametrize("crumb", [10_000, 7, 1])
@pytest.mark.parametrize("dialogue", [IN_TURN, UNASKED], ids=["pipelined", "chunked"])
def test_a_server_that_answers_only_what_came_together_is_not_waited_for(
    dialogue: list[tuple[bytes, bytes]], crumb: int
) -> None:
    """One message in each round trip, or two; and answers in crumbs are answers."""
    told = Told()
    with stubborn(dialogue, crumb) as port:
        connection = SmtpProvider(settings(port, chunking=dialogue is UNASKED)).connect()
        connection.carry(iter(letters([1, 2, 3])), told)
        connection.close()
    assert told.verdicts == {1: None, 2: None, 3: None}


@pytest.mark.parametrize("words", [b"421 4.4.2 too slow\r\n", b"552 5.3.4 too much\r\n", b""])
def test_what_the_server_says_while_it_should_listen_is_heard_before_the_message_leaves(
    words: bytes,
) -> None:
    """It said 354, and changed its mind while the next was being made ready."""
    told = Told()
    with ScriptedServer(offers=PIPELINED) as server:

        def slowly() -> Iterator[Envelope]:
            yield from letters([1])
            server.turn_out(words)
            yield from letters([2])

        connection = connected(server)
        connection.carry(slowly(), told)
        connection.close()
    assert told.left == [2]
    assert told.verdicts == {1: Retry.NEVER if words[:1] == b"5" else Retry.LATER, 2: None}
    assert arrived(server.kept) == [2]


@EVERY_MODE
def test_a_large_message_leaves_but_for_its_last_piece_before_it_may_be_taken(
    offers: tuple[str, ...],
) -> None:
    """A kill in the middle of a large message leaves no doubt about it."""
    data = b"Subject: x\r\n\r\n" + (b".y" + b"z" * 900 + b"\r\n") * 900
    arriving, seen = threading.Event(), []
    told = Told(leaving_before=lambda _number: seen.append(arriving.wait(5)))
    script = lambda stage, _count: arriving.set() if stage == "BODY" else None  # noqa: E731
    with ScriptedServer(script, offers=offers) as server:
        connection = connected(server)
        connection.carry(iter(letters([1], data=data)), told)
        connection.close()
    assert [one.data for one in server.kept] == [data]
    assert seen == [True]


def test_a_server_that_reads_nothing_is_given_up_in_time_and_what_had_left_is_known() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = Wire(ours, 0.1)
        with pytest.raises(LineLost) as caught:
            wire.send((b"x" * 10_000_000, b"end"))
        assert caught.value.cause == SILENT
        ours.close()
        assert caught.value.sent == sum(iter(lambda: len(theirs.recv(1 << 20)), 0))


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_only_a_message_of_which_bytes_are_missing_has_certainly_not_left(
    trusted: Certificate, secure: bool
) -> None:
    """What stands behind it may be lost: it does not matter to the message, whose answer counts."""
    much = b"x" * 10_000_000
    with talking(trusted if secure else None) as (line, theirs):
        line.say_last(b"body\r\n", b".\r\n", behind=much)
        theirs.sendall(b"250 kept\r\n")
        assert line.hear(Stage.DOT, DONE) == b"250 kept"
        assert line.over
    with talking(trusted if secure else None) as (line, _theirs):
        with pytest.raises(Broken) as caught:
            line.say_last(much, b".\r\n", behind=b"MAIL")
        assert caught.value.stage is Stage.BODY


def test_what_tls_says_to_itself_is_not_taken_for_the_servers_word(trusted: Certificate) -> None:
    """After the handshake session tickets lie in the socket (RFC 8446 §4.6.1), and no word."""
    with talking(trusted) as (line, theirs):
        assert not line.has_spoken(Stage.BODY)
        with pytest.raises(Broken) as caught:
            line.hear(Stage.MAIL, DONE)
        assert caught.value.cause == SILENT, "an answer is waited for as before"
        theirs.sendall(b"421 4.3.2 closing\r\n")
        assert line.has_spoken(Stage.BODY)


def test_the_answer_to_a_message_is_waited_for_longer_than_any_other() -> None:
    """RFC 5321 §4.5.3.2.6: whoever gives up too early sends twice."""
    with talking(None) as (line, theirs):
        late = threading.Timer(0.5, theirs.sendall, [b"250 kept\r\n"])
        late.start()
        assert line.hear(Stage.DOT, DONE) == b"250 kept"
        late.join()


@contextmanager
def talking(certificate: Certificate | None) -> Iterator[tuple[Dialogue, socket.socket]]:
    """A line, and its other end, which reads nothing unless told."""
    ours, theirs = socket.socketpair()
    with contextlib.ExitStack() as held:
        held.callback(ours.close)
        if certificate is not None:
            context = certificate.context()
            pair: list[socket.socket] = []
            thread = threading.Thread(target=_shake_hands, args=(context, theirs, pair))
            thread.start()
            ours = ssl.create_default_context().wrap_socket(ours, server_hostname="localhost")
            thread.join()
            theirs = pair[0]
        held.callback(ours.close)
        held.callback(theirs.close)
        wire = wire_of(ours, 0.1)
        yield Dialogue(wire, {}, timeout=0.3, final_timeout=60, hang_up=ours.close), theirs


def _shake_hands(context: ssl.SSLContext, sock: socket.socket, made: list[socket.socket]) -> None:
    made.append(context.wrap_socket(sock, server_side=True))


def test_a_server_that_answers_nothing_is_given_up_at_the_deadline_and_not_before() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = Wire(ours, 0.05)
        start = time.monotonic()
        with pytest.raises(LineLost, match=SILENT):
            wire.receive(start + 0.2)
        assert 0.2 <= time.monotonic() - start < 60
        assert wire.waiting() == b""
        theirs.sendall(b"late")
        assert wire.waiting() == b"late"


_LINES = st.lists(st.sampled_from([b".", b"..", b"\r\n", b"x", b"\r\n."]), max_size=300)


@given(_LINES)
@example([b"."])
@example([b"x.", b"\r\n"] * 70 + [b".end"])
def test_dots_are_doubled_at_the_beginning_of_a_line_and_nowhere_else(pieces: list[bytes]) -> None:
    data = b"".join(pieces) + b"\r\n"
    lines = data.split(b"\r\n")
    assert stuffed(data).split(b"\r\n") == [b"." + x if x[:1] == b"." else x for x in lines]


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"\x85", b"\x0b"]), max_size=30))
def test_a_line_end_that_stands_alone_is_seen(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    rest = data.replace(b"\r\n", b"")
    assert has_bare_line_ends(data) == (b"\r" in rest or b"\n" in rest)
