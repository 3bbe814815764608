"""What the providers' APIs look like from the other side: their payloads read, their answers given.

The shapes are those of the vendors' own pages and of django-anymail's tests of them. What arrives
is read by nothing of ours: the standard library parses MIME, forms and JSON.
"""

from __future__ import annotations

import base64
import email
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage, Message
from email.utils import parseaddr
from typing import Any, ClassVar, Literal

from newsletter.core.provider_settings import (
    Brevo,
    Http,
    Mailgun,
    Postmark,
    ProviderSection,
    Resend,
    Ses,
    SparkPost,
)
from newsletter.providers.api import HttpProvider
from newsletter.providers.brevo import BrevoProvider
from newsletter.providers.mailgun import MailgunProvider
from newsletter.providers.postmark import PostmarkProvider
from newsletter.providers.resend import ResendProvider
from newsletter.providers.ses import SesProvider
from newsletter.providers.sparkpost import SparkPostProvider
from tests.http_server import Asked, answer

SECRET = "key-s3cret-of-ours"
HOOK_SECRET = "hook-s3cret-in-the-address"
SIGNING_KEY = "key-signing-mailgun"
SVIX_KEY = "whsec_" + base64.b64encode(b"svix-s3cret-of-resend").decode()
TOPIC = "arn:aws:sns:eu-central-1:123456789012:mail-events"


def http(**changed: Any) -> Http:
    """No proxy, and time enough."""
    usual = {"proxy": "", "connect_timeout": 5, "write_timeout": 5, "answer_timeout": 5}
    return Http(**{**usual, **changed})


@dataclass(frozen=True)
class Taken:
    """One message as the provider understood it."""

    recipients: list[str]
    subject: str
    sender: tuple[str, str]
    text: str
    html: str
    headers: Mapping[str, str]
    inlines: Mapping[str, bytes] = field(default_factory=dict)
    untracked: bool = True
    """Told not to track, where there is a word for it."""
    mark: object = None
    """What it was given to repeat in its events."""


class Fake(ABC):
    """One provider; the answers are whole HTTP answers."""

    name: ClassVar[str]
    kind: ClassVar[type[HttpProvider]]
    path: ClassVar[str]
    yes: ClassVar[bytes]
    no_such_recipient: ClassVar[tuple[bytes, ...]]
    our_fault: ClassVar[tuple[bytes, ...]]
    """Refused for what we sent, and nobody's address is to blame."""
    stops_all: ClassVar[tuple[bytes, ...]]
    put_off: ClassVar[tuple[bytes, ...]]
    carries_pictures: ClassVar[bool] = True

    @abstractmethod
    def section(self, endpoint: str) -> ProviderSection:
        """Settings that lead to this fake."""

    @abstractmethod
    def taken(self, asked: Asked) -> Taken:
        """What it would send."""

    def provider(self, endpoint: str, **limits: Any) -> HttpProvider:
        """The provider set up for this fake."""
        return self.kind(self.section(endpoint), http(**limits))

    def checked(self, asked: Asked) -> Taken:
        """The same, for a request at the right place."""
        assert asked.line == f"POST {self.path} HTTP/1.1"
        return self.taken(asked)


def said(status: int, body: object, **headers: str) -> bytes:
    """An answer in JSON."""
    return answer(status, json.dumps(body), Content_Type="application/json", **headers)


class SesFake(Fake):
    name = "ses"
    kind = SesProvider
    path = "/v2/email/outbound-emails"
    yes = said(200, {"MessageId": "0102018f1a2b3c4d-5e6f7a8b-0000-4000-8000-000000000000-000000"})
    no_such_recipient = (
        said(
            400,
            {"message": "Domain contains illegal character"},
            x_amzn_ErrorType="BadRequestException",
        ),
        said(400, {"message": "Missing final '@domain'"}, x_amzn_ErrorType="BadRequestException"),
    )
    our_fault = (
        said(
            400,
            {"message": "Email rejected: virus"},
            x_amzn_ErrorType="MessageRejected:http://internal.amazon.com/coral/",
        ),
        said(400, {"message": "Header too long"}, x_amzn_ErrorType="BadRequestException"),
    )
    stops_all = (
        said(
            400,
            {
                "message": "Email address is not verified. The following identities failed the "
                "check in region EU-CENTRAL-1: aye.aye@example.org"
            },
            x_amzn_ErrorType="MessageRejected",
        ),
        said(400, {"message": "paused"}, x_amzn_ErrorType="SendingPausedException"),
        said(400, {"message": "suspended"}, x_amzn_ErrorType="AccountSuspendedException"),
        said(400, {"message": "x"}, x_amzn_ErrorType="MailFromDomainNotVerifiedException"),
        said(404, {"message": "Configuration set <x>"}, x_amzn_ErrorType="NotFoundException"),
        said(
            403,
            {"message": f"The request signature ... {SECRET} ... does not match"},
            x_amzn_ErrorType="InvalidSignatureException",
        ),
    )
    put_off = (
        said(
            429,
            {"message": "Maximum sending rate exceeded."},
            x_amzn_ErrorType="TooManyRequestsException",
        ),
        said(
            400,
            {"message": "Daily message quota exceeded"},
            x_amzn_ErrorType="LimitExceededException",
        ),
    )

    def section(self, endpoint: str) -> Ses:
        return Ses(
            region="eu-central-1",
            access_key="AKIDEXAMPLE",
            secret_key=SECRET,
            session_token="",
            configuration_set="events",
            endpoint=endpoint,
            webhook_topic=TOPIC,
        )

    def taken(self, asked: Asked) -> Taken:
        payload = json.loads(asked.body)
        tags = payload.pop("EmailTags", [])
        assert set(payload) == {
            *("Destination", "Content", "ConfigurationOverrides", "ConfigurationSetName")
        }
        assert set(payload["Destination"]) == {"ToAddresses"}
        tracking = payload["ConfigurationOverrides"]["Tracking"]
        return from_mime(
            base64.b64decode(payload["Content"]["Raw"]["Data"]),
            payload["Destination"]["ToAddresses"],
            untracked=set(tracking.values()) == {"DISABLED"} and len(tracking) == 2,
            mark={one["Name"]: one["Value"] for one in tags},
        )


class MailgunFake(Fake):
    name = "mailgun"
    kind = MailgunProvider
    path = "/v3/mg.example.org/messages.mime"
    yes = said(200, {"id": "<2026030112.1.AAAA@mg.example.org>", "message": "Queued. Thank you."})
    no_such_recipient = (
        said(
            400,
            {"message": "'to' parameter is not a valid address. please check documentation"},
        ),
    )
    our_fault = (said(400, {"message": "'from' parameter is missing"}),)
    stops_all = (
        answer(401, "Forbidden"),
        said(404, {"message": "Domain not found: mg.example.org"}),
        said(402, {"message": "Account disabled"}),
    )
    put_off = (said(429, {"message": "Too many requests"}),)

    def section(self, endpoint: str) -> Mailgun:
        return Mailgun(
            domain="mg.example.org",
            key=SECRET,
            endpoint=endpoint,
            webhook_key=SIGNING_KEY,
            webhook_secret=HOOK_SECRET,
        )

    def taken(self, asked: Asked) -> Taken:
        login = base64.b64decode(asked.headers["authorization"].removeprefix("Basic "))
        assert login == f"api:{SECRET}".encode()
        fields = _form(asked)
        message = fields.pop("message")
        recipient = fields.pop("to").decode()
        mark = {n[2:]: fields.pop(n).decode() for n in list(fields) if n.startswith("v:")}
        switches = ("o:tracking", "o:tracking-clicks", "o:tracking-opens")
        untracked = fields == dict.fromkeys(switches, b"no")
        return from_mime(message, [recipient], untracked=untracked, mark=mark)


class SparkPostFake(Fake):
    name = "sparkpost"
    kind = SparkPostProvider
    path = "/api/v1/transmissions"
    yes = said(
        200,
        {
            "results": {
                "total_rejected_recipients": 0,
                "total_accepted_recipients": 1,
                "id": "11668787484950529",
            }
        },
    )
    no_such_recipient = (
        said(
            200,
            {
                "results": {
                    "total_rejected_recipients": 1,
                    "total_accepted_recipients": 0,
                    "id": "11668787484950529",
                }
            },
        ),
        said(
            400, {"errors": [{"message": "At least one valid recipient is required", "code": "x"}]}
        ),
    )
    our_fault = (
        said(
            422,
            {"errors": [{"message": "invalid data format/type", "code": "1300"}]},
        ),
    )
    stops_all = (
        said(401, {"errors": [{"message": "Unauthorized."}]}),
        said(403, {"errors": [{"message": "Forbidden."}]}),
        said(
            400,
            {
                "errors": [
                    {
                        "message": "Invalid domain",
                        "description": "Unconfigured Sending Domain <news.example>",
                        "code": "7001",
                    }
                ]
            },
        ),
    )
    put_off = (
        said(420, {"errors": [{"message": "Exceed Sending Limit (hourly)", "code": "2102"}]}),
        said(429, {"errors": [{"message": "Too many requests"}]}),
    )

    def section(self, endpoint: str) -> SparkPost:
        return SparkPost(key=SECRET, endpoint=endpoint, webhook_secret=HOOK_SECRET)

    def taken(self, asked: Asked) -> Taken:
        assert asked.headers["authorization"] == SECRET
        payload = json.loads(asked.body)
        assert set(payload) == {"options", "recipients", "content"}
        assert payload["options"] == {
            "open_tracking": False,
            "click_tracking": False,
            "transactional": True,
            "perform_substitutions": False,
        }
        (one,) = payload["recipients"]
        assert set(one) <= {"address", "metadata"}
        return from_mime(
            payload["content"]["email_rfc822"].encode("ascii"),
            [one["address"]["email"]],
            mark=one.get("metadata", {}),
        )


class ResendFake(Fake):
    name = "resend"
    kind = ResendProvider
    path = "/emails"
    yes = said(200, {"id": "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"})
    no_such_recipient = (
        said(
            422,
            {
                "statusCode": 422,
                "name": "validation_error",
                "message": "Invalid `to` field. The email address needs to follow the "
                "`email@example.com` or `Name <email@example.com>` format.",
            },
        ),
    )
    our_fault = (
        said(
            422,
            {"statusCode": 422, "name": "validation_error", "message": "Invalid `html` field."},
        ),
        said(451, {"statusCode": 451, "name": "security_error", "message": "see message"}),
    )
    stops_all = (
        said(401, {"statusCode": 401, "name": "missing_api_key", "message": "Missing API key"}),
        said(403, {"statusCode": 403, "name": "invalid_api_key", "message": "API key is invalid"}),
        said(
            403,
            {
                "statusCode": 403,
                "name": "validation_error",
                "message": "You can only send testing emails to your own email address "
                "(desk@news.example).",
            },
        ),
        said(422, {"statusCode": 422, "name": "invalid_from_address", "message": "Invalid from"}),
    )
    put_off = (
        said(429, {"statusCode": 429, "name": "rate_limit_exceeded", "message": "Too many"}),
        said(429, {"statusCode": 429, "name": "daily_quota_exceeded", "message": "Quota"}),
    )

    def section(self, endpoint: str) -> Resend:
        return Resend(key=SECRET, endpoint=endpoint, webhook_key=SVIX_KEY)

    def taken(self, asked: Asked) -> Taken:
        assert asked.headers["authorization"] == f"Bearer {SECRET}"
        payload = json.loads(asked.body)
        assert set(payload) <= {
            *("from", "to", "subject", "text", "html", "headers", "reply_to", "attachments"),
            "tags",
        }
        attachments = payload.get("attachments", [])
        name, _, address = payload["from"].rpartition(" <")
        return Taken(
            recipients=payload["to"],
            subject=payload["subject"],
            sender=(name, address.rstrip(">")),
            text=payload["text"],
            html=payload.get("html", ""),
            headers={name.lower(): value for name, value in payload["headers"].items()},
            inlines={a["content_id"]: base64.b64decode(a["content"]) for a in attachments},
            mark={one["name"]: one["value"] for one in payload.get("tags", [])},
        )


class PostmarkFake(Fake):
    name = "postmark"
    kind = PostmarkProvider
    path = "/email"
    yes = said(
        200,
        {
            "To": "aye.aye@example.org",
            "SubmittedAt": "2026-03-01T12:00:00.1-05:00",
            "MessageID": "b7bc2f4a-e38e-4336-af7d-e6c392c2f817",
            "ErrorCode": 0,
            "Message": "OK",
        },
    )
    no_such_recipient = (
        said(
            422,
            {
                "ErrorCode": 300,
                "Message": "Error parsing 'To': Illegal email domain 'x' in address "
                "'aye.aye@example.org'.",
            },
        ),
        said(
            422,
            {
                "ErrorCode": 406,
                "Message": "You tried to send to a recipient that has been marked as inactive.\n"
                "Found inactive addresses: aye.aye@example.org.",
            },
        ),
    )
    our_fault = (
        said(422, {"ErrorCode": 300, "Message": "Error parsing 'Reply-To': Illegal email domain"}),
        said(200, {"ErrorCode": 911, "Message": "Something new"}),
    )
    stops_all = (
        said(401, {"ErrorCode": 10, "Message": "Bad or missing Server API token."}),
        said(422, {"ErrorCode": 400, "Message": "The 'From' address is no Sender Signature"}),
        said(422, {"ErrorCode": 405, "Message": "Not allowed to send"}),
        said(422, {"ErrorCode": 412, "Message": "While your account is pending approval"}),
        said(422, {"ErrorCode": 1235, "Message": "The 'MessageStream' does not exist"}),
    )
    put_off = (said(429, {"Message": "Rate limit"}),)

    def section(self, endpoint: str) -> Postmark:
        return Postmark(
            key=SECRET, stream="broadcast", endpoint=endpoint, webhook_secret=HOOK_SECRET
        )

    def taken(self, asked: Asked) -> Taken:
        assert asked.headers["x-postmark-server-token"] == SECRET
        payload = json.loads(asked.body)
        assert payload["MessageStream"] == "broadcast"
        assert not {"Cc", "Bcc", "Tag"} & set(payload)
        headers = {one["Name"].lower(): one["Value"] for one in payload["Headers"]}
        assert headers.pop("x-pm-keepid") == "true"
        attachments = payload.get("Attachments", [])
        return Taken(
            recipients=[payload["To"]],
            subject=payload["Subject"],
            sender=parseaddr(payload["From"]),
            text=payload["TextBody"],
            html=payload.get("HtmlBody", ""),
            headers=headers,
            inlines={
                a["ContentID"].removeprefix("cid:"): base64.b64decode(a["Content"])
                for a in attachments
            },
            untracked=(payload["TrackOpens"], payload["TrackLinks"]) == (False, "None"),
            mark=payload.get("Metadata", {}),
        )


class BrevoFake(Fake):
    name = "brevo"
    kind = BrevoProvider
    path = "/v3/smtp/email"
    yes = said(201, {"messageId": "<202603011200.12345678901@smtp-relay.mailin.fr>"})
    no_such_recipient = (
        said(400, {"code": "invalid_parameter", "message": "email is not valid in to"}),
    )
    our_fault = (
        said(400, {"code": "invalid_parameter", "message": "subject is invalid"}),
        said(406, {"code": "not_acceptable", "message": "x"}),
    )
    stops_all = (
        said(401, {"code": "unauthorized", "message": "Key not found"}),
        said(402, {"code": "not_enough_credits", "message": "Insufficient credits"}),
        said(403, {"code": "permission_denied", "message": "SMTP account is not yet activated"}),
        said(400, {"code": "invalid_parameter", "message": "sender is not valid"}),
    )
    put_off = (said(429, {"code": "too_many_requests", "message": "rate limit"}),)
    carries_pictures = False

    def section(self, endpoint: str) -> Brevo:
        return Brevo(
            key=SECRET, tracking_is_off=True, endpoint=endpoint, webhook_secret=HOOK_SECRET
        )

    def taken(self, asked: Asked) -> Taken:
        assert asked.headers["api-key"] == SECRET
        payload = json.loads(asked.body)
        assert set(payload) <= {
            *("sender", "to", "subject", "textContent", "htmlContent", "headers", "replyTo")
        }
        headers = {name.lower(): value for name, value in payload["headers"].items()}
        headers.pop("idempotencykey")
        mark = headers.pop("x-mailin-custom", None)
        return Taken(
            recipients=[one["email"] for one in payload["to"]],
            subject=payload["subject"],
            sender=(payload["sender"].get("name", ""), payload["sender"]["email"]),
            text=payload["textContent"],
            html=payload["htmlContent"],
            headers=headers,
            mark={"delivery": mark} if mark else {},
        )


FAKES: tuple[Fake, ...] = (
    *(SesFake(), MailgunFake(), SparkPostFake()),
    *(ResendFake(), PostmarkFake(), BrevoFake()),
)


def from_mime(
    data: bytes, recipients: list[str], *, untracked: bool = True, mark: object = None
) -> Taken:
    """What a raw message says to the standard library's parser."""
    message = email.message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return Taken(
        recipients=recipients,
        subject=str(message["Subject"]),
        sender=(
            message["From"].addresses[0].display_name,
            message["From"].addresses[0].addr_spec,
        ),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        headers={name.lower(): str(value) for name, value in message.items()},
        inlines={
            str(part["Content-ID"]).strip("<>"): _raw(part)
            for part in message.walk()
            if part["Content-ID"]
        },
        untracked=untracked,
        mark=mark,
    )


def _body(message: EmailMessage, kind: Literal["plain", "html"]) -> str:
    part = message.get_body((kind,))
    return _raw(part).decode("utf-8").replace("\r\n", "\n") if part else ""


def _raw(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload


def _form(asked: Asked) -> dict[str, bytes]:
    """A multipart form by the standard library: it is a MIME message without its header."""
    kind = f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode()
    edge = asked.headers["content-type"].partition("boundary=")[2].encode()
    assert email.message_from_bytes(kind + asked.body).is_multipart()
    found = {}
    for part in asked.body.split(b"--" + edge)[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = head.partition(b'name="')[2].partition(b'"')[0].decode()
        found[name] = value.removesuffix(b"\r\n")
    return found
