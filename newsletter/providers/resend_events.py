"""What Resend tells, signed as Svix does: HMAC over id, time and the raw body.

During a change of keys there are several signatures. Whom of many an event is about is not said,
so each of our mails has one recipient.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from newsletter.providers import hook_values as values
from newsletter.providers.events import Event, Kind
from newsletter.providers.hook import OURS, Hook, Refused, require_recent
from newsletter.providers.hook_values import at_iso, inside, items, message_ids, status_in, word

_TOLERANCE = timedelta(minutes=5)
"""The time is that of this very attempt."""
_KINDS = {
    "email.sent": Kind.DEFERRED,
    "email.delivery_delayed": Kind.DEFERRED,
    "email.delivered": Kind.DELIVERED,
    "email.bounced": Kind.BOUNCED,
    "email.suppressed": Kind.BOUNCED,
    "email.failed": Kind.BOUNCED,
    "email.complained": Kind.COMPLAINED,
}
_PERMANENT = {"permanent": True, "transient": False}


class ResendHook(Hook):
    """One hook's signing secret."""

    needs = ("webhook_key",)

    def prove(self, raw: bytes, headers: Mapping[str, str], now: datetime) -> None:
        """One of the signatures is right, and of these minutes."""
        stamp = headers.get("svix-timestamp", "")
        require_recent(stamp, now, _TOLERANCE)
        text = f"{headers.get('svix-id', '')}.{stamp}.".encode() + raw
        wanted = hmac.digest(self._key, text, "sha256")
        given = headers.get("svix-signature", "").split(" ")[:10]
        if not any(hmac.compare_digest(one, wanted) for one in map(_signature, given)):
            raise Refused("its signature does not match")

    @property
    def _key(self) -> bytes:
        try:
            return base64.b64decode(self._section.webhook_key.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            raise Refused("resend.webhook_key is no signing secret: copy it again") from None

    def told(self, one: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[Event]:
        """The one event; the id is the delivery's of the hook, the same when it is told again."""
        name, data = word(one.get("type")), one.get("data")
        if values.is_watching(name):
            return
        answer = _answer(data)
        yield Event(
            kind=_KINDS.get(name, Kind.OTHER),
            key=word(headers.get("svix-id"), 200),
            at=at_iso(one.get("created_at")),
            references=values.references(
                inside(data, "tags"),
                list(message_ids(inside(data, "headers"))),
                inside(data, "message_id"),
                inside(data, "email_id"),
            ),
            recipient=next(map(word, items(inside(data, "to"))), ""),
            status=OURS if name == "email.failed" else status_in(answer),
            answer=answer,
            permanent=_permanent(name, data),
        )


def _signature(text: str) -> bytes:
    version, _, code = text.partition(",")
    try:
        return base64.b64decode(code, validate=True) if version == "v1" else b""
    except (binascii.Error, ValueError):
        return b""


def _permanent(name: str, data: object) -> bool | None:
    if name == "email.suppressed":
        return True
    return _PERMANENT.get(word(inside(data, "bounce", "type")).lower())


def _answer(data: object) -> str:
    codes = inside(data, "bounce", "diagnosticCode")
    heard = " ".join(word(code, 600) for code in items(codes)[:3]) or word(codes)
    places = (("bounce", "message"), ("failed", "reason"), ("suppressed", "message"))
    said = (word(inside(data, *place)) for place in places)
    return heard or next(filter(None, said), "")
