"""Amazon SES by API v2: the ready message as it is (`Content.Raw`), the request signed with SigV4.

SES writes its own Date and Message-ID over ours, so our mark travels as a tag, which its events
repeat. It has no idempotency key and no queue: over its rate it refuses at once. Tracking is
switched off for this one request (`ConfigurationOverrides`), whatever the account says.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from newsletter.core.clock import now
from newsletter.core.http import Reply
from newsletter.core.provider_settings import Http, Ses
from newsletter.providers import references
from newsletter.providers.api import HttpProvider, Request, as_json, text
from newsletter.providers.api_answers import Told, Verdict, by_status
from newsletter.providers.base import Envelope
from newsletter.providers.references import reference_of
from newsletter.providers.sigv4 import Credentials, signed

_PATH = "/v2/email/outbound-emails"
_VERDICTS = {
    "TooManyRequestsException": Verdict.LATER,
    "LimitExceededException": Verdict.LATER,
    "ThrottlingException": Verdict.LATER,
    "SendingPausedException": Verdict.HALTS,
    "AccountSuspendedException": Verdict.HALTS,
    "MailFromDomainNotVerifiedException": Verdict.HALTS,
    "NotFoundException": Verdict.HALTS,
}
_NOT_VERIFIED = re.compile(r"is not verified", re.IGNORECASE)
"""Of the sender, or of everybody while the account is in the sandbox: never the reader's fault."""
_BAD_ADDRESS = re.compile(
    r"illegal (?:address|character)|missing (?:final|local)|invalid (?:domain|address|email)"
    r"|local (?:address|part) contains|domain (?:contains|starts|ends)",
    re.IGNORECASE,
)


class SesProvider(HttpProvider):
    """One region of one account."""

    name = "ses"
    needs = ("region", "access_key", "secret_key")

    def __init__(self, section: Ses, http: Http) -> None:
        super().__init__(section, http)
        self._ses = section
        self._credentials = Credentials(
            section.access_key, section.secret_key, section.session_token
        )

    @property
    def endpoint(self) -> str:
        """Set, or the region's own."""
        return self._ses.endpoint.rstrip("/") or f"https://email.{self._ses.region}.amazonaws.com"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The key's id as well: it stands in what SES answers to a wrong signature."""
        return (self._ses.session_token, self._ses.secret_key, self._ses.access_key)

    def request(self, envelope: Envelope) -> Request:
        """The message in base64 with one destination."""
        payload: dict[str, Any] = {
            "Destination": {"ToAddresses": [envelope.recipient.text]},
            "Content": {"Raw": {"Data": base64.b64encode(envelope.data).decode()}},
            "ConfigurationOverrides": {
                "Tracking": {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}
            },
        }
        if reference := reference_of(envelope.data):
            payload["EmailTags"] = [{"Name": references.NAME, "Value": reference}]
        if self._ses.configuration_set:
            payload["ConfigurationSetName"] = self._ses.configuration_set
        body = as_json(payload)
        url = self.endpoint + _PATH
        headers = signed(
            url,
            {"Content-Type": "application/json"},
            body,
            credentials=self._credentials,
            region=self._ses.region,
            service="ses",
            now=now(),
        )
        return Request(url, headers, body)

    def told(self, reply: Reply, said: Mapping[str, Any]) -> Told:
        """The kind of an error stands in a header, sometimes with an address behind a colon."""
        kind = reply.headers.get("x-amzn-errortype", "") or text(said.get("__type"))
        return Told(
            identifier=text(said.get("MessageId")),
            code=kind.partition(":")[0].rpartition("#")[2],
            message=text(said.get("message")) or text(said.get("Message")),
        )

    def verdict(self, status: int, told: Told) -> Verdict:
        """Nearly everything is a 400 here; the kind of error says which."""
        if told.code in _VERDICTS:
            return _VERDICTS[told.code]
        if status == 400 and _NOT_VERIFIED.search(told.message):
            return Verdict.HALTS
        if status == 400 and _BAD_ADDRESS.search(told.message):
            return Verdict.RECIPIENT
        return by_status(status)
