"""The contract of a webhook: bytes from outside become events, or are refused.

A provider's hook is one class that proves where a body came from (`prove`) and reads it
(`told`). The proof is over the bytes as they came, before anything in them is believed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from newsletter.providers.events import Event, Kind
from newsletter.providers.hook_values import at_epoch, hashed, read

OURS = "5.7.0"
"""RFC 3463's word for "by policy": stands where a provider refused what we sent, or a receiver our
network, without a status of its own, so that it is never held against a reader."""
_MOST_EVENTS = 5_000
_LONGEST_RAW = 65_536
_AHEAD = timedelta(minutes=15)


class Refused(Exception):
    """Not from whom it says, or not meant for us; the text is ours and holds nothing of it."""


class Unavailable(Exception):
    """It could not be proved now, through no fault of its sender: it should be told again."""


class Hook(ABC):
    """One provider's webhook, with its section of the settings."""

    needs: ClassVar[tuple[str, ...]]
    """Settings of its section without which the hook is closed."""

    def __init__(self, section: Any) -> None:
        self._section = section

    @property
    def lacks(self) -> tuple[str, ...]:
        """The settings of its section that keep it closed; nothing while it is open."""
        return tuple(one for one in self.needs if not getattr(self._section, one))

    def hear(self, raw: bytes, headers: Mapping[str, str], now: datetime) -> list[Event]:
        """What was told, in any shape; header names in lower case.

        Raises Refused when it is not proved, Unavailable when that cannot be said now. What is
        proved but not understood is one Event of kind OTHER with the whole in it.
        """
        said = self.prove(raw, headers, now)
        found = read(raw) if said is None else said
        entries = found if isinstance(found, list) else [found]
        if found is None or len(entries) > _MOST_EVENTS:
            return [other(raw)]
        return [event for one in entries for event in self._events(one, headers)]

    @abstractmethod
    def prove(self, raw: bytes, headers: Mapping[str, str], now: datetime) -> object | None:
        """Refused unless these bytes are theirs; what was read on the way, if that was needed."""

    @abstractmethod
    def told(self, one: Mapping[str, Any], headers: Mapping[str, str]) -> Iterable[Event]:
        """The events in one entry: none of what is dropped, kind OTHER for what is not known."""

    def _events(self, one: object, headers: Mapping[str, str]) -> Iterator[Event]:
        if not isinstance(one, Mapping):
            yield other(_bytes(one))
            return
        for event in self.told(one, headers):
            yield replace(event, raw=_bytes(one)) if event.kind is Kind.OTHER else event


class SecretHook(Hook):
    """The hook of a provider that signs nothing: a secret in its address is all there is."""

    needs = ("webhook_secret",)

    def prove(self, raw: bytes, headers: Mapping[str, str], now: datetime) -> None:
        """By the password of Basic, or by Bearer."""
        require_secret(headers, self._section.webhook_secret)


def other(raw: bytes) -> Event:
    """What is proved and not understood: kept as it came."""
    key = hashlib.sha256(raw).hexdigest()
    return Event(Kind.OTHER, key, None, (), raw=raw[:_LONGEST_RAW])


def _bytes(one: object) -> bytes:
    try:
        return json.dumps(one).encode()[:_LONGEST_RAW]
    except (ValueError, RecursionError):
        return b""


def keyed(kind: Kind, one: object, *fields: object) -> str:
    """A key for what has no id: of the fields that stay when it is told again.

    Of a kind that is not known, nobody knows which those are: then the whole.
    """
    return hashed(one) if kind is Kind.OTHER else hashed(*fields)


def require_secret(headers: Mapping[str, str], secret: str) -> None:
    """Basic with the secret as password, as of an address https://any:SECRET@…, or Bearer."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            given = ""
    elif scheme.lower() != "bearer":
        given = ""
    if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
        raise Refused("its secret is missing or wrong")


def require_recent(
    timestamp: object, now: datetime, oldest: timedelta, *, per_second: int = 1
) -> None:
    """Within `oldest` and not in the future, as far as two clocks agree."""
    at = at_epoch(timestamp, per_second=per_second)
    if at is None or not -min(_AHEAD, oldest) <= now - at <= oldest:
        raise Refused("its time is missing or too far from ours")
