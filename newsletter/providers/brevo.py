"""Brevo: the message in fields, with an idempotency key of a short life.

What it cannot do, it is not asked for: pictures inside a message (there is no Content-ID), and text
without HTML (Brevo makes a page of it, with a tracking picture). Opening is counted for the whole
account; no request can switch that off, so the operator says in the settings that it is off.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from newsletter.core.errors import ProviderError, Retry
from newsletter.core.http import Reply
from newsletter.core.provider_settings import Brevo, Http
from newsletter.providers.api import HttpProvider, Request, as_json, text
from newsletter.providers.api_answers import Told, Verdict, by_status
from newsletter.providers.base import Envelope
from newsletter.providers.hook_values import at_iso
from newsletter.providers.looking_up import AskedByLog, Finding, Question, Sought, entries
from newsletter.providers.marks import without_marks
from newsletter.providers.parts import Mailbox, Parts
from newsletter.providers.references import reference_of

_MARKS = re.compile(r"\{\{|\{%")
_SPECIALS = re.compile(r'["\\(),.:;<>@\[\]]')
_BAD_ADDRESS = re.compile(r"\bin to\b|\bto\b.*\b(?:invalid|not valid)\b", re.IGNORECASE)
_BAD_SENDER = re.compile(r"sender", re.IGNORECASE)
_AT_MOST = 500
_VERDICTS = {
    "unauthorized": Verdict.HALTS,
    "permission_denied": Verdict.HALTS,
    "not_enough_credits": Verdict.HALTS,
    "account_under_validation": Verdict.HALTS,
    "too_many_requests": Verdict.LATER,
    # Said of a key that was used before: the earlier try was heard.
    "duplicate_request": Verdict.UNKNOWN,
}


class BrevoProvider(AskedByLog, HttpProvider):
    """One account."""

    name = "brevo"
    needs = ("key",)
    repeats_safely_for = timedelta(minutes=15)
    """Its guide says 30 minutes, its changelog 15: the shorter one is safe either way."""
    log_is_kept_for = timedelta(days=29)
    """Asked for no dates it shows the last thirty days."""

    def __init__(self, section: Brevo, http: Http) -> None:
        super().__init__(section, http)
        self._tracking_is_off = section.tracking_is_off

    def shortcoming(self) -> str:
        """A key, and the word that nobody is watched."""
        if found := super().shortcoming():
            return found
        if self._tracking_is_off:
            return ""
        return (
            "brevo counts who opens a mail unless that is switched off for the whole account; "
            "switch it off there and set brevo.tracking_is_off to true"
        )

    def request(self, envelope: Envelope) -> Request:
        """Its JSON; the idempotency key stands among the message's headers."""
        parts = without_marks(envelope, _MARKS, self.name)
        _require_carriable(parts)
        headers = {"api-key": self._section.key, "Content-Type": "application/json"}
        body = as_json(_payload(parts, envelope))
        return Request(f"{self.endpoint}/v3/smtp/email", headers, body)

    def question(self, sought: Sought) -> Question:
        """All mails to this address; it knows no search by what is ours."""
        wanted = {"email": sought.recipient, "sort": "desc", "limit": str(_AT_MOST)}
        url = f"{self.endpoint}/v3/smtp/emails?{urlencode(wanted)}"
        return Question(url, {"api-key": self._section.key, "Accept": "application/json"})

    def finding(self, said: Mapping[str, Any], sought: Sought) -> Finding:
        """Ours by its Message-ID, if that was kept; any other mail of that time may be it too."""
        if said.get("count") == 0:
            return _none(sought)
        mails = entries(said, "transactionalEmails")
        if mails is None:
            return Finding.CANNOT_TELL
        if any(sought.reference in str(one) for one in mails):
            return Finding.TAKEN
        if len(mails) >= _AT_MOST or any(_may_be_it(one, sought) for one in mails):
            return Finding.CANNOT_TELL
        return _none(sought)

    def told(self, reply: Reply, said: Mapping[str, Any]) -> Told:
        """Id, or code and message."""
        return Told(text(said.get("messageId")), text(said.get("code")), text(said.get("message")))

    def verdict(self, status: int, told: Told) -> Verdict:
        """By its code; an invalid parameter is named in the message."""
        if told.code in _VERDICTS and status < 500:
            return _VERDICTS[told.code]
        if status == 400 and _BAD_SENDER.search(told.message):
            return Verdict.HALTS
        if status == 400 and _BAD_ADDRESS.search(told.message):
            return Verdict.RECIPIENT
        return by_status(status)


def _none(sought: Sought) -> Finding:
    """An address in capitals may be written otherwise there, and so be missed."""
    plain = sought.recipient == sought.recipient.lower()
    return Finding.NOT_TAKEN if plain else Finding.CANNOT_TELL


def _may_be_it(mail: Mapping[str, Any], sought: Sought) -> bool:
    """Sent after ours may have left, or nobody knows when; their clock need not be ours."""
    at = at_iso(mail.get("date"))
    return at is None or at >= sought.since - timedelta(days=1)


def _require_carriable(parts: Parts) -> None:
    if parts.inlines:
        raise ProviderError(
            "brevo cannot carry a picture inside a message; take the image out of the issue, or "
            "choose another provider",
            retry=Retry.LATER,
            halts=True,
        )
    if not parts.html:
        raise ProviderError(
            "brevo would turn a message of text alone into a page; this reader is served by "
            "another provider or not at all",
            retry=Retry.NEVER,
            answer="this provider sends no text without HTML",
        )


def _payload(parts: Parts, envelope: Envelope) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "sender": _sender(parts.sender),
        "to": [{"email": envelope.recipient.text}],
        "subject": parts.subject,
        "textContent": parts.text,
        "htmlContent": parts.html,
        "headers": {**parts.headers, "idempotencyKey": str(_key(parts.message_id, envelope.data))},
    }
    if reference := reference_of(envelope.data):
        # Repeated in its events; a tag would stand in the account's list of tags for ever.
        payload["headers"]["X-Mailin-custom"] = reference
    if parts.reply_to:
        payload["replyTo"] = {"email": parts.reply_to}
    return payload


def _key(message_id: str, data: bytes) -> UUID:
    """The same at every attempt, in the shape of a random UUID, which is what they ask for."""
    digest = hashlib.sha256(message_id.encode() or data).digest()
    return UUID(bytes=digest[:16], version=4)


def _sender(sender: Mailbox) -> dict[str, str]:
    """A name beyond ASCII that holds a comma is dropped silently, unless it comes encoded."""
    if not sender.name:
        return {"email": sender.address}
    fragile = not sender.name.isascii() and _SPECIALS.search(sender.name)
    return {"name": sender.phrase if fragile else sender.name, "email": sender.address}
