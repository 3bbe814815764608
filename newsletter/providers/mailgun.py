"""Mailgun: the ready message as it is (`messages.mime`), our Message-ID kept.

A multipart form with the message as a file; tracking is switched off in each. Mailgun replaces
`%recipient…%` and its own links to leave, so a text that holds them is refused.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from newsletter.core.http import Reply
from newsletter.core.provider_settings import Http, Mailgun
from newsletter.providers import references
from newsletter.providers.api import HttpProvider, Request, text
from newsletter.providers.api_answers import Told, Verdict, by_status
from newsletter.providers.base import Envelope
from newsletter.providers.looking_up import AskedByLog, Finding, Question, Sought, entries
from newsletter.providers.marks import without_marks
from newsletter.providers.references import reference_of

_MARKS = re.compile(
    r"%(?:recipient(?:[._][\w.]+)?|(?:tag_|mailing_list_)?unsubscribe(?:_url|_email)?)%",
    re.IGNORECASE,
)
_UNTRACKED = {"o:tracking": "no", "o:tracking-clicks": "no", "o:tracking-opens": "no"}
_BAD_ADDRESS = re.compile(r"'?to'? parameter is not a valid|invalid recipient", re.IGNORECASE)


class MailgunProvider(AskedByLog, HttpProvider):
    """One domain of one account."""

    name = "mailgun"
    needs = ("domain", "key")
    log_is_kept_for = timedelta(days=1)
    """Of the smallest plan; the others keep it for three days and more."""

    def __init__(self, section: Mailgun, http: Http) -> None:
        super().__init__(section, http)
        login = base64.b64encode(f"api:{section.key}".encode()).decode()
        self._login = f"Basic {login}"
        self._domain = section.domain

    def request(self, envelope: Envelope) -> Request:
        """A form with the recipient, no tracking, and the message as a file."""
        without_marks(envelope, _MARKS, self.name)
        edge = hashlib.sha256(envelope.data).hexdigest()[:40]
        fields = {"to": envelope.recipient.text, **_UNTRACKED}
        if reference := reference_of(envelope.data):
            fields[f"v:{references.NAME}"] = reference
        return Request(
            f"{self.endpoint}/v3/{self._domain}/messages.mime",
            {
                "Authorization": self._login,
                "Content-Type": f"multipart/form-data; boundary={edge}",
            },
            _form(edge, fields, envelope.data),
        )

    def question(self, sought: Sought) -> Question:
        """Its events of some days, of any kind, by our Message-ID, which it keeps."""
        begin = (sought.since - timedelta(days=2)).timestamp()
        wanted = {
            "message-id": sought.message_id,
            "begin": f"{begin:.0f}",
            "ascending": "yes",
            "limit": "100",
        }
        url = f"{self.endpoint}/v3/{quote(self._domain)}/events?{urlencode(wanted)}"
        return Question(url, {"Authorization": self._login})

    def finding(self, said: Mapping[str, Any], sought: Sought) -> Finding:
        """Any event at all says that it was taken."""
        items = entries(said, "items")
        if items is None:
            return Finding.CANNOT_TELL
        if any(sought.reference in str(item) for item in items):
            return Finding.TAKEN
        return Finding.CANNOT_TELL if items else Finding.NOT_TAKEN

    def told(self, reply: Reply, said: Mapping[str, Any]) -> Told:
        """A refusal without a key is plain text."""
        words = text(said.get("message")) or reply.body[:200].decode("utf-8", "replace")
        return Told(identifier=text(said.get("id")), message=words)

    def verdict(self, status: int, told: Told) -> Verdict:
        """A recipient that is none is a 400 like any other."""
        if status == 400 and _BAD_ADDRESS.search(told.message):
            return Verdict.RECIPIENT
        return by_status(status)


def _form(edge: str, fields: Mapping[str, str], message: bytes) -> bytes:
    """RFC 7578; the edge is a hash of the message, so it cannot stand in it."""
    lines = "".join(
        f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    file = (
        f'--{edge}\r\nContent-Disposition: form-data; name="message"; filename="message.mime"\r\n'
        "Content-Type: message/rfc822\r\n\r\n"
    )
    return b"".join((lines.encode(), file.encode(), message, f"\r\n--{edge}--\r\n".encode()))
