"""One SMTP transaction, stage by stage, on a socket that smtplib opened.

smtplib raises the same error whether the line broke before or after the final dot; here each
failure knows its stage. Lock-step: each command waits for its answer. PIPELINING would change
`transact` only: write the three commands at once, read the three answers in the same order.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping

from newsletter.providers.smtp_answers import Broken, Refused, Reply, Stage

_LONGEST_REPLY = 65536
"""RFC 5321 §4.5.3.1.5 allows 512 bytes a line; real servers write more, none this much."""
_CHUNK = 65536
_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)

LOST = "hung up"
SILENT = "did not answer in time"
GARBAGE = "did not speak SMTP"


class Dialogue:
    """An open, greeted and logged-in line; `features` are the EHLO words in lower case."""

    def __init__(
        self,
        sock: socket.socket,
        features: Mapping[str, str],
        *,
        timeout: float,
        final_timeout: float,
        hang_up: Callable[[], None],
    ) -> None:
        self.features = features
        self._sock = sock
        self._timeout = timeout
        self._final_timeout = final_timeout
        self._hang_up = hang_up
        self._buffer = bytearray()
        with contextlib.suppress(OSError):
            # The final dot is a small write after a large one: Nagle would hold it for 40 ms.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def transact(
        self, mail: bytes, rcpt: bytes, data: bytes, before_body: Callable[[], None]
    ) -> Reply:
        """Hand over one message; `data` is dot-stuffed and ends with CRLF.

        Raises Refused or Broken with the stage, and whatever `before_body` raises: then the
        server waits for a body that never comes, and the line must be dropped.
        """
        self._command(Stage.MAIL, mail, (250,))
        self._command(Stage.RCPT, rcpt, (250, 251, 252))
        self._command(Stage.DATA, b"DATA", (354,))
        before_body()
        self._send_body(data)
        self._send(Stage.DOT, b".\r\n")
        return self._answer(Stage.DOT, (250,), self._final_timeout)

    def reset(self) -> bool:
        """Forget a half transaction; False when the line is no longer usable."""
        try:
            self._command(Stage.MAIL, b"RSET", (250,))
        except (Refused, Broken):
            return False
        return True

    def quit(self) -> None:
        """End politely, waiting a moment for the goodbye; never raises."""
        self._timeout = min(self._timeout, 2.0)
        with contextlib.suppress(Refused, Broken):
            self._command(Stage.MAIL, b"QUIT", (221,))
        self.drop()

    def drop(self) -> None:
        """Hang up at once: what was begun is not taken (RFC 5321 §4.1.1.4)."""
        self._hang_up()

    def _command(self, stage: Stage, line: bytes, wanted: tuple[int, ...]) -> Reply:
        self._send(stage, line + b"\r\n")
        return self._answer(stage, wanted, self._timeout)

    def _answer(self, stage: Stage, wanted: tuple[int, ...], limit: float) -> Reply:
        reply = self._reply(stage, limit)
        if reply.code in wanted:
            return reply
        if reply.code < 400:
            raise Broken(stage, GARBAGE)
        raise Refused(stage, reply)

    def _send(self, stage: Stage, data: bytes | memoryview) -> None:
        try:
            self._sock.settimeout(self._timeout)
            self._sock.sendall(data)
        except TimeoutError:
            raise Broken(stage, SILENT) from None
        except OSError:
            raise Broken(stage, LOST) from None

    def _send_body(self, data: bytes) -> None:
        """All but the dot. A server that speaks or hangs up meanwhile has not taken it."""
        view = memoryview(data)
        try:
            for start in range(0, len(view), _CHUNK):
                self._send(Stage.BODY, view[start : start + _CHUNK])
        except Broken:
            self._refused_early()
            raise
        self._refused_early()

    def _refused_early(self) -> None:
        try:
            self._sock.settimeout(0)
            chunk = self._sock.recv(4096)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:
            raise Broken(Stage.BODY, LOST) from None
        if not chunk:
            raise Broken(Stage.BODY, LOST)
        self._buffer += chunk
        self._answer(Stage.BODY, (), self._timeout)

    def _reply(self, stage: Stage, limit: float) -> Reply:
        deadline = time.monotonic() + limit
        lines: list[bytes] = []
        codes: set[bytes] = set()
        size = 0
        while True:
            line = self._line(stage, deadline)
            match = _REPLY_LINE.fullmatch(line)
            size += len(line)
            if match is None or size > _LONGEST_REPLY:
                raise Broken(stage, GARBAGE)
            codes.add(match[1])
            lines.append((match[3] or b"").strip())
            if match[2] != b"-":
                break
        if len(codes) > 1:
            raise Broken(stage, GARBAGE)
        return Reply(int(codes.pop()), b" ".join(lines).decode("utf-8", "replace"))

    def _line(self, stage: Stage, deadline: float) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _LONGEST_REPLY:
                raise Broken(stage, GARBAGE)
            self._buffer += self._receive(stage, deadline)
        line = bytes(self._buffer[:end]).rstrip(b"\r")
        del self._buffer[: end + 1]
        return line

    def _receive(self, stage: Stage, deadline: float) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0:
            raise Broken(stage, SILENT)
        try:
            self._sock.settimeout(left)
            chunk = self._sock.recv(4096)
        except TimeoutError:
            raise Broken(stage, SILENT) from None
        except OSError:
            raise Broken(stage, LOST) from None
        if not chunk:
            raise Broken(stage, LOST)
        return chunk


def stuffed(data: bytes) -> bytes:
    """The message as DATA wants it: leading dots doubled, CRLF at the end (RFC 5321 §4.5.2)."""
    doubled = data.replace(b"\r\n.", b"\r\n..")
    if doubled.startswith(b"."):
        doubled = b"." + doubled
    return doubled if doubled.endswith(b"\r\n") else doubled + b"\r\n"


def has_bare_line_ends(data: bytes) -> bool:
    """A lone CR or LF: some servers take it for a line end, which lets mail be smuggled."""
    pairs = data.count(b"\r\n")
    return data.count(b"\n") != pairs or data.count(b"\r") != pairs
