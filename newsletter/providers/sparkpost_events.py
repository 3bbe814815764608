"""What SparkPost tells: a list of `{"msys": {class: event}}`; an empty `msys` is a ping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from newsletter.providers import hook_values as values
from newsletter.providers.events import Event, Kind
from newsletter.providers.hook import OURS, SecretHook, keyed
from newsletter.providers.hook_values import at_epoch, at_iso, hashed, inside, status_in, word

_KINDS = {
    "injection": Kind.DEFERRED,
    "delay": Kind.DEFERRED,
    "delivery": Kind.DELIVERED,
    "bounce": Kind.BOUNCED,
    "out_of_band": Kind.BOUNCED,
    "policy_rejection": Kind.BOUNCED,
    "generation_failure": Kind.BOUNCED,
    "generation_rejection": Kind.BOUNCED,
    "spam_complaint": Kind.COMPLAINED,
    "list_unsubscribe": Kind.UNSUBSCRIBED,
    "link_unsubscribe": Kind.UNSUBSCRIBED,
}
_HARD = frozenset({"10", "30"})
"""Invalid recipient, no RCPT."""
_SAYS_NOTHING = frozenset({"1", "40"})
_OURS = frozenset({"25", "50", "51", "52", "53", "54"})
"""Configured policy, and blocks for our network or what we wrote."""
_NO_BOUNCE = frozenset({"60", "80", "100"})
"""Vacation replies, subscribing, challenges."""
_LEFT = "90"


class SparkPostHook(SecretHook):
    """One account."""

    def told(self, one: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[Event]:
        """The event of each class in it, which is one, and none in a ping."""
        inner = one.get("msys")
        if not isinstance(inner, Mapping):
            yield Event(Kind.OTHER, hashed(one), None, ())
            return
        for group, about in inner.items():
            if group != "track_event":
                yield from _event(about)


def _event(about: object) -> Iterator[Event]:
    name, sort = word(inside(about, "type")), word(inside(about, "bounce_class"))
    is_bounce = _KINDS.get(name) is Kind.BOUNCED
    if values.is_watching(name) or (is_bounce and sort in _NO_BOUNCE):
        return
    kind = Kind.UNSUBSCRIBED if is_bounce and sort == _LEFT else _KINDS.get(name, Kind.OTHER)
    recipient = word(inside(about, "raw_rcpt_to")) or word(inside(about, "rcpt_to"))
    answer = word(inside(about, "raw_reason")) or word(inside(about, "reason"))
    identifier, at = word(inside(about, "event_id")), inside(about, "timestamp")
    message = word(inside(about, "message_id"))
    yield Event(
        kind=kind,
        key=identifier or keyed(kind, about, name, message, recipient, at),
        at=at_epoch(at) or at_iso(at),
        references=values.references(
            inside(about, "rcpt_meta"),
            message,
            inside(about, "transmission_id"),
        ),
        recipient=recipient,
        status=status_in(answer) or (OURS if is_bounce and _is_ours(name, sort) else ""),
        answer=answer,
        permanent=_permanent(sort) if is_bounce else None,
    )


def _is_ours(name: str, sort: str) -> bool:
    return sort in _OURS or name.startswith("generation")


def _permanent(sort: str) -> bool | None:
    if sort in _HARD:
        return True
    return None if sort in _SAYS_NOTHING or not sort else False
