"""A provider for developers: says on standard output what would leave, without any address."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from typing import TextIO

from newsletter.core.log import redact
from newsletter.providers.base import Envelope, Watch
from newsletter.providers.carrying import one_by_one


class ConsoleProvider:
    """Writes one line for each message; nothing is sent anywhere."""

    name = "console"
    takes_return_path = True
    repeats_safely_for = None

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def connect(self) -> ConsoleConnection:
        """A line to the terminal."""
        return ConsoleConnection(self._stream or sys.stdout)


class ConsoleConnection:
    """One line of text in one write, so that lines of several threads do not mix."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def submit(self, envelope: Envelope, before_body: Callable[[], None]) -> str:
        """Print the subject and the size."""
        before_body()
        size = len(envelope.data) / 1000
        line = f"delivery {envelope.delivery_id}: {_subject(envelope.data)} ({size:.1f} kB)\n"
        self._stream.write(line)
        self._stream.flush()
        return "250 2.0.0 printed"

    def carry(self, envelopes: Iterator[Envelope], watch: Watch) -> None:
        """One after the other."""
        one_by_one(self, envelopes, watch)

    def close(self) -> None:
        """Nothing to end."""


def _subject(data: bytes) -> str:
    raw = str(BytesHeaderParser().parsebytes(data).get("Subject", ""))
    try:
        text = str(make_header(decode_header(raw)))
    except (HeaderParseError, LookupError, UnicodeDecodeError):
        text = raw
    return redact(" ".join(text.split()))
