"""SparkPost: the ready message as it is (`content.email_rfc822`).

Its template engine runs over raw messages and always over their headers, so `{{` is refused and
substitution switched off besides. `transactional` keeps it from adding its own List-Unsubscribe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlencode

from newsletter.core.http import Reply
from newsletter.providers import references
from newsletter.providers.api import HttpProvider, Request, as_json, text
from newsletter.providers.api_answers import Told, Verdict, by_status
from newsletter.providers.base import Envelope
from newsletter.providers.looking_up import AskedByLog, Finding, Question, Sought, entries
from newsletter.providers.marks import without_marks
from newsletter.providers.references import reference_of

_MARKS = re.compile(r"\{\{")
_OPTIONS = {
    "open_tracking": False,
    "click_tracking": False,
    "transactional": True,
    "perform_substitutions": False,
}
_PER_PAGE = 1000
_REJECTED = "recipient rejected"
_BAD_ADDRESS = re.compile(r"recipient", re.IGNORECASE)
_BAD_SENDER = re.compile(r"sending domain|unconfigured|from address|sandbox", re.IGNORECASE)


class SparkPostProvider(AskedByLog, HttpProvider):
    """One account."""

    name = "sparkpost"
    needs = ("key",)
    log_is_kept_for = timedelta(days=9)
    """It keeps events for ten days."""

    def request(self, envelope: Envelope) -> Request:
        """A transmission to one address."""
        without_marks(envelope, _MARKS, self.name)
        recipient: dict[str, Any] = {"address": {"email": envelope.recipient.text}}
        if reference := reference_of(envelope.data):
            recipient["metadata"] = {references.NAME: reference}
        payload = {
            "options": _OPTIONS,
            "recipients": [recipient],
            "content": {"email_rfc822": envelope.data.decode("ascii")},
        }
        headers = {"Authorization": self._section.key, "Content-Type": "application/json"}
        return Request(f"{self.endpoint}/api/v1/transmissions", headers, as_json(payload))

    def question(self, sought: Sought) -> Question:
        """All events of this address: it can be asked for no metadata."""
        begin = sought.since.astimezone(UTC) - timedelta(days=1)
        wanted = {
            "recipients": sought.recipient,
            "from": f"{begin:%Y-%m-%dT%H:%M:%SZ}",
            "per_page": str(_PER_PAGE),
        }
        url = f"{self.endpoint}/api/v1/events/message?{urlencode(wanted)}"
        return Question(url, {"Authorization": self._section.key})

    def finding(self, said: Mapping[str, Any], sought: Sought) -> Finding:
        """Any event with our mark; none at all only when the list is whole.

        An address in capitals may be written otherwise there, and so be missed.
        """
        results = entries(said, "results")
        if results is None:
            return Finding.CANNOT_TELL
        if any(sought.reference in str(one.get("rcpt_meta")) for one in results):
            return Finding.TAKEN
        whole = said.get("total_count") == len(results) < _PER_PAGE
        plain = sought.recipient == sought.recipient.lower()
        return Finding.NOT_TAKEN if whole and plain else Finding.CANNOT_TELL

    def told(self, reply: Reply, said: Mapping[str, Any]) -> Told:
        """A yes may still mean that the one recipient was rejected; an error is a list."""
        results = said.get("results")
        if isinstance(results, Mapping):
            if results.get("total_rejected_recipients"):
                return Told(code=_REJECTED, message="the only recipient was rejected")
            if results.get("total_accepted_recipients") == 1:
                return Told(identifier=text(results.get("id")))
        first = next(iter(_errors(said)), {})
        words = f"{text(first.get('message'))} {text(first.get('description'))}".strip()
        return Told(code=text(first.get("code")), message=words)

    def verdict(self, status: int, told: Told) -> Verdict:
        """Its own words tell whom a 400 or 422 is about."""
        if told.code == _REJECTED:
            return Verdict.RECIPIENT
        if status in (400, 422) and _BAD_SENDER.search(told.message):
            return Verdict.HALTS
        if status in (400, 422) and _BAD_ADDRESS.search(told.message):
            return Verdict.RECIPIENT
        return by_status(status)


def _errors(said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = said.get("errors")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
