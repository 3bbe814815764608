"""Confirmation mails: the delivery table is their outbox too, and their ledger is apart."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.delivery.models import Delivery
from newsletter.delivery.states import State
from subscribers.models import Confirmation, Subscription


def plan(session: Session, confirmation: Confirmation, now: datetime) -> None:
    """Put the mail of a sign-up into the outbox; to be called in the sign-up's own transaction."""
    subscriber_id = select(Subscription.subscriber_id).where(
        Subscription.id == confirmation.subscription_id
    )
    session.add(
        Delivery(
            confirmation_id=confirmation.id,
            subscriber_id=session.scalar(subscriber_id),
            edition=confirmation.edition,
            state=State.PLANNED,
            changed_at=now,
        )
    )
    session.flush()


def standing(session: Session) -> dict[str, int]:
    """How many confirmation mails stand where, by state; those of the last days, then forgotten."""
    rows = session.execute(
        select(Delivery.state, func.count())
        .where(Delivery.confirmation_id.is_not(None))
        .group_by(Delivery.state)
        .order_by(Delivery.state)
    )
    return {str(state): int(count) for state, count in rows}
