"""The other side of the webhooks: what each provider posts, signed with real keys.

The shapes are those of the vendors' own pages. Signatures are made here by other code than what
reads them: `cryptography` and `hmac` with the rules as the vendors write them down.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, ClassVar
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from newsletter.core.http import Reply
from newsletter.core.provider_settings import Mailjet, SendGrid
from newsletter.providers.hook import Hook
from newsletter.providers.ses_events import SesHook
from newsletter.providers.sns import Fetch, over_http
from newsletter.providers.webhooks import HOOKS
from tests.http_server import HttpServer
from tests.providers import fakes
from tests.providers.fakes import HOOK_SECRET, SIGNING_KEY, SVIX_KEY, TOPIC

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
AT = NOW - timedelta(minutes=2)
READER = "aye.aye@example.org"
NO_USER = "550 5.1.1 <aye.aye@example.org>: user unknown"
FULL = "452 4.2.2 mailbox of aye.aye@example.org is full"


@dataclass(frozen=True)
class Post:
    """One POST; header names in lower case, as the web room hands them on."""

    raw: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_header(self, name: str, value: str) -> Post:
        """The same with one header changed."""
        return replace(self, headers={**self.headers, name: value})


def mark(number: int) -> str:
    """Our mark of one message."""
    return f"{number:032x}"


class Teller(ABC):
    """One provider; its words here: delivered, hard, soft, complained, waiting, opened, clicked,
    new."""

    name: ClassVar[str]
    covers_body: ClassVar[bool] = True
    many_at_once: ClassVar[bool] = False

    def hook(self, **changed: str) -> Hook:
        """The hook that should believe it."""
        kind = getattr(
            __import__(f"newsletter.providers.{self.name}_events", fromlist=["x"]), HOOKS[self.name]
        )
        made: Hook = kind(self.section().model_copy(update=changed))
        return made

    def section(self) -> Any:
        """Its settings."""
        (fake,) = (one for one in fakes.FAKES if one.name == self.name)
        return fake.section("http://localhost:9")

    @abstractmethod
    def said(self, what: str, number: int = 1) -> dict[str, Any]:
        """What it says of message `number`."""

    @abstractmethod
    def signed(self, raw: bytes, number: int = 1) -> Post:
        """These bytes with its proof."""

    def body(self, *said: dict[str, Any]) -> bytes:
        """What it posts when it has this to say."""
        (one,) = said
        return json.dumps(one).encode()

    def post(self, what: str, number: int = 1) -> Post:
        """One event, proved."""
        return self.signed(self.body(self.said(what, number)), number)

    def spoilt(self, post: Post) -> Iterator[Post]:
        """The same with one byte of the proof or of what it proves changed, and without proof."""
        for name, value in post.headers.items():
            yield replace(post, headers={k: v for k, v in post.headers.items() if k != name})
            middle = len(value) // 2
            other = "B" if value[middle] != "B" else "C"
            yield post.with_header(name, value[:middle] + other + value[middle + 1 :])
        if self.covers_body:
            for place in range(0, len(post.raw), max(1, len(post.raw) // 20)):
                flipped = bytes([post.raw[place] ^ 1])
                yield replace(post, raw=post.raw[:place] + flipped + post.raw[place + 1 :])


def basic(secret: str = HOOK_SECRET) -> dict[str, str]:
    """As a client makes it of https://hook:SECRET@…"""
    return {"authorization": "Basic " + base64.b64encode(f"hook:{secret}".encode()).decode()}


@cache
def amazons_key(which: int) -> tuple[rsa.RSAPrivateKey, bytes]:
    """A key, and a certificate that holds it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(which + 1)
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=300))
        .sign(key, SHA256())
    )
    return key, made.public_bytes(Encoding.PEM)


class SesTeller(Teller):
    name = "ses"
    host = "https://sns.eu-central-1.amazonaws.com"
    version: ClassVar[str] = "2"

    def __init__(self, server: HttpServer) -> None:
        self.server = server

    def hook(self, **changed: str) -> Hook:
        section = fakes.SesFake().section("http://localhost:9").model_copy(update=changed)
        return SesHook(section, fakes.http(), fetch=led_to(self.server))

    def said(self, what: str, number: int = 1) -> dict[str, Any]:
        mail = {
            "timestamp": "2026-11-21T09:20:00.000Z",
            "messageId": f"0102018f-{number}-000000",
            "source": "desk@news.example",
            "destination": [READER],
            "headers": [{"name": "Message-ID", "value": f"<{mark(number)}@news.example>"}],
            "tags": {"delivery": [mark(number)], "ses:configuration-set": ["events"]},
        }
        time = {"timestamp": f"{AT:%Y-%m-%dT%H:%M:%S}.000Z"}
        person = {"emailAddress": READER, "action": "failed"}
        hard = [{**person, "status": "5.1.1", "diagnosticCode": f"smtp; {NO_USER}"}]
        soft = [{**person, "status": "4.2.2", "diagnosticCode": f"smtp; {FULL}"}]
        bounce = {"feedbackId": f"f-{number}", "reportingMTA": "dns; amazonses.com"}
        about: dict[str, tuple[str, str, dict[str, Any]]] = {
            "delivered": ("Delivery", "delivery", {"recipients": [READER]}),
            "hard": ("Bounce", "bounce", {"bounceType": "Permanent", "bouncedRecipients": hard}),
            "soft": ("Bounce", "bounce", {"bounceType": "Transient", "bouncedRecipients": soft}),
            "complained": (
                *("Complaint", "complaint"),
                {"complainedRecipients": [{"emailAddress": READER}]},
            ),
            "waiting": ("DeliveryDelay", "deliveryDelay", {"delayedRecipients": soft}),
            "opened": ("Open", "open", {"userAgent": "x"}),
            "clicked": ("Click", "click", {"link": "https://example.org"}),
            "new": ("Subscription", "subscription", {"contactList": "x"}),
        }
        kind, place, inner = about[what]
        extra = bounce if place == "bounce" else {}
        return {"eventType": kind, "mail": mail, place: {**time, **extra, **inner}}

    def signed(self, raw: bytes, number: int = 1) -> Post:
        return self.wrapped({"Type": "Notification", "Message": raw.decode()}, number)

    def wrapped(self, own: dict[str, str], number: int = 1, key: int = 0) -> Post:
        """An SNS message; the fields under the signature are sorted by name."""
        said = {
            "MessageId": hashlib.sha256(json.dumps(own).encode()).hexdigest()[:32],
            "TopicArn": TOPIC,
            "Timestamp": f"{NOW:%Y-%m-%dT%H:%M:%S}.123Z",
            **own,
        }
        text = "".join(f"{name}\n{said[name]}\n" for name in sorted(said))
        algorithm = {"1": SHA1(), "2": SHA256()}[self.version]
        signature = amazons_key(key)[0].sign(text.encode(), padding.PKCS1v15(), algorithm)
        said |= {
            "SignatureVersion": self.version,
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": f"{self.host}/SimpleNotificationService-abc{key}.pem",
        }
        return Post(json.dumps(said).encode(), {"content-type": "text/plain; charset=UTF-8"})

    def spoilt(self, post: Post) -> Iterator[Post]:
        yield from super().spoilt(replace(post, headers={}))
        said = json.loads(post.raw)
        for name in ("Signature", "SigningCertURL", "TopicArn", "SignatureVersion", "Timestamp"):
            yield replace(
                post, raw=json.dumps({k: v for k, v in said.items() if k != name}).encode()
            )


class FirstSesTeller(SesTeller):
    """SignatureVersion 1 and the older notifications."""

    version = "1"

    def said(self, what: str, number: int = 1) -> dict[str, Any]:
        made = super().said(what, number)
        return {"notificationType": made.pop("eventType"), **made}


def led_to(server: HttpServer) -> Fetch:
    """The usual way out, but Amazon's names lead to this machine."""
    real = over_http(fakes.http())

    def fetch(url: str) -> Reply:
        parts = urlsplit(url)
        assert parts.netloc == "sns.eu-central-1.amazonaws.com"
        query = f"?{parts.query}" if parts.query else ""
        return real(f"{server.url}{parts.path}{query}")

    return fetch


class MailgunTeller(Teller):
    name = "mailgun"
    covers_body = False

    def said(self, what: str, number: int = 1) -> dict[str, Any]:
        hard = {"code": 550, "enhanced-code": "5.1.1", "message": NO_USER, "bounce-type": "hard"}
        about: dict[str, dict[str, Any]] = {
            "delivered": {"event": "delivered", "delivery-status": {"code": 250, "message": "OK"}},
            "hard": {
                "event": "failed",
                "severity": "permanent",
                "reason": "bounce",
                "delivery-status": hard,
            },
            "soft": {
                "event": "failed",
                "severity": "permanent",
                "reason": "old",
                "delivery-status": {"code": 452, "message": FULL},
            },
            "waiting": {
                "event": "failed",
                "severity": "temporary",
                "reason": "generic",
                "delivery-status": {"code": 452, "message": FULL},
            },
            "complained": {"event": "complained"},
            "opened": {"event": "opened", "client-info": {}},
            "clicked": {"event": "clicked", "url": "https://example.org"},
            "new": {"event": "list_member_uploaded"},
        }
        return {
            "id": f"czsjqFATSlC3QtAK-{number}",
            "timestamp": AT.timestamp(),
            "recipient": READER,
            "user-variables": {"delivery": mark(number)},
            "message": {"headers": {"message-id": f"{mark(number)}@news.example", "to": READER}},
            **about[what],
        }

    def body(self, *said: dict[str, Any]) -> bytes:
        return json.dumps({"event-data": said[0]}).encode()

    def signed(self, raw: bytes, number: int = 1) -> Post:
        stamp = f"{NOW.timestamp():.0f}"
        token = hashlib.sha256(raw).hexdigest()[:50]
        code = hmac.new(SIGNING_KEY.encode(), (stamp + token).encode(), hashlib.sha256)
        signature = {"timestamp": stamp, "token": token, "signature": code.hexdigest()}
        said = json.loads(raw)
        if isinstance(said, dict):
            said = {"signature": signature, **said}
        return Post(json.dumps(said).encode(), basic())

    def spoilt(self, post: Post) -> Iterator[Post]:
        yield from super().spoilt(post)
        said = json.loads(post.raw)
        for name, value in said["signature"].items():
            for wrong in ("", "7" + value[1:] if value[0] != "7" else "8" + value[1:], None, 7):
                changed = {**said["signature"], name: wrong}
                yield replace(post, raw=json.dumps({**said, "signature": changed}).encode())
        yield replace(post, raw=b"[]")
        yield replace(post, raw=b"{")


class SparkPostTeller(Teller):
    name = "sparkpost"
    covers_body = False
    many_at_once = True

    def said(self, what: str, number: int = 1) -> dict[str, Any]:
        about: dict[str, dict[str, Any]] = {
            "delivered": {"type": "delivery"},
            "hard": {"type": "bounce", "bounce_class": "10", "raw_reason": NO_USER},
            "soft": {"type": "out_of_band", "bounce_class": "22", "raw_reason": FULL},
            "complained": {"type": "spam_complaint", "fbtype": "abuse"},
            "waiting": {"type": "delay", "bounce_class": "21", "raw_reason": FULL},
            "opened": {"type": "initial_open"},
            "clicked": {"type": "amp_click"},
            "new": {"type": "sms_status"},
        }
        groups = {"opened": "track_event", "clicked": "track_event"}
        inner = {
            "event_id": f"9274204803698761{number}{what}",
            "timestamp": f"{AT.timestamp():.0f}",
            "message_id": f"000443ee14578172be22-{number}",
            "transmission_id": f"65832150921904138{number}",
            "rcpt_meta": {"delivery": mark(number)},
            "raw_rcpt_to": READER,
            "rcpt_to": READER,
            **about[what],
        }
        return {"msys": {groups.get(what, "message_event"): inner}}

    def body(self, *said: dict[str, Any]) -> bytes:
        return json.dumps(said).encode()

    def signed(self, raw: bytes, number: int = 1) -> Post:
        return Post(raw, basic())


class PostmarkTeller(Teller):
    name = "postmark"
    covers_body = False

    def said(self, what: str, number: int = 1) -> dict[str, Any]:
        time = f"{AT:%Y-%m-%dT%H:%M:%S}.2735393Z"
        identifier = int.from_bytes(f"{what}{number}".encode()[-6:])
        bounce = {"RecordType": "Bounce", "ID": identifier, "BouncedAt": time}
        about: dict[str, dict[str, Any]] = {
            "delivered": {"RecordType": "Delivery", "DeliveredAt": time, "Details": "OK"},
            "hard": {**bounce, "Type": "HardBounce", "TypeCode": 1, "Details": NO_USER},
            "soft": {**bounce, "Type": "SoftBounce", "TypeCode": 4096, "Details": FULL},
            "complained": {**bounce, "RecordType": "SpamComplaint", "Type": "SpamComplaint"},
            "waiting": {**bounce, "Type": "Transient", "TypeCode": 2, "Details": FULL},
            "opened": {"RecordType": "Open", "ReceivedAt": time},
            "clicked": {"RecordType": "Click", "ReceivedAt": time},
            "new": {"RecordType": "Weather", "ReceivedAt": time},
        }
        return {
            "MessageID": f"00000000-0000-0000-0000-{number:012d}",
            "Metadata": {"delivery": mark(number)},
            ("Recipient" if what == "delivered" else "Email"): READER,
            "MessageStream": "broadcast",
            **about[what],
        }

    def signed(self, raw: bytes, number: int = 1) -> Post:
        return Post(raw, basic())


class ResendTeller(Teller):
    name = "resend"

    def said(self, what: str, number: int = 1) -> dict[str, Any]:
        hard = {"type": "Permanent", "subType": "General", "message": NO_USER}
        soft = {"type": "Transient", "subType": "MailboxFull", "diagnosticCode": [FULL]}
        about: dict[str, tuple[str, dict[str, Any]]] = {
            "delivered": ("email.delivered", {}),
            "hard": ("email.bounced", {"bounce": hard}),
            "soft": ("email.bounced", {"bounce": soft}),
            "complained": ("email.complained", {}),
            "waiting": ("email.delivery_delayed", {}),
            "opened": ("email.opened", {}),
            "clicked": ("email.clicked", {"click": {"link": "https://example.org"}}),
            "new": ("email.folded", {}),
        }
        kind, inner = about[what]
        data = {
            "created_at": "2026-11-21T09:00:00.000Z",
            "email_id": f"56761188-7520-42d8-8898-{number:012d}",
            "from": "Desk <desk@news.example>",
            "to": [READER],
            "tags": {"delivery": mark(number)},
            **inner,
        }
        return {"type": kind, "created_at": f"{AT:%Y-%m-%dT%H:%M:%S}.000Z", "data": data}

    def signed(self, raw: bytes, number: int = 1) -> Post:
        return self.signed_at(raw, NOW)

    def signed_at(self, raw: bytes, at: datetime, before: str = "") -> Post:
        """At a time of one's own, with other signatures before the right one."""
        identifier = "msg_" + hashlib.sha256(raw).hexdigest()[:20]
        stamp = f"{at.timestamp():.0f}"
        key = base64.b64decode(SVIX_KEY.removeprefix("whsec_"))
        text = b".".join((identifier.encode(), stamp.encode(), raw))
        code = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
        headers = {"svix-id": identifier, "svix-timestamp": stamp}
        return Post(raw, {**headers, "svix-signature": f"{before}v1,{code}"})


class BrevoTeller(Teller):
    name = "brevo"
    covers_body = False

    def said(self, what: str, number: int = 1) -> dict[str, Any]:
        about: dict[str, dict[str, Any]] = {
            "delivered": {"event": "delivered"},
            "hard": {"event": "hard_bounce", "reason": NO_USER},
            "soft": {"event": "soft_bounce", "reason": FULL},
            "complained": {"event": "spam"},
            "waiting": {"event": "deferred", "reason": FULL},
            "opened": {"event": "unique_opened"},
            "clicked": {"event": "click", "link": "https://example.org"},
            "new": {"event": "framed"},
        }
        return {
            "email": READER,
            "id": 26224,
            "date": "2026-11-21 03:11:07",
            "ts": 1,
            "message-id": f"<20261121.{number}@smtp-relay.example>",
            "ts_event": 2,
            "ts_epoch": int(AT.timestamp() * 1000),
            "X-Mailin-custom": mark(number),
            "subject": "Rain",
            **about[what],
        }

    def signed(self, raw: bytes, number: int = 1) -> Post:
        return Post(raw, {"authorization": f"Bearer {HOOK_SECRET}"})


@cache
def sendgrids_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


class SendGridTeller(Teller):
    name = "sendgrid"
    many_at_once = True

    def section(self) -> SendGrid:
        public = sendgrids_key().public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return SendGrid(webhook_key=base64.b64encode(der).decode())

    def said(self, what: str, number: int = 1) -> dict[str, Any]:
        about: dict[str, dict[str, Any]] = {
            "delivered": {"event": "delivered", "response": "250 OK"},
            "hard": {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": NO_USER},
            "soft": {"event": "bounce", "type": "blocked", "status": "4.2.2", "reason": FULL},
            "complained": {"event": "spamreport"},
            "waiting": {"event": "deferred", "response": FULL},
            "opened": {"event": "open"},
            "clicked": {"event": "click", "url": "https://example.org"},
            "new": {"event": "account_status_change"},
        }
        return {
            "email": READER,
            "timestamp": int(AT.timestamp()),
            "smtp-id": f"<{mark(number)}@news.example>",
            "sg_event_id": f"ZGVsaXZlcmVk{number}{what}",
            "sg_message_id": f"filter{number}",
            **about[what],
        }

    def body(self, *said: dict[str, Any]) -> bytes:
        return json.dumps(said).encode()

    def signed(self, raw: bytes, number: int = 1) -> Post:
        stamp = f"{NOW.timestamp():.0f}"
        code = sendgrids_key().sign(stamp.encode() + raw, ec.ECDSA(SHA256()))
        start = "x-twilio-email-event-webhook-"
        signature = base64.b64encode(code).decode()
        return Post(raw, {f"{start}timestamp": stamp, f"{start}signature": signature})


class MailjetTeller(Teller):
    name = "mailjet"
    covers_body = False
    many_at_once = True

    def section(self) -> Mailjet:
        return Mailjet(webhook_secret=HOOK_SECRET)

    def said(self, what: str, number: int = 1) -> dict[str, Any]:
        user = {"error_related_to": "recipient", "error": "user unknown"}
        about: dict[str, dict[str, Any]] = {
            "delivered": {"event": "sent", "smtp_reply": "sent (250 2.0.0 OK)"},
            "hard": {"event": "bounce", "hard_bounce": True, **user, "comment": NO_USER},
            "soft": {"event": "bounce", "hard_bounce": False, "error": "quota", "comment": FULL},
            "complained": {"event": "spam", "source": "JMRPP"},
            "waiting": {"event": "bounce", "hard_bounce": False, "error": "greylisted"},
            "opened": {"event": "open"},
            "clicked": {"event": "click", "url": "https://example.org"},
            "new": {"event": "parcel"},
        }
        return {
            "time": int(AT.timestamp()),
            "MessageID": 19421777835146490 + number,
            "email": READER,
            "CustomID": mark(number),
            "Payload": "",
            **about[what],
        }

    def body(self, *said: dict[str, Any]) -> bytes:
        return json.dumps(said if len(said) > 1 else said[0]).encode()

    def signed(self, raw: bytes, number: int = 1) -> Post:
        return Post(raw, basic())
