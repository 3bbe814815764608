"""Which delivery a returned mail is about: only tokens of ours name one, never an address. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from newsletter.delivery.message_ids import MESSAGE, RETURN_PATH, delivery_of, unique
from newsletter.delivery.returning.mail import (
    HEADER,
    Fields,
    Mail,
    decoded,
    fields_of,
    first,
)

_RECEIVED_AT = (
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-delivered-to",
    "original-recipient",
)
"""Put there by the server that took the mail in; `To` is written by whoever sent it."""
_FOR = re.compile(r"\sfor\s+<?([^\s<>;]+)", re.IGNORECASE)
_ORIGINAL = (
    "message/rfc822",
    "message/global",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global-headers",
)
_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Named:
    """What names the delivery."""

    path: int | None = None
    """By our token in the address to which the mail came."""
    message: int | None = None
    """By the Message-ID of our message that came back with it."""

    @property
    def contradicts(self) -> bool:
        """Whether it names two deliveries, as no mail server would."""
        return None not in (self.path, self.message) and self.path != self.message

    def references(self, secret: bytes) -> tuple[str, ...]:
        """What an event is to name: our own tokens anew, and nothing of what stood around them."""
        if self.path is not None:
            return (unique(secret, self.path, RETURN_PATH),)
        return () if self.message is None else (unique(secret, self.message, MESSAGE),)


def received_path(fields: Fields, secret: bytes) -> int | None:
    """The delivery whose return path received this mail."""
    return next(filter(None, (_path(text, secret) for text in _receivers(fields))), None)


def original_of(mail: Mail) -> Fields:
    """The header of the message that was returned in a part of its own."""
    part = mail.part(*_ORIGINAL)
    return fields_of(decoded(part.body[:HEADER])) if part else {}


def message_named(original: Fields, secret: bytes) -> int | None:
    """The delivery that was returned, by its Message-ID."""
    return delivery_of(secret, first(original, "message-id").lower(), MESSAGE)


def path_named(values: list[str], secret: bytes) -> int | None:
    """The delivery whose return path stands in one of these values."""
    return next(filter(None, (_path(value, secret) for value in values[:_LOOKED_AT])), None)


def _receivers(fields: Fields) -> Iterator[str]:
    for name in _RECEIVED_AT:
        yield from fields.get(name, [])[:_LOOKED_AT]
    for value in fields.get("received", [])[:_LOOKED_AT]:
        yield from (match[1] for match in _FOR.finditer(value))
    for name in ("to", "cc"):
        yield from fields.get(name, [])[:_LOOKED_AT]


def _path(text: str, secret: bytes) -> int | None:
    # A mailbox may come back in capitals: many servers do not tell `a@` from `A@`.
    return delivery_of(secret, text.lower(), RETURN_PATH)
