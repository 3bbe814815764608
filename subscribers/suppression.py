"""Addresses that are never mailed again, whatever the publication; kept as keyed hashes only."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter.core.errors import NotFound
from subscribers.models import Subscriber, Suppression


def suppress(session: Session, address_index: bytes, reason: str, now: datetime) -> bool:
    """Bar an address (hard_bounce, complaint, manual, erased); False when it was barred before.

    The first reason stays. The row outlives the subscriber: after an erasure it is the only
    trace, and keeps a later import from writing to that person again.
    """
    if is_suppressed(session, address_index):
        return False
    try:
        with session.begin_nested():
            session.add(Suppression(address_index=address_index, reason=reason, at=now))
    except IntegrityError:
        return False
    return True


def is_suppressed(session: Session, address_index: bytes) -> bool:
    """Whether this address (its blind index) is barred."""
    barred = select(Suppression.reason).where(Suppression.address_index == address_index)
    return session.scalar(barred) is not None


def index_of(session: Session, subscriber_id: int) -> bytes:
    """The blind index of a subscriber, for suppressing whom a server refuses; or NotFound."""
    found = session.scalar(select(Subscriber.address_index).where(Subscriber.id == subscriber_id))
    if found is None:
        raise NotFound("subscriber", f"there is no subscriber {subscriber_id} (any more)")
    return found
