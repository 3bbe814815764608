"""Claims of mails that go to one person alone: confirmations, welcomes, goodbyes.

One row each, because they are few and come one by one.

The reader stands in the WHERE too: SQLite gives the number of somebody who was erased to whoever
joins next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from newsletter.core.db import database_now
from newsletter.delivery.models import Delivery
from newsletter.delivery.rows import changed
from newsletter.delivery.states import State
from subscribers import greeting
from subscribers.models import Confirmation, Greeting, Subscription


@dataclass(frozen=True, slots=True)
class HeldMail:
    """The mail of a sign-up or greeting in this worker's hands."""

    id: int
    publication_id: int
    subscriber_id: int | None
    edition: str
    attempts: int
    kind: str
    """confirmation | welcome | goodbye"""
    origin_id: int
    """Of the row it comes from, in the table of its kind."""
    asked_at: datetime
    expires_at: datetime


def claim(session: Session, owner: str, *, limit: int, lease_seconds: int) -> list[HeldMail]:
    """Take up to `limit` that are due; the lease runs by the database's clock."""
    now = database_now(session)
    due = (
        select(Delivery.id)
        .where(
            Delivery.issue_id.is_(None),
            Delivery.state == State.PLANNED,
            or_(Delivery.not_before_at.is_(None), Delivery.not_before_at <= now),
        )
        .order_by(Delivery.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")  # as a plain subquery PostgreSQL may run it again for each row
    )
    held = {"owner": owner, "lease_until_at": now + timedelta(seconds=lease_seconds)}
    statement = (
        update(Delivery)
        .where(Delivery.id.in_(select(due.c.id)), Delivery.state == State.PLANNED)
        .values(state=State.CLAIMED, changed_at=now, **held)
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    return _held(session, sorted(session.scalars(statement)))


def _held(session: Session, ids: list[int]) -> list[HeldMail]:
    if not ids:
        return []
    origin = func.coalesce(Confirmation.subscription_id, Greeting.subscription_id)
    about = (
        select(
            Delivery.id,
            Subscription.publication_id,
            Delivery.subscriber_id,
            Delivery.edition,
            Delivery.attempts,
            func.coalesce(Greeting.kind, "confirmation"),
            func.coalesce(Confirmation.id, Greeting.id),
            Confirmation.created_at,
            Confirmation.expires_at,
            Greeting.created_at,
        )
        .outerjoin(Confirmation, Confirmation.id == Delivery.confirmation_id)
        .outerjoin(Greeting, Greeting.id == Delivery.greeting_id)
        .join(Subscription, Subscription.id == origin)
        .where(Delivery.id.in_(ids))
        .order_by(Delivery.id)
    )
    rows: Sequence[Any] = session.execute(about).all()
    return [_mail(row) for row in rows]


def _mail(row: Any) -> HeldMail:
    asked_at, expires_at, greeted_at = row[7:]
    if greeted_at is not None:
        asked_at, expires_at = greeted_at, greeted_at + greeting.GOOD_FOR
    return HeldMail(*[*row[:7], asked_at, expires_at])


def intend(session: Session, held: HeldMail, owner: str) -> bool:
    """Write down that the body may leave now; False when the claim was lost or its reader erased.

    Committed by the caller before the first byte of the body leaves.
    """
    statement = (
        update(Delivery)
        .where(_mine(held, owner), Delivery.state == State.CLAIMED)
        .values(state=State.SUBMITTING, changed_at=database_now(session))
    )
    return changed(session, statement) == 1


def is_still_mine(session: Session, held: HeldMail, owner: str) -> bool:
    """Whether the claim holds at this moment."""
    found = select(Delivery.id).where(_mine(held, owner), Delivery.state == State.CLAIMED)
    return session.scalar(found) is not None


def release(session: Session, owner: str, ids: Iterable[int]) -> int:
    """Hand claims back untouched; what was skipped or taken over meanwhile stays as it is."""
    mine = Delivery.id.in_(list(ids)) & (Delivery.owner == owner)
    now = database_now(session)
    return changed(
        session,
        update(Delivery)
        .where(mine, Delivery.issue_id.is_(None), Delivery.state == State.CLAIMED)
        .values(state=State.PLANNED, owner=None, lease_until_at=None, changed_at=now),
    )


def _mine(held: HeldMail, owner: str) -> ColumnElement[bool]:
    same_reader = Delivery.subscriber_id.is_not_distinct_from(held.subscriber_id)
    return (Delivery.id == held.id) & same_reader & (Delivery.owner == owner)
