"""The contract that each provider passes.

A provider says yes by returning its answer, and anything else by `ProviderError` whose
`retry` is the whole truth about what may have happened:
LATER or NEVER only when the message certainly was not taken, UNKNOWN whenever it may have been.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import NamedTuple, Protocol

from newsletter.core.addresses import Address
from newsletter.core.errors import ProviderError, Retry


class NotConnected(ProviderError):
    """There is no line to the provider; nothing was said about any message."""

    def __init__(self, message: str, *, answer: str = "", halts: bool = False) -> None:
        super().__init__(message, retry=Retry.LATER, answer=answer, halts=halts)


class Envelope(NamedTuple):
    """One message on its way: `data` is the whole message in wire form (CRLF, not dot-stuffed)."""

    delivery_id: int
    sender: str
    recipient: Address
    data: bytes
    ready: bool = False
    """Whoever made `data` answers for it: every line ends with CRLF and none begins with a dot, so
    that nobody looks at its bytes again."""


class Watch(Protocol):
    """Who hears what becomes of each message while many are carried over one line."""

    def leaving(self, envelope: Envelope) -> None:
        """The last bytes of this message are about to leave: from here on it may be taken.

        What it raises goes through `carry`, and nothing of this message is taken then.
        """

    def taken(self, envelope: Envelope, answer: str) -> None:
        """The provider said yes."""

    def failed(self, envelope: Envelope, error: ProviderError) -> None:
        """The provider did not say yes; `error.retry` is the whole truth."""


class Connection(Protocol):
    """One line to a provider, used by one thread; kept open over many messages."""

    def carry(self, envelopes: Iterator[Envelope], watch: Watch) -> None:
        """Hand over one message after the other as fast as the line allows.

        The next envelope may be asked for while an answer is still out, but its body leaves only
        after `leaving`. Each envelope that was asked for hears exactly one of `taken` and `failed`,
        in order, unless `carry` raises (NotConnected; whatever `leaving` or the iterator raised):
        then every one that left has been told, and those untold, the last one or two that were
        asked for, have certainly not left. A line that breaks is told to the message it broke
        under, and opened anew for the next. Ends when the iterator does, with no answer
        outstanding.
        """

    def submit(self, envelope: Envelope, before_body: Callable[[], None]) -> str:
        """Hand over one message and return the provider's answer in its own words.

        `before_body` is called once, after everything that can be refused early was accepted
        and before the last bytes of the message leave; what it raises goes through and nothing
        of the message is taken then. Raises ProviderError; NotConnected when the line had to
        be opened anew and could not.
        """

    def close(self) -> None:
        """End politely; never raises."""


class Provider(Protocol):
    """Something that takes mail."""

    name: str
    takes_return_path: bool
    """Bounces go to the envelope's sender, so each message may have a return path of its own."""

    @property
    def repeats_safely_for(self) -> timedelta | None:
        """How long after a first try the same envelope may be handed over again for certain.

        It knows a message again by a key made from its Message-ID, so that within this time an
        UNKNOWN is settled by trying once more. None: a second try may be a second mail.
        """

    def connect(self) -> Connection:
        """A line for one thread; NotConnected, perhaps with `halts`, when there is none."""
