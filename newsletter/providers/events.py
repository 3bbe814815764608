"""What comes back about a message, as one shape for webhooks of all providers and for mails."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What happened, as far as this newsletter wants to know: never who opened or clicked."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"
    """Not delivered; `permanent` and `status` say of which sort."""
    DEFERRED = "deferred"
    """The provider is still trying; nothing follows from it."""
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    """The reader left at the provider, or by a mail to the return path."""
    OTHER = "other"
    """Of a kind that is not known here: kept, and nothing follows from it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing said about one message. Holds an address only where no repr shows it."""

    kind: Kind
    key: str
    """The other side's own id of this event, the same when it is told again; where it has none, a
    hash of all that tells two events apart."""
    at: datetime | None
    """When it happened, by the other side's clock, aware; None when it does not say."""
    references: tuple[str, ...]
    """Texts in which the delivery may be named (Message-ID, our own reference, return path)."""
    recipient: str = field(default="", repr=False)
    """As reported: for taking it out of `answer`, never for finding anybody."""
    status: str = ""
    """Enhanced status code such as 5.1.1 (RFC 3463)."""
    answer: str = field(default="", repr=False)
    """The other side's words as they came; redacted before they are kept."""
    permanent: bool | None = None
    """The provider's own view of a bounce; `status` outweighs it."""
    raw: bytes = field(default=b"", repr=False)
    """The whole, of a kind that is not known."""
