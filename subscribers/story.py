"""One person: found exactly by address, and everything this room holds of them, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.core.addresses import parse
from newsletter.core.errors import NotFound
from newsletter.core.sealing import Sealer
from subscribers import suppression
from subscribers.models import Confirmation, Consent, Subscriber, Subscription


@dataclass(frozen=True, slots=True)
class Person:
    """Whom we hold, with the address opened: for the screen of whoever typed it, and no log."""

    subscriber_id: int
    public_id: UUID
    address: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """The person's standing with one publication."""

    subscription_id: int
    publication_id: int
    state: str
    """pending | active | ended"""
    edition: str
    text_only: bool
    discreet: bool
    paused_until_at: datetime | None
    since: datetime
    ended_at: datetime | None
    ended_how: str | None


@dataclass(frozen=True, slots=True)
class Barred:
    """Why and since when the address is never mailed."""

    reason: str
    """As Suppression.reason."""
    since: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """What stands under an address; `person` is None when only the keyed hash of it is kept."""

    person: Person | None
    held: tuple[Held, ...]
    barred: Barred | None


@dataclass(frozen=True, slots=True)
class Proof:
    """One consent row: when, how and with which words the person agreed, changed or left."""

    subscription_id: int
    at: datetime
    kind: str
    """given | withdrawn | changed | released"""
    how: str
    wording: str


@dataclass(frozen=True, slots=True)
class SignUp:
    """A sign-up by the form: what was asked for, and whether it was confirmed."""

    subscription_id: int
    confirmation_id: int
    at: datetime
    edition: str
    wording: str
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything this room holds of one person."""

    found: Found
    proofs: tuple[Proof, ...]
    signups: tuple[SignUp, ...]


def find(session: Session, sealer: Sealer, address: str) -> Found:
    """Who has this address, without opening any other; NotFound when nothing is held of it.

    One look at a unique index: as quick among a million as among ten.
    """
    index = sealer.blind_index(parse(address).lookup)
    person = session.scalar(select(Subscriber).where(Subscriber.address_index == index))
    bar = suppression.barred(session, index)
    if person is None and bar is None:
        raise NotFound("address", "nothing is held under this address; look at how it is spelt")
    barred = Barred(bar.reason, bar.at) if bar else None
    if person is None:
        return Found(None, (), barred)
    known = Person(
        person.id, person.public_id, sealer.open(person.sealed_address), person.created_at
    )
    return Found(known, _held(session, person.id), barred)


def tell(session: Session, sealer: Sealer, address: str) -> Story:
    """The whole story of whoever has this address, oldest first; NotFound as `find`."""
    found = find(session, sealer, address)
    ids = [held.subscription_id for held in found.held]
    return Story(found, _proofs(session, ids), _signups(session, ids))


def _held(session: Session, subscriber_id: int) -> tuple[Held, ...]:
    query = select(
        Subscription.id,
        Subscription.publication_id,
        Subscription.state,
        Subscription.edition,
        Subscription.text_only,
        Subscription.discreet,
        Subscription.paused_until_at,
        Subscription.created_at,
        Subscription.ended_at,
        Subscription.ended_reason,
    ).where(Subscription.subscriber_id == subscriber_id)
    found: Sequence[Any] = session.execute(query.order_by(Subscription.id)).all()
    return tuple(Held(*row) for row in found)


def _proofs(session: Session, subscription_ids: list[int]) -> tuple[Proof, ...]:
    query = select(
        Consent.subscription_id, Consent.at, Consent.kind, Consent.how, Consent.wording
    ).where(Consent.subscription_id.in_(subscription_ids))
    return tuple(Proof(*row) for row in session.execute(query.order_by(Consent.at, Consent.id)))


def _signups(session: Session, subscription_ids: list[int]) -> tuple[SignUp, ...]:
    query = select(
        Confirmation.subscription_id,
        Confirmation.id,
        Confirmation.created_at,
        Confirmation.edition,
        Confirmation.wording,
        Confirmation.expires_at,
        Confirmation.used_at,
    ).where(Confirmation.subscription_id.in_(subscription_ids))
    ordered = query.order_by(Confirmation.created_at, Confirmation.id)
    return tuple(SignUp(*row) for row in session.execute(ordered))
