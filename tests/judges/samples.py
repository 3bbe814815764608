"""What is judged: every kind of message a reader may get, built and signed as for the wire."""

from __future__ import annotations

import base64
import email
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from functools import cache
from typing import Any

from newsletter.editorial.discreet import neutral
from newsletter.editorial.publication_settings import Discreet
from newsletter.rendering import discreet, dkim_keys, notice
from newsletter.rendering.dkim import Signer, SigningKey
from newsletter.rendering.edition import render
from newsletter.rendering.environment import Theme
from newsletter.rendering.message import MessageTemplate
from tests.rendering import sample as issue

DOMAIN = "news.example.org"
MAIL_HOST = f"mail.{DOMAIN}"
BOUNCES = f"b+4f2a@{DOMAIN}"
SENDER_IP, RECEIVER_IP, DNS_IP = "192.0.2.10", "192.0.2.66", "192.0.2.53"
"""Addresses for documentation (RFC 5737), in the judges' own network only."""
EDITIONS = ("en", "my", "en+my")
_AT = datetime.now(UTC).replace(microsecond=0)
"""Filters think little of a Date that is long past."""
_TOKEN = "v1.k1.q7Jm2vXeT0aYc4RkWn9LdUs3Ph8GbZi5oF.x1Ty6uKp2Qw8eNv4MsRz0a"
_TOLD: dict[str, object] = {
    "weekday": 1,
    "sender": f"weekly@{DOMAIN}",
    "offers_discreet": True,
    "postal_addresses": {"en": "PO Box 12\n1000 Example Town"},
}


@dataclass(frozen=True)
class Sample:
    """One message, and what a reader must find in it."""

    name: str
    raw: bytes
    subject: str
    sender: tuple[str, str]
    to: str
    text: str
    html: str
    """As it stands in the message; "" in a text-only one."""
    mjml: str

    @property
    def is_of_list(self) -> bool:
        """Whether there is something to leave, and so a header for it."""
        return not ("confirm" in self.name or "goodbye" in self.name)

    @property
    def is_issue(self) -> bool:
        """An edition of an issue, and no mail to one person."""
        return self.is_of_list and "welcome" not in self.name

    @property
    def page(self) -> str:
        """The HTML with its picture in it, for engines that open a file."""
        found = self.html
        for part in parsed(self.raw).walk():
            if part["Content-ID"]:
                data = base64.b64encode(_payload(part)).decode()
                source = f"data:{part.get_content_type()};base64,{data}"
                found = found.replace(f"cid:{part['Content-ID'][1:-1]}", source)
        return found


class _Recording(Theme):
    """Keeps the MJML that was compiled last."""

    source = ""

    def mjml(self, name: str, language: str, **values: Any) -> str:
        """As the theme does it."""
        self.source = self.page(name, language, **values)
        return super().mjml(name, language, **values)


@cache
def signer() -> Signer:
    """RSA-2048 first, Ed25519 as a second signature."""
    keys = (SigningKey(kind, dkim_keys.generate(kind)) for kind in ("rsa", "ed25519"))
    return Signer(DOMAIN, tuple(keys))


def dns_records() -> dict[tuple[str, str], list[str]]:
    """What a well-kept domain has in the DNS, and the few names of the receiver."""
    keys = {
        (f"{key.selector}._domainkey.{DOMAIN}", "TXT"): [dkim_keys.record(key.private)]
        for key in signer().keys
    }
    backwards = ".".join(reversed(SENDER_IP.split("."))) + ".in-addr.arpa"
    return {
        **keys,
        (DOMAIN, "TXT"): [f"v=spf1 ip4:{SENDER_IP} -all"],
        (DOMAIN, "MX"): [f"10 {MAIL_HOST}."],
        (DOMAIN, "A"): [SENDER_IP],
        (MAIL_HOST, "A"): [SENDER_IP],
        (MAIL_HOST, "TXT"): [f"v=spf1 ip4:{SENDER_IP} -all"],
        (backwards, "PTR"): [f"{MAIL_HOST}."],
        (f"_dmarc.{DOMAIN}", "TXT"): [f"v=DMARC1; p=reject; rua=mailto:dmarc@{DOMAIN}"],
        ("example.org", "A"): [SENDER_IP],
        ("example.org", "MX"): [f"10 {MAIL_HOST}."],
        ("example.net", "MX"): ["10 mx.example.net."],
        ("mx.example.net", "A"): [RECEIVER_IP],
    }


@cache
def made() -> list[Sample]:
    """The sample issue in each edition, with and without picture, as text alone; a sign-up."""
    usual = issue.theme()
    theme = _Recording(usual.template_paths, usual.locale_paths, usual.languages)
    found = [
        _edition(theme, edition, with_picture=shown) for edition in EDITIONS for shown in (1, 0)
    ]
    alone = [_edition(theme, edition, with_picture=True, text_only=True) for edition in EDITIONS]
    quiet = [_discreet(theme, edition) for edition in EDITIONS]
    confirmations = [_small(theme, "confirm", edition) for edition in EDITIONS]
    others = [
        _small(theme, kind, edition) for kind in ("welcome", "goodbye") for edition in EDITIONS
    ]
    return [
        *found,
        *alone,
        *quiet,
        *confirmations,
        *others,
        _small(theme, "welcome", "my", quiet=True),
    ]


def parsed(raw: bytes) -> EmailMessage:
    """By the standard library."""
    return email.message_from_bytes(raw, _class=EmailMessage, policy=policy.default)


def _payload(part: Any) -> bytes:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload


def _edition(
    theme: _Recording, edition: str, *, with_picture: bool | int, text_only: bool = False
) -> Sample:
    letter = issue.letter(edition, with_picture=bool(with_picture))
    rendered = render(letter, theme)
    reader = issue.recipient()._replace(date=_AT)
    raw = MessageTemplate(letter, rendered, signer()).build(reader, text_only=text_only)
    kind = "text" if text_only else "picture" if with_picture else "bare"
    return _sample(
        f"{edition}-{kind}",
        raw,
        rendered.subject,
        (letter.sender_name, letter.sender_address),
        theme.source,
    )


def _discreet(theme: _Recording, edition: str) -> Sample:
    """The form for readers who must not be found with it."""
    told = Discreet(address=f"notes@{DOMAIN}", url=f"https://{DOMAIN}")
    names = {code: discreet.name_in(theme, code) for code in edition.split("+")}
    letter = neutral(issue.letter(edition), told, names)
    rendered = discreet.render(letter, theme, discreet.Words())
    reader = issue.recipient()._replace(date=_AT)
    raw = MessageTemplate(letter, rendered, signer()).build(reader)
    sender = (letter.sender_name, letter.sender_address)
    return _sample(f"{edition}-discreet", raw, rendered.subject, sender, theme.source)


def _small(theme: _Recording, kind: str, edition: str, *, quiet: bool = False) -> Sample:
    """A mail to one person: to confirm, to be welcomed, to be seen off; `quiet`: discreetly."""
    names = {"en": "Weekly Highlights", "my": "အပတ်စဉ် သတင်းလွှာ"}
    if quiet:
        names = {code: discreet.name_in(theme, code) for code in names}
    languages = tuple(edition.split("+"))
    sender = (names[languages[0]], f"weekly@{DOMAIN}")
    leave = f"https://{DOMAIN}/u/{_TOKEN}"
    letter = notice.Notice(
        languages=languages,
        names=names,
        sender_name=sender[0],
        sender_address=sender[1],
        reply_to="editors@example.org",
        link=f"https://{DOMAIN}/c/{_TOKEN}",
        days=7,
        kind=kind,
        is_discreet=quiet,
        leave=(leave, f"mailto:leave@{DOMAIN}?subject=leave%20{_TOKEN}") * (kind == "welcome"),
        told={**_TOLD, "unsubscribe_url": leave} if kind == "welcome" else {},
    )
    to = issue.recipient().address
    message_id = f"9f2c41d07be84a6d95e0c3b7{kind}@{DOMAIN}"
    built = notice.build(letter, theme, to=to, message_id=message_id, date=_AT)
    subject = str(parsed(built)["Subject"])
    if not quiet:
        words = {"confirm": notice.SUBJECT}.get(kind)
        subject = theme.words(languages[0]).gettext(words) if words else subject
    name = f"{edition}-{kind}{'-discreet' * quiet}"
    return _sample(name, signer().sign(built), subject, sender, theme.source)


def _sample(name: str, raw: bytes, subject: str, sender: tuple[str, str], mjml: str) -> Sample:
    message = parsed(raw)
    bodies = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
    text, html = (_payload(part).decode() if part else "" for part in bodies.values())
    to = issue.recipient().address.text
    return Sample(name, raw, subject, sender, to, text, html, mjml if html else "")
