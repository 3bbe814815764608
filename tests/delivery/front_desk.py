"""Sign-ups made by the real doors, and what became of their mails."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from sqlalchemy import select

from newsletter.app import Services
from newsletter.core.addresses import parse
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.tokens import Purpose
from newsletter.delivery import transactional
from newsletter.delivery.models import Delivery
from newsletter.editorial import publications
from subscribers import optin

LIMITS = optin.Limits(per_address_day=1, per_address_month=3, per_service_hour=300, valid_days=7)
_LINK = re.compile(r"http://127\.0\.0\.1:8080/c/(\S+?)(?=[\s\"]|$)")


def open_publication(services: Services) -> int:
    """A bilingual publication that mail can be sent for; its id."""
    with writing(services.engine) as session:
        wanted = publications.default()
        wanted.names = {"en": "Hill Country Weekly", "my": "တောင်တန်းဒေသ အပတ်စဉ်"}
        wanted.sender.address = "desk@news.example"
        wanted.sender.reply_to = "letters@news.example"
        return publications.create(session, wanted, now=now()).id


def sign_up(
    services: Services,
    publication_id: int,
    address: str = "reader@example.org",
    edition: str = "en",
    at: datetime | None = None,
    *,
    discreet: bool = False,
) -> int | None:
    """Fill in the form: the delivery that is planned, or None."""
    with writing(services.engine) as session:
        due = optin.subscribe(
            session,
            services.sealer,
            publication_id=publication_id,
            address=parse(address),
            edition=edition,
            wording="Subscribe",
            limits=LIMITS,
            now=at or now(),
            discreet=discreet,
        )
        if due is None:
            return None
        transactional.plan(session, due, at or now())
        return session.scalars(select(Delivery.id).where(Delivery.confirmation_id == due.id)).one()


def sign_up_all(services: Services, publication_id: int, names: Sequence[str]) -> None:
    """One sign-up each, in this order."""
    for name in names:
        sign_up(services, publication_id, f"{name}@example.org")


def press(services: Services, mail: EmailMessage) -> str:
    """Follow the link in a mail and press its button."""
    (token,) = set(links(mail))
    claim = services.signer.read(token, Purpose.CONFIRM)
    with writing(services.engine) as session:
        return optin.confirm(
            session,
            public_id=claim.subject,
            publication_id=claim.scope,
            wording="Confirm subscription",
            now=now(),
        )


def read(data: bytes) -> EmailMessage:
    """A message as a mail program takes it."""
    return message_from_bytes(data, _class=EmailMessage, policy=policy.default)


def body(mail: EmailMessage, kind: str) -> str:
    """The `plain` or `html` part."""
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def links(mail: EmailMessage) -> list[str]:
    """The tokens in both parts."""
    return _LINK.findall(body(mail, "plain") + body(mail, "html"))


def mails(services: Services) -> list[Delivery]:
    """The deliveries of confirmations, in order."""
    with reading(services.engine) as session:
        found = select(Delivery).where(Delivery.issue_id.is_(None)).order_by(Delivery.id)
        loaded = list(session.scalars(found))
        session.expunge_all()
        return loaded


def standing(services: Services) -> dict[str, int]:
    """How many stand where."""
    with reading(services.engine) as session:
        return transactional.standing(session)
