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
from typing import Any, ClassVar

from newsletter.core.provider_settings import Mailjet
from newsletter.providers.hook import Hook
from newsletter.providers.webhooks import HOOKS
from tests.providers import fakes
from tests.providers.fakes import HOOK_SECRET, SIGNING_KEY

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
