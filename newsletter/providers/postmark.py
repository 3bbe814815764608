"""Postmark: the message in fields, through a broadcast stream; a second try is a second mail.

`X-PM-KeepID` keeps our Message-ID. The stream must leave unsubscribing to us ("Custom"), else it
adds its own link and headers. A server whose open tracking is on overrides what we ask for.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from newsletter.core.http import Reply
from newsletter.core.provider_settings import Http, Postmark
from newsletter.providers import references
from newsletter.providers.api import HttpProvider, Request, as_json, text
from newsletter.providers.api_answers import Told, Verdict, by_status
from newsletter.providers.base import Envelope
from newsletter.providers.looking_up import AskedByLog, Finding, Question, Sought, entries
from newsletter.providers.marks import without_marks
from newsletter.providers.parts import Inline, Mailbox, Parts
from newsletter.providers.references import reference_of

_MARKS = re.compile(r"\{\{\{\s*pm:")
_SPECIALS = re.compile(r'["\\(),.:;<>@\[\]]')
_BAD_ADDRESS = re.compile(r"^\s*(?:invalid|error\s+parsing)\s+'to'", re.IGNORECASE)
_INACTIVE = "406"
"""Bounced hard or complained before; Postmark keeps them from us."""
_HALTS = frozenset({"10", "400", "401", "405", "412", "413", "1235"})
"""No or wrong token, sender unknown or not confirmed, no credit, account pending, no stream."""


class PostmarkProvider(AskedByLog, HttpProvider):
    """One stream of one server."""

    name = "postmark"
    needs = ("key",)
    log_is_kept_for = timedelta(days=6)
    """A server may be set to keep messages for seven days only."""

    def __init__(self, section: Postmark, http: Http) -> None:
        super().__init__(section, http)
        self._stream = section.stream

    def request(self, envelope: Envelope) -> Request:
        """Its JSON, one recipient."""
        parts = without_marks(envelope, _MARKS, self.name)
        headers = {
            "X-Postmark-Server-Token": self._section.key,
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        payload = {**_payload(parts, envelope), "MessageStream": self._stream}
        if reference := reference_of(envelope.data):
            payload["Metadata"] = {references.NAME: reference}
        return Request(f"{self.endpoint}/email", headers, as_json(payload))

    def question(self, sought: Sought) -> Question:
        """By the metadata that went along; another stream is searched unless ours is named."""
        wanted = {
            "count": "100",
            "offset": "0",
            f"metadata_{references.NAME}": sought.reference,
            "messagestream": self._stream,
        }
        headers = {"X-Postmark-Server-Token": self._section.key, "Accept": "application/json"}
        return Question(f"{self.endpoint}/messages/outbound?{urlencode(wanted)}", headers)

    def finding(self, said: Mapping[str, Any], sought: Sought) -> Finding:
        """Others than ours among them would say that it did not understand the question."""
        messages = entries(said, "Messages")
        if messages is None:
            return Finding.CANNOT_TELL
        if any(sought.reference in str(one.get("Metadata")) for one in messages):
            return Finding.TAKEN
        empty = not messages and said.get("TotalCount") == 0
        return Finding.NOT_TAKEN if empty else Finding.CANNOT_TELL

    def told(self, reply: Reply, said: Mapping[str, Any]) -> Told:
        """An error has a number of its own, 0 when all is well, and may come with a 200."""
        code = text(said.get("ErrorCode"))
        good = code in ("", "0")
        return Told(
            identifier=text(said.get("MessageID")) if good else "",
            code="" if good else code,
            message=text(said.get("Message")),
        )

    def verdict(self, status: int, told: Told) -> Verdict:
        """By the number; 300 is any field that does not read well."""
        if told.code == _INACTIVE:
            return Verdict.RECIPIENT
        if told.code in _HALTS and status < 500:
            return Verdict.HALTS
        if told.code == "300" and _BAD_ADDRESS.search(told.message):
            return Verdict.RECIPIENT
        if told.code and status == 200:
            return Verdict.OURS
        return by_status(status)


def _payload(parts: Parts, envelope: Envelope) -> dict[str, Any]:
    headers = [{"Name": name, "Value": value} for name, value in parts.headers.items()]
    payload: dict[str, Any] = {
        "From": _sender(parts.sender),
        "To": envelope.recipient.text,
        "Subject": parts.subject,
        "TextBody": parts.text,
        "Headers": [*headers, {"Name": "X-PM-KeepID", "Value": "true"}],
        "TrackOpens": False,
        "TrackLinks": "None",
    }
    if parts.html:
        payload["HtmlBody"] = parts.html
    if parts.reply_to:
        payload["ReplyTo"] = parts.reply_to
    if parts.inlines:
        payload["Attachments"] = [_attachment(one) for one in parts.inlines]
    return payload


def _sender(sender: Mailbox) -> str:
    """RFC 5322 §3.4, but with letters of all languages, which it encodes itself."""
    if not sender.name:
        return sender.address
    if not _SPECIALS.search(sender.name):
        return f"{sender.name} <{sender.address}>"
    escaped = re.sub(r'(["\\])', r"\\\1", sender.name)
    return f'"{escaped}" <{sender.address}>'


def _attachment(inline: Inline) -> dict[str, str]:
    return {
        "Name": inline.name,
        "Content": base64.b64encode(inline.data).decode(),
        "ContentType": inline.media_type,
        "ContentID": f"cid:{inline.identifier}",
    }
