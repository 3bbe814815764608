"""Claims: a worker takes some planned deliveries for itself, for a while.

Fencing: state and owner stand in the WHERE of every move, so a worker that was frozen and
comes back late cannot touch what others took over meanwhile. The reader stands there too:
SQLite gives the number of somebody who was erased to whoever joins next.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Row, exists, or_, select, update
from sqlalchemy.orm import Session

from newsletter.core.db import database_now
from newsletter.delivery.models import Delivery
from newsletter.delivery.rows import changed
from newsletter.delivery.states import State
from newsletter.editorial.models import Issue
from newsletter.editorial.states import Status
from subscribers.models import Confirmation, Subscription


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery in this worker's hands, whatever it is of."""

    id: int
    publication_id: int
    subscriber_id: int | None
    edition: str
    attempts: int


@dataclass(frozen=True, slots=True)
class HeldIssue(Held):
    """An issue's message to one of its audience."""

    issue_id: int
    launched_at: datetime


@dataclass(frozen=True, slots=True)
class HeldConfirmation(Held):
    """The mail of a sign-up."""

    confirmation_id: int
    asked_at: datetime
    expires_at: datetime


Claimed = HeldIssue | HeldConfirmation
_Rows = list[Row[int, int | None, str, int, int | None]]


def claim(session: Session, owner: str, *, limit: int, lease_seconds: int) -> list[Claimed]:
    """Take up to `limit` due deliveries: confirmations first, so that somebody who just signed up
    does not wait behind a million, else of one issue that is being sent, oldest launch first.

    The lease runs by the database's clock; whoever holds it renews it (see `renew`).
    """
    now = database_now(session)
    held = {"owner": owner, "lease_until_at": now + timedelta(seconds=lease_seconds)}
    rows = _take(session, Delivery.issue_id.is_(None), limit, now, held)
    if rows:
        return _confirmations(session, rows)
    sending = (
        select(Issue.id, Issue.publication_id, Issue.launched_at)
        .where(Issue.status == Status.SENDING)
        .order_by(Issue.launched_at, Issue.id)
    )
    for issue_id, publication_id, at in session.execute(sending).all():
        rows = _take(session, Delivery.issue_id == issue_id, limit, now, held)
        if rows:
            return [
                HeldIssue(id_, publication_id, who, edition, attempts, issue_id, at or now)
                for id_, who, edition, attempts, _ in rows
            ]
    return []


def _take(
    session: Session,
    origin: ColumnElement[bool],
    limit: int,
    now: datetime,
    held: dict[str, object],
) -> _Rows:
    due = (
        select(Delivery.id)
        .where(
            origin,
            Delivery.state == State.PLANNED,
            or_(Delivery.not_before_at.is_(None), Delivery.not_before_at <= now),
        )
        .order_by(Delivery.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")  # as a plain subquery PostgreSQL may run it again for each row
    )
    columns = (Delivery.id, Delivery.subscriber_id, Delivery.edition, Delivery.attempts)
    statement = (
        update(Delivery)
        .where(Delivery.id.in_(select(due.c.id)), Delivery.state == State.PLANNED)
        .values(state=State.CLAIMED, changed_at=now, **held)
        .returning(*columns, Delivery.confirmation_id)
        .execution_options(synchronize_session=False)
    )
    return sorted(session.execute(statement), key=lambda row: row[0])


def _confirmations(session: Session, rows: _Rows) -> list[Claimed]:
    about = (
        select(
            Confirmation.id,
            Subscription.publication_id,
            Confirmation.created_at,
            Confirmation.expires_at,
        )
        .join(Subscription, Subscription.id == Confirmation.subscription_id)
        .where(Confirmation.id.in_([row[4] for row in rows]))
    )
    known = {row[0]: row for row in session.execute(about)}
    return [
        HeldConfirmation(id_, known[of][1], who, edition, attempts, of, known[of][2], known[of][3])
        for id_, who, edition, attempts, of in rows
        if of in known
    ]


def intend(session: Session, claimed: Claimed, owner: str) -> bool:
    """Write down that the body may leave now; False when it must not.

    False: the claim was lost, its reader erased, or the issue is no longer being sent.
    Committed by the caller before the first byte of the body leaves.
    """
    statement = (
        update(Delivery)
        .where(_mine(claimed, owner), Delivery.state == State.CLAIMED, _goes_out(claimed))
        .values(state=State.SUBMITTING, changed_at=database_now(session))
    )
    return changed(session, statement) == 1


def is_still_wanted(session: Session, claimed: Claimed, owner: str) -> bool:
    """Whether the claim holds, and its issue is being sent, at this moment."""
    found = select(Delivery.id).where(
        _mine(claimed, owner), Delivery.state == State.CLAIMED, _goes_out(claimed)
    )
    return session.scalar(found) is not None


def _goes_out(claimed: Claimed) -> ColumnElement[bool]:
    """Nobody pauses a confirmation; whether it is still wanted, `optin.obstacle` says."""
    if isinstance(claimed, HeldConfirmation):
        return Delivery.confirmation_id == claimed.confirmation_id
    return exists().where(Issue.id == claimed.issue_id, Issue.status == Status.SENDING)


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


def is_of(claimed: Claimed) -> ColumnElement[bool]:
    """Whether the delivery is still of the reader it was claimed for."""
    same_reader = Delivery.subscriber_id.is_not_distinct_from(claimed.subscriber_id)
    return (Delivery.id == claimed.id) & same_reader


def _mine(claimed: Claimed, owner: str) -> ColumnElement[bool]:
    return is_of(claimed) & (Delivery.owner == owner)
