"""What Brevo tells: single objects without an id, in no order. `ts_epoch` is the only time that is
not in somebody's zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from newsletter.providers import hook_values as values
from newsletter.providers.events import Event, Kind
from newsletter.providers.hook import OURS, SecretHook, keyed
from newsletter.providers.hook_values import at_epoch, status_in, word

_KINDS = {
    "request": Kind.DEFERRED,
    "deferred": Kind.DEFERRED,
    "delivered": Kind.DELIVERED,
    "hard_bounce": Kind.BOUNCED,
    "soft_bounce": Kind.BOUNCED,
    "invalid_email": Kind.BOUNCED,
    "blocked": Kind.BOUNCED,
    "error": Kind.BOUNCED,
    "spam": Kind.COMPLAINED,
    "complaint": Kind.COMPLAINED,
    "unsubscribe": Kind.UNSUBSCRIBED,
    "unsubscribed": Kind.UNSUBSCRIBED,
}
_STABLE = ("message-id", "email", "ts_epoch")
_PERMANENT = {"hard_bounce": True, "invalid_email": True, "soft_bounce": False, "error": False}


class BrevoHook(SecretHook):
    """One account."""

    def told(self, one: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[Event]:
        """The one event. Told again it is the same in these fields."""
        name = word(one.get("event"))
        if values.is_watching(name):
            return
        answer = word(one.get("reason"))
        kind = _KINDS.get(name, Kind.OTHER)
        yield Event(
            kind=kind,
            key=keyed(kind, one, name, *(one.get(field) for field in _STABLE)),
            at=at_epoch(one.get("ts_epoch"), per_second=1000),
            references=values.references(
                *(one.get(field) for field in ("X-Mailin-custom", "message-id", "tags", "tag"))
            ),
            recipient=word(one.get("email")),
            status=OURS if name == "error" else status_in(answer),
            answer=answer,
            permanent=_PERMANENT.get(name),
        )
