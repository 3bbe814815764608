"""A POP3 mailbox (RFC 1939): deleting counts only at its QUIT, so there are many short sessions."""

from __future__ import annotations

import poplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

from newsletter.core.bounce_settings import Bounces
from newsletter.core.mailbox_lines import LIMIT, Found, NoLogin, NoStartTls

_SESSION = 200
"""Mails after which what was deleted is made to count: a kill costs no more than reading these."""
_AT_ONCE = 20
_LINES = 2_000
_LONGEST = 1_000_000


class _Patient(poplib.POP3):
    """Takes long lines too; the library gives up at 2048 bytes, and with it the whole line."""

    file: BinaryIO

    def __init__(self, *args: Any, **keys: Any) -> None:
        try:
            super().__init__(*args, **keys)
        except BaseException:  # the library leaves its socket open when it was not greeted
            if hasattr(self, "file"):
                _drop(self)
            raise

    def _getline(self) -> tuple[bytes, int]:
        line = self.file.readline(_LONGEST + 1)
        if not line or len(line) > _LONGEST:
            raise poplib.error_proto("-ERR the line broke off, or has no end")
        return line.rstrip(b"\r\n"), len(line)


class _PatientTls(_Patient, poplib.POP3_SSL):
    pass


class Pop3:
    """A mailbox over as many sessions as it takes; numbers are those of the present one."""

    def __init__(self, settings: Bounces, port: int, context: ssl.SSLContext | None) -> None:
        self._open: Callable[[], poplib.POP3] = lambda: _logged_in(settings, port, context)
        self._client = self._open()
        self._left = 0

    def count(self) -> int:
        """How many mails lie there."""
        return self._client.stat()[0]

    def batches(self) -> Iterator[list[Found]]:
        """Twenty at a time. A mail that is none of ours lies before the next ones for ever."""
        sizes, start = self._sizes(), 0
        while waiting := sizes[start : start + _AT_ONCE]:
            yield [Found(str(number), self._fetched(number, size)) for number, size in waiting]
            start += _AT_ONCE
            if start >= _SESSION + self._left:
                self._renew()
                sizes, start = self._sizes(), self._left

    def settle(self, done: Sequence[str], left: Sequence[str]) -> None:
        """Delete what is done with, at the end of the session."""
        self._left += len(left)
        for number in done:
            self._client.dele(int(number))

    def close(self) -> None:
        """Let the deletions count."""
        try:
            self._client.quit()
        finally:
            _drop(self._client)

    def _renew(self) -> None:
        self.close()
        self._client = self._open()

    def _sizes(self) -> list[tuple[int, int]]:
        """Each mail's number and its bytes."""
        told = (line.split() for line in self._client.list()[1])
        return [(int(number), int(size)) for number, size, *_ in told]

    def _fetched(self, number: int, size: int) -> bytes:
        lines: list[bytes] | None = None
        if size > LIMIT:
            with suppress(poplib.error_proto):  # a server need not know TOP (RFC 1939 §7)
                lines = self._client.top(number, _LINES)[1]
        return b"\n".join(lines or self._client.retr(number)[1])[:LIMIT]


def _logged_in(settings: Bounces, port: int, context: ssl.SSLContext | None) -> poplib.POP3:
    host, seconds = settings.host, settings.timeout
    if settings.security == "tls":
        client: poplib.POP3 = _PatientTls(host, port, timeout=seconds, context=context)
    else:
        client = _Patient(host, port, timeout=seconds)
    try:
        if settings.security == "starttls":
            _start_tls(client, context)
        _log_in(client, settings)
    except BaseException:
        _drop(client)
        raise
    return client


def _drop(client: poplib.POP3) -> None:
    with suppress(OSError):  # after a TLS that failed its socket is none any more
        client.close()


def _start_tls(client: poplib.POP3, context: ssl.SSLContext | None) -> None:
    if "STLS" not in client.capa():
        raise NoStartTls
    client.stls(context)


def _log_in(client: poplib.POP3, settings: Bounces) -> None:
    try:
        client.user(settings.username)
        client.pass_(settings.password)
    except poplib.error_proto:
        raise NoLogin from None
