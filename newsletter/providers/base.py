"""The contract that each provider passes.

A provider says yes by returning its answer, and anything else by `ProviderError` whose
`retry` is the whole truth about what may have happened:
LATER or NEVER only when the message certainly was not taken, UNKNOWN whenever it may have been.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from newsletter.core.addresses import Address
from newsletter.core.errors import ProviderError, Retry


class NotConnected(ProviderError):
    """There is no line to the provider; nothing was said about any message."""

    def __init__(self, message: str, *, answer: str = "", halts: bool = False) -> None:
        super().__init__(message, retry=Retry.LATER, answer=answer, halts=halts)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message on its way: `data` is the whole message in wire form (CRLF, not dot-stuffed)."""

    delivery_id: int
    sender: str
    recipient: Address
    data: bytes


class Connection(Protocol):
    """One line to a provider, used by one thread; kept open over many messages."""

    def submit(self, envelope: Envelope, before_body: Callable[[], None]) -> str:
        """Hand over one message and return the provider's answer in its own words.

        `before_body` is called once, after everything that can be refused early was accepted
        and before the first byte of the message leaves; what it raises goes through and nothing
        of the message has left then. Raises ProviderError; NotConnected when the line had to
        be opened anew and could not.
        """

    def close(self) -> None:
        """End politely; never raises."""


class Provider(Protocol):
    """Something that takes mail."""

    name: str

    @property
    def repeats_safely_for(self) -> timedelta | None:
        """How long after a first try the same envelope may be handed over again for certain.

        It knows a message again by a key made from its Message-ID, so that within this time an
        UNKNOWN is settled by trying once more. None: a second try may be a second mail.
        """

    def connect(self) -> Connection:
        """A line for one thread; NotConnected, perhaps with `halts`, when there is none."""
