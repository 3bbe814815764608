"""Claims: a worker takes some planned deliveries for itself, for a while.

Fencing: state and owner stand in the WHERE of every move, so a worker that was frozen and
comes back late cannot touch what others took over meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import Session

from newsletter.core.db import database_now
from newsletter.delivery.models import Delivery
from newsletter.delivery.rows import changed
from newsletter.delivery.states import State
from newsletter.editorial.models import Issue
from newsletter.editorial.states import Status


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery in this worker's hands."""

    id: int
    issue_id: int
    publication_id: int
    subscriber_id: int | None
    edition: str
    attempts: int
    launched_at: datetime


def claim(session: Session, owner: str, *, limit: int, lease_seconds: int) -> list[Claimed]:
    """Take up to `limit` due deliveries of one issue that is being sent, oldest launch first.

    The lease runs by the database's clock; whoever holds it renews it (see `renew`).
    """
    now = database_now(session)
    held = {"owner": owner, "lease_until_at": now + timedelta(seconds=lease_seconds)}
    sending = (
        select(Issue.id, Issue.publication_id, Issue.launched_at)
        .where(Issue.status == Status.SENDING)
        .order_by(Issue.launched_at, Issue.id)
    )
    for issue_id, publication_id, at in session.execute(sending).all():
        rows = _take(session, issue_id, limit, now, held)
        if rows:
            return [
                Claimed(id_, issue_id, publication_id, subscriber, edition, attempts, at or now)
                for id_, subscriber, edition, attempts in sorted(rows, key=lambda row: row[0])
            ]
    return []


def _take(
    session: Session, issue_id: int, limit: int, now: datetime, held: dict[str, object]
) -> Sequence[tuple[int, int | None, str, int]]:
    due = (
        select(Delivery.id)
        .where(
            Delivery.issue_id == issue_id,
            Delivery.state == State.PLANNED,
            or_(Delivery.not_before_at.is_(None), Delivery.not_before_at <= now),
        )
        .order_by(Delivery.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")  # as a plain subquery PostgreSQL may run it again for each row
    )
    statement = (
        update(Delivery)
        .where(Delivery.id.in_(select(due.c.id)), Delivery.state == State.PLANNED)
        .values(state=State.CLAIMED, changed_at=now, **held)
        .returning(Delivery.id, Delivery.subscriber_id, Delivery.edition, Delivery.attempts)
        .execution_options(synchronize_session=False)
    )
    return [(id_, who, edition, n) for id_, who, edition, n in session.execute(statement)]


def intend(session: Session, claimed: Claimed, owner: str) -> bool:
    """Write down that the body may leave now; False when it must not.

    False: the claim was lost, or the issue is no longer being sent. Committed by the caller
    before the first byte of the body leaves.
    """
    sending = exists().where(Issue.id == claimed.issue_id, Issue.status == Status.SENDING)
    statement = (
        update(Delivery)
        .where(_mine(claimed.id, owner), Delivery.state == State.CLAIMED, sending)
        .values(state=State.SUBMITTING, changed_at=database_now(session))
    )
    return changed(session, statement) == 1


def is_still_wanted(session: Session, claimed: Claimed, owner: str) -> bool:
    """Whether the claim holds and its issue is being sent at this moment."""
    found = (
        select(Delivery.id)
        .join(Issue, Issue.id == Delivery.issue_id)
        .where(
            _mine(claimed.id, owner),
            Delivery.state == State.CLAIMED,
            Issue.status == Status.SENDING,
        )
    )
    return session.scalar(found) is not None


def release(session: Session, owner: str, ids: Iterable[int]) -> int:
    """Hand claims back untouched; what was skipped or taken over meanwhile stays as it is."""
    return changed(
        session,
        update(Delivery)
        .where(
            Delivery.id.in_(list(ids)),
            Delivery.owner == owner,
            Delivery.state == State.CLAIMED,
        )
        .values(
            state=State.PLANNED, owner=None, lease_until_at=None, changed_at=database_now(session)
        ),
    )


def renew(session: Session, owner: str, lease_seconds: int) -> int:
    """Hold on to everything in this worker's hands, also while an answer takes ten minutes."""
    held = Delivery.state.in_([State.CLAIMED, State.SUBMITTING])
    until = database_now(session) + timedelta(seconds=lease_seconds)
    statement = update(Delivery).where(held, Delivery.owner == owner)
    return changed(session, statement.values(lease_until_at=until))


def _mine(delivery_id: int, owner: str) -> ColumnElement[bool]:
    return (Delivery.id == delivery_id) & (Delivery.owner == owner)
