"""Whom an issue may reach: decided in one statement, and asked again before each message."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Select, any_, bindparam, case, func, null, or_, select
from sqlalchemy.orm import Session

from newsletter.core.addresses import Address
from newsletter.core.clock import now
from newsletter.core.errors import NotFound
from newsletter.core.sealing import Sealer
from subscribers.models import Subscriber, Subscription, Suppression

Standing = Literal["unsubscribed", "pending", "suppressed", "paused", "erased"]


@dataclass(frozen=True, slots=True)
class Recipient:
    """What one message needs to know of the reader it is for, as it stands at this moment."""

    address: Address
    public_id: UUID
    """The id that may stand in links."""
    text_only: bool
    """The reader wants the mail without HTML."""
    discreet: bool
    """The reader wants the mail that shows nothing at first sight."""


def candidates(publication_id: int, at: datetime) -> Select[int, str, str | None]:
    """One SELECT of (subscriber_id, edition, reason), fit for INSERT … FROM SELECT.

    `reason` is NULL for whom an issue that goes out `at` this instant is meant, else `pending`,
    `suppressed` or `paused`: rows that enter the ledger as skipped, so that its sums can be
    explained. Whoever left is not in it. Each subscriber comes once; the order is that of
    joining. A pause that is over needs no deed: its instant has passed.
    """
    # The few that are barred are looked up among the people, and not each person among them.
    by_address = Suppression.address_index == Subscriber.address_index
    barred = select(Subscriber.id).join(Suppression, by_address).subquery("barred")
    reason = case(
        (Subscription.state != "active", "pending"),
        (barred.c.id.is_not(None), "suppressed"),
        (Subscription.paused_until_at > at, "paused"),
        else_=null(),
    ).label("reason")
    return (
        select(Subscription.subscriber_id, Subscription.edition, reason)
        .outerjoin(barred, barred.c.id == Subscription.subscriber_id)
        .where(Subscription.publication_id == publication_id, Subscription.state != "ended")
        .order_by(Subscription.subscriber_id)
    )


def standing(
    session: Session, subscriber_id: int | None, publication_id: int, at: datetime | None = None
) -> Standing | None:
    """Whether this person may be written to (`at`: None is this moment); None means yes.

    To be asked right before each submission: somebody who left a second ago gets nothing more,
    also when the delivery was planned long before (RFC 8058; standards U15).
    """
    if subscriber_id is None:
        return "erased"
    row = session.execute(
        select(Subscription.state, Suppression.reason, Subscription.paused_until_at)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .outerjoin(Suppression, Suppression.address_index == Subscriber.address_index)
        .where(
            Subscription.subscriber_id == subscriber_id,
            Subscription.publication_id == publication_id,
        )
    ).one_or_none()
    if row is None:
        return "erased"
    return _judged(row[0], row[1], row[2], at or now())


class Reader(NamedTuple):
    """What a message needs of its reader, still sealed, and whether it may be sent."""

    sealed_address: bytes
    public_id: UUID
    text_only: bool
    discreet: bool
    obstacle: Standing | None


def readers(
    session: Session, publication_id: int, subscriber_ids: Collection[int], at: datetime
) -> dict[int, Reader]:
    """`recipient_of` and `standing` of many at once, by number; whoever is missing was erased."""
    connection, people = session.connection(), list(subscriber_ids)
    if connection.dialect.name == "postgresql":
        found = connection.execute(_READERS, {"publication": publication_id, "people": people})
    else:
        listed = {"publication": publication_id, "people": json.dumps(people)}
        found = connection.execute(_READERS_OF_FILE, listed)
    return {
        row[0]: Reader(row[1], row[2], row[3], row[4], _judged(row[5], row[6], row[7], at))
        for row in found
    }


_people, _held, _barred = Subscriber.__table__, Subscription.__table__, Suppression.__table__
_ANY_READERS = (
    select(
        _people.c.id,
        _people.c.sealed_address,
        _people.c.public_id,
        _held.c.text_only,
        _held.c.discreet,
        _held.c.state,
        _barred.c.reason,
        _held.c.paused_until_at,
    )
    .select_from(
        _people.join(_held, _held.c.subscriber_id == _people.c.id).outerjoin(
            _barred, _barred.c.address_index == _people.c.address_index
        )
    )
    .where(_held.c.publication_id == bindparam("publication"))
)
_READERS = _ANY_READERS.where(_people.c.id == any_(bindparam("people", type_=ARRAY(Integer))))
_asked = func.json_each(bindparam("people")).table_valued("value")
_READERS_OF_FILE = _ANY_READERS.where(_people.c.id.in_(select(_asked.c.value)))
"""Put together once, with one place for all numbers: it is asked between all groups of messages,
and the database keeps what it made of it."""


def _judged(
    state: str, barred: str | None, paused_until: datetime | None, at: datetime
) -> Standing | None:
    if state == "ended":
        return "unsubscribed"
    if barred is not None:
        return "suppressed"
    if state != "active":
        return "pending"
    return "paused" if paused_until is not None and paused_until > at else None


def editions_wanted(session: Session, publication_id: int, at: datetime) -> dict[str, int]:
    """How many readers would get each edition if it went out `at`: {"en": 12, "my": 30}."""
    people = candidates(publication_id, at).order_by(None).subquery()
    rows = session.execute(
        select(people.c.edition, func.count())
        .where(people.c.reason.is_(None))
        .group_by(people.c.edition)
        .order_by(people.c.edition)
    )
    return {str(edition): int(number) for edition, number in rows}


def discreet_wanted(session: Session, publication_id: int, at: datetime) -> dict[str, int]:
    """How many of them want it discreet, by edition; usually nobody: then it is empty."""
    rows = session.execute(
        select(Subscription.edition, func.count())
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .outerjoin(Suppression, Suppression.address_index == Subscriber.address_index)
        .where(
            Subscription.publication_id == publication_id,
            Subscription.discreet,
            Subscription.state == "active",
            Suppression.reason.is_(None),
            or_(Subscription.paused_until_at.is_(None), Subscription.paused_until_at <= at),
        )
        .group_by(Subscription.edition)
        .order_by(Subscription.edition)
    )
    return {str(edition): int(number) for edition, number in rows}


def recipient_of(
    session: Session, sealer: Sealer, subscriber_id: int, publication_id: int
) -> Recipient:
    """Everything a message needs of its reader, in one look; NotFound after an erasure."""
    row = session.execute(
        select(
            Subscriber.sealed_address,
            Subscriber.public_id,
            Subscription.text_only,
            Subscription.discreet,
        )
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .where(Subscriber.id == subscriber_id, Subscription.publication_id == publication_id)
    ).one_or_none()
    if row is None:
        raise NotFound("subscriber", f"there is no subscriber {subscriber_id} (any more)")
    sealed, public_id, text_only, discreet = row
    return Recipient(Address(sealer.open(sealed)), public_id, text_only, discreet)


def address_of(session: Session, sealer: Sealer, subscriber_id: int) -> Address:
    """The address to write to, opened; NotFound when the person was erased."""
    sealed = session.scalar(select(Subscriber.sealed_address).where(Subscriber.id == subscriber_id))
    if sealed is None:
        raise NotFound("subscriber", f"there is no subscriber {subscriber_id} (any more)")
    return Address(sealer.open(sealed))


def public_id_of(session: Session, subscriber_id: int) -> UUID:
    """The id that may stand in links; NotFound when the person was erased."""
    found = session.scalar(select(Subscriber.public_id).where(Subscriber.id == subscriber_id))
    if found is None:
        raise NotFound("subscriber", f"there is no subscriber {subscriber_id} (any more)")
    return found
