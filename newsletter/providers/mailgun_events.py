"""What Mailgun tells, one event at a time.

Its signature covers a time and a token but not the body. So the token is the event's key, which
makes a second use no second event, and a secret in the hook's address stands besides.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from newsletter.providers import hook_values as values
from newsletter.providers.events import Event, Kind
from newsletter.providers.hook import OURS, Hook, Refused, require_recent, require_secret
from newsletter.providers.hook_values import at_epoch, inside, status_in, word

_OLDEST = timedelta(days=1)
"""It goes on telling for eight hours."""
_KINDS = {
    "accepted": Kind.DEFERRED,
    "delivered": Kind.DELIVERED,
    "failed": Kind.BOUNCED,
    "rejected": Kind.BOUNCED,
    "complained": Kind.COMPLAINED,
    "unsubscribed": Kind.UNSUBSCRIBED,
}
_SUPPRESSED = {
    "suppress-complaint": Kind.COMPLAINED,
    "suppress-unsubscribe": Kind.UNSUBSCRIBED,
}
"""Failed because of what the reader did there before."""
_GAVE_UP = frozenset({"old", "greylisted", "espblock"})
"""Permanent to Mailgun, but it says nothing against the address."""


class MailgunHook(Hook):
    """One domain's hook; each event comes by itself."""

    needs = ("webhook_key", "webhook_secret")

    def prove(self, raw: bytes, headers: Mapping[str, str], now: datetime) -> object:
        """The address's secret before anything is read, then the signature inside."""
        require_secret(headers, self._section.webhook_secret)
        said = values.read(raw)
        signature = inside(said, "signature")
        stamp, token = (word(inside(signature, name), 200) for name in ("timestamp", "token"))
        given = word(inside(signature, "signature"), 200)
        key = self._section.webhook_key.encode()
        wanted = hmac.new(key, f"{stamp}{token}".encode(), "sha256").hexdigest()
        if not token or not hmac.compare_digest(given.encode(), wanted.encode()):
            raise Refused("its signature does not match")
        require_recent(stamp, now, _OLDEST)
        return said

    def told(self, one: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[Event]:
        """The one event in it."""
        about = inside(one, "event-data")
        name = word(inside(about, "event"))
        if values.is_watching(name):
            return
        status = inside(about, "delivery-status")
        yield Event(
            kind=_kind(name, about),
            key=word(inside(one, "signature", "token"), 200),
            at=at_epoch(inside(about, "timestamp")),
            references=values.references(
                inside(about, "user-variables"),
                inside(about, "message", "headers", "message-id"),
                inside(about, "id"),
            ),
            recipient=word(inside(about, "recipient")),
            status=_status(name, status),
            answer=_answer(about, status),
            permanent=_permanent(about, status),
        )


def _kind(name: str, about: object) -> Kind:
    if name == "failed" and word(inside(about, "severity")) == "temporary":
        return Kind.DEFERRED
    if name == "failed" and (found := _SUPPRESSED.get(word(inside(about, "reason")))):
        return found
    return _KINDS.get(name, Kind.OTHER)


def _permanent(about: object, status: object) -> bool | None:
    severity, sort = word(inside(about, "severity")), word(inside(status, "bounce-type"))
    if severity != "permanent":
        return False if severity else None
    if word(inside(about, "reason")) in _GAVE_UP:
        return False
    return sort != "soft"


def _status(name: str, status: object) -> str:
    if name == "rejected":
        return OURS
    texts = (inside(status, one) for one in ("enhanced-code", "message", "description"))
    return status_in(*map(word, texts))


def _answer(about: object, status: object) -> str:
    texts = (inside(status, "message"), inside(status, "description"))
    words = next(filter(None, (word(text, 1_500) for text in texts)), "")
    code = word(inside(status, "code"), 10)
    if words:
        return words if not code or words.startswith(code) else f"{code} {words}"
    return word(inside(about, "reject", "reason")) or word(inside(about, "reason"))
