"""What Amazon SES tells by SNS: event publishing (`eventType`) and the older notifications
(`notificationType`), which are nearly the same.

SES writes its own Message-ID over ours; our mark stands in the tags, and in the headers if those
are sent along.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from newsletter.core.log import logger
from newsletter.core.provider_settings import Http, Ses
from newsletter.providers import hook_values as values
from newsletter.providers import sns
from newsletter.providers.events import Event, Kind
from newsletter.providers.hook import OURS, Hook, Refused
from newsletter.providers.hook_values import at_iso, inside, items, message_ids, status_in, word
from newsletter.providers.references import NAME

_ANYWHERE = re.compile(r"/?")
_LISTS = {
    "Bounce": ("bounce", "bouncedRecipients"),
    "Complaint": ("complaint", "complainedRecipients"),
    "Delivery": ("delivery", "recipients"),
    "DeliveryDelay": ("deliveryDelay", "delayedRecipients"),
    "Send": ("send", ""),
    "Reject": ("reject", ""),
    "Rendering Failure": ("failure", ""),
}
"""Where what happened stands, and whom it happened to."""
_KINDS = {
    "Bounce": Kind.BOUNCED,
    "Complaint": Kind.COMPLAINED,
    "Delivery": Kind.DELIVERED,
    "DeliveryDelay": Kind.DEFERRED,
    "Send": Kind.DEFERRED,
    "Reject": Kind.BOUNCED,
    "Rendering Failure": Kind.BOUNCED,
}
_PERMANENT = {"Permanent": True, "Transient": False}
_NO_COMPLAINT = frozenset({"not-spam", "auth-failure", "virus"})
"""Reports of other things by the same way (RFC 5965 §7.3): nobody complained."""
_READY = "Successfully validated SNS topic"


class SesHook(Hook):
    """One topic; `fetch` gets what stands at Amazon's addresses."""

    needs = ("webhook_topic",)

    def __init__(self, section: Ses, http: Http, fetch: sns.Fetch | None = None) -> None:
        super().__init__(section)
        self._topic = section.webhook_topic
        self._fetch = fetch or sns.over_http(http)
        self._certificates = sns.Certificates(self._fetch)

    def prove(self, raw: bytes, headers: Mapping[str, str], now: datetime) -> object:
        """By signature and topic; what does not even name ours is not parsed."""
        if not self._topic or self._topic.encode() not in raw:
            raise Refused("it is of another topic")
        certificates = self._certificates
        return sns.verify(values.read(raw), topic=self._topic, certificates=certificates, now=now)

    def told(self, one: Mapping[str, Any], headers: Mapping[str, str]) -> Iterable[Event]:
        """What the bearer carries; or a question of its own, which is answered here."""
        kind, text = one.get("Type"), word(one.get("Message"), 1_000_000)
        if kind == sns.CONFIRMATION:
            self._confirm(word(one.get("SubscribeURL")))
            return ()
        if kind != sns.NOTIFICATION:
            logger("providers.ses").warning("topic_is_not_heard_any_more")
            return ()
        if text.startswith(_READY):
            return ()
        return _events(values.read(text), word(one.get("MessageId")), one.get("Timestamp"))

    def _confirm(self, url: str) -> None:
        if not sns.is_of_amazon(url, self._topic, _ANYWHERE):
            raise Refused("what it wants confirmed is not at Amazon's")
        sns.answered(self._fetch, url)
        logger("providers.ses").info("topic_is_heard")


def _events(said: object, key: str, published: object) -> Iterator[Event]:
    kind = word(inside(said, "eventType")) or word(inside(said, "notificationType"))
    if values.is_watching(kind):
        return
    place, name = _LISTS.get(kind, ("", ""))
    about = inside(said, place)
    known = _kind(kind, about)
    at = at_iso(inside(about, "timestamp")) or at_iso(published)
    references = _references(inside(said, "mail"))
    people = items(inside(about, name)) or items(inside(said, "mail", "destination")) or [None]
    for number, person in enumerate(people):
        yield Event(
            kind=known,
            key=f"{key}/{number}",
            at=at,
            references=references,
            recipient=word(inside(person, "emailAddress")) or word(person),
            status=_status(kind, person),
            answer=_answer(about, person),
            permanent=_PERMANENT.get(word(inside(about, "bounceType"))),
        )


def _kind(kind: str, about: object) -> Kind:
    if word(inside(about, "complaintFeedbackType")).lower() in _NO_COMPLAINT:
        return Kind.OTHER
    return _KINDS.get(kind, Kind.OTHER)


def _status(kind: str, person: object) -> str:
    if kind in ("Reject", "Rendering Failure"):
        return OURS
    return status_in(word(inside(person, "status")), word(inside(person, "diagnosticCode")))


def _answer(about: object, person: object) -> str:
    words = word(inside(person, "diagnosticCode")) or word(inside(about, "smtpResponse"))
    reason = word(inside(about, "reason")) or word(inside(about, "errorMessage"))
    kinds = (word(inside(about, one), 100) for one in ("bounceType", "bounceSubType"))
    return words or reason or " ".join(filter(None, kinds))


def _references(mail: object) -> tuple[str, ...]:
    return values.references(
        inside(mail, "tags", NAME),
        list(message_ids(inside(mail, "headers"))),
        inside(mail, "commonHeaders", "messageId"),
        inside(mail, "messageId"),
    )
