"""Hygiene: what nobody confirmed is forgotten, and what has served its end is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, Delete, delete, exists, select
from sqlalchemy.orm import Session

from subscribers.brakes import KEPT
from subscribers.greeting import KEPT as GREETINGS_KEPT
from subscribers.models import Confirmation, Greeting, SignupMark, Subscriber, Subscription

BATCH = 500
"""Rows of a kind in one transaction: nobody waits for long, and the next call goes on."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """How many rows went."""

    confirmations: int
    subscriptions: int
    subscribers: int
    marks: int
    greetings: int = 0


def clean(session: Session, now: datetime) -> Cleaned:
    """Delete up to a batch of each: confirmations that ran out, used or not, with the pending
    subscription nobody confirmed and the subscriber of whom nothing else is held; and marks
    that no longer count, and greetings of a month ago. A used confirmation leaves its consent row.
    The mails go with what they come from. Costs four index looks when nothing is due.
    """
    greeted = select(Greeting.id).where(Greeting.created_at <= now - GREETINGS_KEPT).limit(BATCH)
    greetings = _gone(session, delete(Greeting).where(Greeting.id.in_(greeted)))
    marks = _gone(session, delete(SignupMark).where(SignupMark.id.in_(_old_marks(session, now))))
    people = _people(session, now)
    if not people:
        return Cleaned(0, 0, 0, marks, greetings)
    confirmations, subscriptions = _forget(session, people, now)
    alone = Subscriber.id.in_(people), ~exists().where(Subscription.subscriber_id == Subscriber.id)
    subscribers = _gone(session, delete(Subscriber).where(*alone)) if subscriptions else 0
    return Cleaned(confirmations, subscriptions, subscribers, marks, greetings)


def _old_marks(session: Session, now: datetime) -> Sequence[int]:
    old = select(SignupMark.id).where(SignupMark.at <= now - KEPT).order_by(SignupMark.at)
    return session.scalars(old.limit(BATCH)).all()


def _people(session: Session, now: datetime) -> Sequence[int]:
    """Whose confirmations ran out, held under lock: whoever signs up at this moment is left out
    (see holding.hold), and cannot find a row that is about to go.
    """
    ran_out = (
        select(Subscription.subscriber_id)
        .join(Confirmation, Confirmation.subscription_id == Subscription.id)
        .where(Confirmation.expires_at <= now)
        .order_by(Confirmation.expires_at)
        .limit(BATCH)
    )
    found = session.scalars(ran_out).all()
    if not found:
        return []
    held = select(Subscriber.id).where(Subscriber.id.in_(found)).order_by(Subscriber.id)
    return session.scalars(held.with_for_update(skip_locked=True)).all()


def _forget(session: Session, people: Sequence[int], now: datetime) -> tuple[int, int]:
    theirs = select(Subscription.id).where(Subscription.subscriber_id.in_(people))
    of_theirs = Confirmation.subscription_id.in_(theirs), Confirmation.expires_at <= now
    touched = session.scalars(
        select(Confirmation.subscription_id).where(*of_theirs).distinct()
    ).all()
    confirmations = _gone(session, delete(Confirmation).where(*of_theirs))
    unconfirmed = (
        Subscription.id.in_(touched),
        Subscription.state == "pending",
        ~exists().where(Confirmation.subscription_id == Subscription.id),
    )
    return confirmations, _gone(session, delete(Subscription).where(*unconfirmed))


def _gone(session: Session, statement: Delete) -> int:
    options: dict[str, Any] = {"synchronize_session": False}
    result = session.execute(statement, execution_options=options)
    assert isinstance(result, CursorResult)  # noqa: S101
    return int(result.rowcount)
