"""Bytes out and in on a socket that smtplib opened, within time limits and with few system calls.

A plain socket is left blocking and the kernel keeps its time limits: a Python time-out would ask
the kernel twice for every read and write. Each loss says how many bytes had left before it.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import time
from collections.abc import Sequence

LOST = "hung up"
SILENT = "did not answer in time"
_BITE = 4096
_RECORD = 16384
"""The largest TLS record: what is written in one go is either there as a whole or not at all."""


class LineLost(Exception):
    """The line can no longer be used; `sent` bytes of the last writing had left."""

    def __init__(self, cause: str, sent: int = 0) -> None:
        self.cause, self.sent = cause, sent
        super().__init__(cause, sent)


class Wire:
    """A plain socket."""

    def __init__(self, sock: socket.socket, patience: float) -> None:
        """`patience`: seconds after which a write, or a read, that moves nothing is given up."""
        self._sock = sock
        self._patience = patience
        self._readable = select.poll()
        self._readable.register(sock, select.POLLIN)
        with contextlib.suppress(OSError):
            # The final dot may be a small write after a large one: Nagle would hold it for 40 ms.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._limit(patience)

    def _limit(self, seconds: float) -> None:
        whole = int(seconds)
        limit = struct.pack("ll", whole, max(int((seconds - whole) * 1e6), 0 if whole else 1))
        self._sock.settimeout(None)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def send(self, parts: Sequence[bytes | memoryview]) -> None:
        """All of it; LineLost says how much of it had left."""
        whole = sum(map(len, parts))
        sent = self._some(parts, 0)
        while sent < whole:
            rest = memoryview(b"".join(parts))[sent:]
            sent += self._some([rest], sent)

    def _some(self, parts: Sequence[bytes | memoryview], before: int) -> int:
        try:
            return self._sock.sendmsg(parts)
        except (TimeoutError, BlockingIOError):
            raise LineLost(SILENT, before) from None
        except OSError:
            raise LineLost(LOST, before) from None

    def receive(self, deadline: float) -> bytes:
        """What has come, at least one byte; waits for it until this instant of the clock."""
        while True:
            try:
                chunk = self._sock.recv(_BITE)
            except (TimeoutError, BlockingIOError):
                left = deadline - time.monotonic()
                if left <= 0 or not self._readable.poll(left * 1000):
                    raise LineLost(SILENT) from None
                continue
            except OSError:
                raise LineLost(LOST) from None
            if not chunk:
                raise LineLost(LOST)
            return chunk

    def waiting(self) -> bytes:
        """What has come already, or nothing."""
        return self.receive(0.0) if self._readable.poll(0) else b""


class SecureWire(Wire):
    """A socket with TLS. OpenSSL would take no notice of the kernel's time limits."""

    _sock: ssl.SSLSocket

    def _limit(self, seconds: float) -> None:
        self._sock.settimeout(seconds)

    def send(self, parts: Sequence[bytes | memoryview]) -> None:
        """All of it, record by record, so that it is known which of them had left."""
        data = memoryview(b"".join(parts))
        sent = 0
        try:
            while sent < len(data):
                sent += self._sock.send(data[sent : sent + _RECORD])
        except TimeoutError:
            raise LineLost(SILENT, sent) from None
        except OSError:
            raise LineLost(LOST, sent) from None

    def waiting(self) -> bytes:
        """What has come already; what OpenSSL holds is no longer seen in the socket."""
        return self._at_hand() if self._sock.pending() or self._readable.poll(0) else b""

    def _at_hand(self) -> bytes:
        """A readable socket may hold nothing for us: a key, half a record."""
        self._sock.settimeout(0)
        try:
            chunk = self._sock.recv(_BITE)
        except ssl.SSLWantReadError:
            return b""
        except OSError:
            raise LineLost(LOST) from None
        finally:
            self._sock.settimeout(self._patience)
        if not chunk:
            raise LineLost(LOST)
        return chunk


def wire_of(sock: socket.socket, patience: float) -> Wire:
    """The wire for this kind of socket."""
    kind = SecureWire if isinstance(sock, ssl.SSLSocket) else Wire
    return kind(sock, patience)
