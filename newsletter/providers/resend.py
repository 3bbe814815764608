"""Resend: the message in fields, because it takes no raw MIME; with a real idempotency key.

The key is our Message-ID, which stays the same at every attempt: for 24 hours a second try gets the
first one's answer and sends nothing. Tracking is a setting of the domain there, off by default;
no request can say anything about it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from newsletter.core.http import Reply
from newsletter.providers import references
from newsletter.providers.api import HttpProvider, Request, as_json, text
from newsletter.providers.api_answers import Told, Verdict, by_status
from newsletter.providers.base import Envelope
from newsletter.providers.parts import Inline, Mailbox, Parts, taken_apart
from newsletter.providers.references import reference_of

_LONGEST_KEY = 256
_BAD_ADDRESS = re.compile(r"`to`|invalid_to\b")
_VERDICTS = {
    "missing_api_key": Verdict.HALTS,
    "restricted_api_key": Verdict.HALTS,
    "invalid_api_key": Verdict.HALTS,
    "invalid_access": Verdict.HALTS,
    "invalid_from_address": Verdict.HALTS,
    "rate_limit_exceeded": Verdict.LATER,
    "daily_quota_exceeded": Verdict.LATER,
    "monthly_quota_exceeded": Verdict.LATER,
    # The first try with this key is still under way, or was another message.
    "concurrent_idempotent_requests": Verdict.UNKNOWN,
    "invalid_idempotent_request": Verdict.UNKNOWN,
}


class ResendProvider(HttpProvider):
    """One account."""

    name = "resend"
    needs = ("key",)
    repeats_safely_for = timedelta(hours=24)

    def request(self, envelope: Envelope) -> Request:
        """Its JSON; what MIME would carry as it is, it gets as `headers`."""
        parts = taken_apart(envelope.data)
        headers = {
            "Authorization": f"Bearer {self._section.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": _key(parts.message_id, envelope.data),
        }
        return Request(f"{self.endpoint}/emails", headers, as_json(_payload(parts, envelope)))

    def told(self, reply: Reply, said: Mapping[str, Any]) -> Told:
        """`name` is the kind of error."""
        return Told(text(said.get("id")), text(said.get("name")), text(said.get("message")))

    def verdict(self, status: int, told: Told) -> Verdict:
        """By the kind of error; a validation error names the field in backticks."""
        if told.code in _VERDICTS:
            return _VERDICTS[told.code]
        if status in (400, 422) and _BAD_ADDRESS.search(f"{told.code} {told.message}"):
            return Verdict.RECIPIENT
        return by_status(status)


def _key(message_id: str, data: bytes) -> str:
    """Never empty: without a key a second try would be a second mail."""
    if 0 < len(message_id) <= _LONGEST_KEY:
        return message_id
    return hashlib.sha256(message_id.encode() or data).hexdigest()


def _payload(parts: Parts, envelope: Envelope) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "from": _sender(parts.sender),
        "to": [envelope.recipient.text],
        "subject": parts.subject,
        "text": parts.text,
        "headers": dict(parts.headers),
    }
    if parts.html:
        payload["html"] = parts.html
    if parts.reply_to:
        payload["reply_to"] = [parts.reply_to]
    if reference := reference_of(envelope.data):
        payload["tags"] = [{"name": references.NAME, "value": reference}]
    if parts.inlines:
        payload["attachments"] = [_attachment(one) for one in parts.inlines]
    return payload


def _sender(sender: Mailbox) -> str:
    """Resend wants a name as it is: it refuses quotation marks and encoded-words in `from`."""
    return f"{sender.name} <{sender.address}>" if sender.name else sender.address


def _attachment(inline: Inline) -> dict[str, str]:
    return {
        "filename": inline.name,
        "content": base64.b64encode(inline.data).decode(),
        "content_type": inline.media_type,
        "content_id": inline.identifier,
    }
