"""The webhooks that are signed with keys: SNS for SES, Svix for Resend, and SendGrid's own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from newsletter.core.http import Reply
from newsletter.core.provider_settings import SendGrid
from newsletter.providers.hook import Hook
from newsletter.providers.ses_events import SesHook
from newsletter.providers.sns import Fetch, over_http
from tests.http_server import HttpServer
from tests.providers import fakes
from tests.providers.fakes import SVIX_KEY, TOPIC
from tests.providers.tellers import AT, FULL, NO_USER, NOW, READER, Post, Teller, mark


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
