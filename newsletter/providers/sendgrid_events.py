"""What SendGrid tells of mail that it relays for us by SMTP: a list, signed with ECDSA (P-256,
SHA-256) over a time and the raw body.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from newsletter.providers import hook_values as values
from newsletter.providers.events import Event, Kind
from newsletter.providers.hook import OURS, Hook, Refused, require_recent
from newsletter.providers.hook_values import at_epoch, hashed, status_in, word
from newsletter.providers.references import NAME

_HEADER = "x-twilio-email-event-webhook-"
_OLDEST = timedelta(days=2)
"""It goes on telling for a day."""
_KINDS = {
    "processed": Kind.DEFERRED,
    "deferred": Kind.DEFERRED,
    "delivered": Kind.DELIVERED,
    "bounce": Kind.BOUNCED,
    "dropped": Kind.BOUNCED,
    "spamreport": Kind.COMPLAINED,
    "unsubscribe": Kind.UNSUBSCRIBED,
    "group_unsubscribe": Kind.UNSUBSCRIBED,
}
_DROPPED: Mapping[str, tuple[Kind, bool]] = {
    "bounced address": (Kind.BOUNCED, True),
    "invalid": (Kind.BOUNCED, True),
    "spam reporting address": (Kind.COMPLAINED, True),
    "unsubscribed address": (Kind.UNSUBSCRIBED, True),
}
"""Not sent because of what was before; for other reasons it is we who are refused."""
_NOTHING = "group_resubscribe"


class SendGridHook(Hook):
    """One account's verification key."""

    needs = ("webhook_key",)

    def prove(self, raw: bytes, headers: Mapping[str, str], now: datetime) -> None:
        """The signature, and a time that is not long ago."""
        stamp = headers.get(f"{_HEADER}timestamp", "")
        require_recent(stamp, now, _OLDEST)
        try:
            signature = base64.b64decode(headers.get(f"{_HEADER}signature", ""), validate=True)
            self._key.verify(signature, stamp.encode() + raw, ECDSA(SHA256()))
        except (InvalidSignature, binascii.Error, ValueError):
            raise Refused("its signature does not match") from None

    @property
    def _key(self) -> EllipticCurvePublicKey:
        try:
            key = load_der_public_key(base64.b64decode(self._section.webhook_key, validate=True))
        except (binascii.Error, ValueError):
            key = None
        if not isinstance(key, EllipticCurvePublicKey):
            raise Refused("sendgrid.webhook_key is no verification key: copy it again")
        return key

    def told(self, one: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[Event]:
        """The one event; a relayed mail keeps our Message-ID, as `smtp-id`."""
        name = word(one.get("event"))
        if values.is_watching(name) or name == _NOTHING:
            return
        kind, permanent = _judged(name, one)
        answer = word(one.get("response")) or word(one.get("reason"))
        identifier = word(one.get("sg_event_id"), 400)
        ours = name == "dropped" and permanent is False
        yield Event(
            kind=kind,
            key=identifier or hashed(one),
            at=at_epoch(one.get("timestamp")),
            references=values.references(
                *(one.get(field) for field in (NAME, "smtp-id", "sg_message_id"))
            ),
            recipient=word(one.get("email")),
            status=OURS if ours else status_in(word(one.get("status")), answer),
            answer=answer,
            permanent=permanent,
        )


def _judged(name: str, one: Mapping[str, Any]) -> tuple[Kind, bool | None]:
    if name == "dropped":
        return _DROPPED.get(word(one.get("reason")).lower(), (Kind.BOUNCED, False))
    if name == "bounce":
        return Kind.BOUNCED, word(one.get("type")) != "blocked"
    return _KINDS.get(name, Kind.OTHER), None
