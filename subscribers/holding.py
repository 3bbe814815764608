"""Holding an address: one row for each, however many programs put it in at the same moment."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter.core.addresses import Address
from newsletter.core.errors import NotFound
from newsletter.core.sealing import Sealer
from subscribers.models import Subscriber, Subscription

_TRIES = 3


def hold(
    session: Session, sealer: Sealer, address: Address, index: bytes, now: datetime
) -> Subscriber:
    """Whom we hold under this address (`index` is its blind index), made when there is nobody.

    Nobody forgets the row before the caller's transaction ends. NotFound when it was erased
    between two looks.
    """
    known = _locked(session, index)
    if known is not None:
        return known
    for _ in range(_TRIES):
        sealed = sealer.sealed(address.text)
        made = Subscriber(
            public_id=uuid4(),
            sealed_address=sealed.value,
            seal_key_id=sealed.key_id,
            address_index=index,
            created_at=now,
        )
        if inserted(session, made):
            return made
        other = _locked(session, index)
        if other is not None:
            return other
        sealer.renew()  # our key was removed by a rotation (foreign key), or the row came and went
    raise erased_meanwhile()


def _locked(session: Session, index: bytes) -> Subscriber | None:
    # FOR KEY SHARE: the row may change but not go (hygiene.clean asks for it whole).
    there = select(Subscriber).where(Subscriber.address_index == index)
    return session.scalar(there.with_for_update(read=True, key_share=True))


def inserted(session: Session, row: Subscriber | Subscription) -> bool:
    """False when another program put the same row in first (unique key), or removed its key."""
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True


def erased_meanwhile() -> NotFound:
    """What to raise when a row was made and erased again between our two looks."""
    return NotFound("address", "this address was erased at this very moment; try again")
