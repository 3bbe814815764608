"""What Postmark tells: one object with a `RecordType`, and a `Type` for each sort of bounce."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from newsletter.providers import hook_values as values
from newsletter.providers.events import Event, Kind
from newsletter.providers.hook import OURS, SecretHook, keyed
from newsletter.providers.hook_values import at_iso, status_in, word
from newsletter.providers.references import NAME

_BOUNCES: Mapping[str, tuple[Kind, bool | None]] = {
    "HardBounce": (Kind.BOUNCED, True),
    "BadEmailAddress": (Kind.BOUNCED, True),
    "SoftBounce": (Kind.BOUNCED, False),
    "Unknown": (Kind.BOUNCED, None),
    "Transient": (Kind.DEFERRED, None),
    "DnsError": (Kind.DEFERRED, None),
    "Blocked": (Kind.BOUNCED, False),
    "SpamNotification": (Kind.BOUNCED, False),
    "VirusNotification": (Kind.BOUNCED, False),
    "DMARCPolicy": (Kind.BOUNCED, False),
    "SpamComplaint": (Kind.COMPLAINED, None),
    "Unsubscribe": (Kind.UNSUBSCRIBED, None),
}
_OURS = frozenset({"Blocked", "SpamNotification", "VirusNotification", "DMARCPolicy"})
_NOTHING = frozenset(
    {"AutoResponder", "AddressChange", "ChallengeVerification", "OpenRelayTest", "Subscribe"}
)
"""Replies of machines, and the like."""
_TIMES = ("DeliveredAt", "BouncedAt", "ChangedAt", "ReceivedAt")


class PostmarkHook(SecretHook):
    """One server."""

    def told(self, one: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[Event]:
        """The one event; what changed at a list of theirs is none when somebody came back."""
        record, sort = word(one.get("RecordType")), word(one.get("Type"))
        back = record == "SubscriptionChange" and one.get("SuppressSending") is False
        if values.is_watching(record) or sort in _NOTHING or back:
            return
        kind, permanent = _judged(record, sort, one)
        recipient = word(one.get("Email")) or word(one.get("Recipient"))
        time = next((one[name] for name in _TIMES if one.get(name)), None)
        answer = word(one.get("Details")) or word(one.get("Description"))
        yield Event(
            kind=kind,
            key=_key(kind, recipient, time, one),
            at=at_iso(time),
            references=values.references(
                values.inside(one, "Metadata", NAME), one.get("MessageID")
            ),
            recipient=recipient,
            status=status_in(answer) or (OURS if sort in _OURS else ""),
            answer=answer,
            permanent=permanent,
        )


def _judged(record: str, sort: str, one: Mapping[str, Any]) -> tuple[Kind, bool | None]:
    if record == "Delivery":
        return Kind.DELIVERED, None
    if record == "SpamComplaint":
        return Kind.COMPLAINED, None
    if record == "Bounce":
        return _BOUNCES.get(sort, (Kind.OTHER, None))
    if record == "SubscriptionChange":
        return _left(word(one.get("SuppressionReason")), word(one.get("Origin")))
    return Kind.OTHER, None


def _left(reason: str, origin: str) -> tuple[Kind, bool | None]:
    """Taken off by hand counts only when the reader did it, and not somebody at Postmark."""
    if reason == "ManualSuppression":
        return (Kind.UNSUBSCRIBED if origin == "Recipient" else Kind.OTHER), None
    return _BOUNCES.get(reason, (Kind.OTHER, None))


def _key(kind: Kind, recipient: str, time: object, one: Mapping[str, Any]) -> str:
    """Bounces and complaints have a number, deliveries and changes have none."""
    record, reason = word(one.get("RecordType"), 40), word(one.get("SuppressionReason"))
    if number := word(one.get("ID"), 40):
        return f"{record}/{number}"
    return keyed(kind, one, record, one.get("MessageID"), recipient, time, reason)
