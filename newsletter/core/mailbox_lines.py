"""What the two protocols of a mailbox have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

LIMIT = 512_000
"""Bytes of one mail that are read: a report stands before the message it returns."""


@dataclass(frozen=True, slots=True)
class Found:
    """A mail in the mailbox; its number is good for as long as this line is open."""

    number: str
    data: bytes = field(repr=False)


class Line(Protocol):
    """An open line, whose errors are those of the libraries and these below."""

    def count(self) -> int:
        """How many mails lie there."""

    def batches(self) -> Iterator[list[Found]]:
        """Some mails at a time, none of which was left before; all are settled before the next."""

    def settle(self, done: Sequence[str], left: Sequence[str]) -> None:
        """Be done with some, and leave the others."""

    def close(self) -> None:
        """End politely."""


class NoLogin(OSError):
    """The server does not know the name, or not with this password."""


class NoStartTls(OSError):
    """The server, or somebody before it, does not offer what is required."""


class NoFolder(OSError):
    """There is no such folder, or it cannot be written."""

    def __init__(self, name: str, key: str) -> None:
        self.name = name
        self.key = key
        super().__init__(name)
