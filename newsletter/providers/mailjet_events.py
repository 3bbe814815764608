"""What Mailjet tells of mail that it relays for us by SMTP: a list or a single object, no id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from newsletter.providers import hook_values as values
from newsletter.providers.events import Event, Kind
from newsletter.providers.hook import OURS, SecretHook, keyed
from newsletter.providers.hook_values import at_epoch, status_in, word

_KINDS = {
    "sent": Kind.DELIVERED,
    "bounce": Kind.BOUNCED,
    "blocked": Kind.BOUNCED,
    "spam": Kind.COMPLAINED,
    "unsub": Kind.UNSUBSCRIBED,
}
_OURS = frozenset({"spam", "content", "mailjet", "system", "policy"})
"""What an error is related to, when it is not the reader or their domain."""
_REFERENCES = ("CustomID", "Payload", "Message_GUID", "MessageID")
_STABLE = ("event", "MessageID", "Message_GUID", "email", "time", "error")


class MailjetHook(SecretHook):
    """One account."""

    def told(self, one: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[Event]:
        """The one event; greylisting is told as a bounce that is none yet."""
        name, error = word(one.get("event")), word(one.get("error"))
        if values.is_watching(name):
            return
        hard = one.get("hard_bounce") is True
        kind = _KINDS.get(name, Kind.OTHER)
        waits = kind is Kind.BOUNCED and error == "greylisted" and not hard
        answer = word(one.get("smtp_reply")) or word(one.get("comment")) or error
        ours = kind is Kind.BOUNCED and word(one.get("error_related_to")) in _OURS
        yield Event(
            kind=Kind.DEFERRED if waits else kind,
            key=keyed(kind, one, *(one.get(field) for field in _STABLE)),
            at=at_epoch(one.get("time")),
            references=values.references(*(one.get(field) for field in _REFERENCES)),
            recipient=word(one.get("email")),
            status=status_in(answer) or (OURS if ours else ""),
            answer=answer,
            permanent=hard if kind is Kind.BOUNCED else None,
        )
