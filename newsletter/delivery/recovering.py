"""After a crash: what was only claimed is planned again, what may have left becomes unknown.

Nothing that may have gone out is ever sent again by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, update
from sqlalchemy.orm import Session

from newsletter.core.db import database_now
from newsletter.delivery.models import Delivery
from newsletter.delivery.rows import changed
from newsletter.delivery.states import State


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found without a living owner."""

    planned: int
    unknown: int


def recover(session: Session, *, me: str, alone: bool) -> Recovered:
    """Take over from dead workers.

    `alone`: a lock proves that no other worker lives, so everything that is not mine is an
    orphan at once. Else an orphan is what outlived its lease, by the database's clock.
    """
    if alone:
        return _sweep(session, or_(Delivery.owner.is_(None), Delivery.owner != me))
    return _sweep(session, Delivery.lease_until_at < database_now(session))


def leave(session: Session, owner: str) -> Recovered:
    """A worker that ends: its claims go back; an answer it can no longer wait for is unknown."""
    return _sweep(session, Delivery.owner == owner)


def _sweep(session: Session, orphaned: ColumnElement[bool]) -> Recovered:
    now = database_now(session)
    claimed = update(Delivery).where(Delivery.state == State.CLAIMED, orphaned)
    planned = changed(
        session,
        claimed.values(state=State.PLANNED, owner=None, lease_until_at=None, changed_at=now),
    )
    # The owner stays in the row: should it still live, its late answer may settle the doubt.
    submitting = update(Delivery).where(Delivery.state == State.SUBMITTING, orphaned)
    unknown = changed(
        session,
        submitting.values(
            state=State.UNKNOWN,
            lease_until_at=None,
            changed_at=now,
            answer="the sending was interrupted before the answer was written down",
        ),
    )
    return Recovered(planned, unknown)
