"""Writing down what became of a message, right after the answer."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from newsletter.core.db import database_now
from newsletter.delivery.claiming import Claimed, HeldIssue, is_of
from newsletter.delivery.models import Delivery
from newsletter.delivery.outcomes import Outcome
from newsletter.delivery.rows import changed
from newsletter.delivery.states import State, sources_of
from newsletter.editorial.models import Issue
from newsletter.editorial.states import Status
from subscribers import suppression


def record(session: Session, claimed: Claimed, owner: str, outcome: Outcome, provider: str) -> bool:
    """Move the delivery to its outcome; False when it is no longer this worker's to move.

    An answer may come after the lease ran out and others wrote `unknown`: the owner's name
    still stands in the row then, and the true answer replaces the doubt.
    """
    now = database_now(session)
    if outcome.state is State.PLANNED and _is_cancelled(session, claimed):
        outcome = Outcome(State.SKIPPED, outcome.answer, reason="cancelled", tried=outcome.tried)
    statement = (
        update(Delivery)
        .where(
            Delivery.id == claimed.id,
            Delivery.owner == owner,
            Delivery.state.in_(sources_of(outcome.state)),
        )
        .values(**_values(claimed, outcome, provider, now))
    )
    if changed(session, statement) != 1:
        return False
    if outcome.hard_bounce:
        _bar(session, claimed, now)
    return True


def _bar(session: Session, claimed: Claimed, now: datetime) -> None:
    """Never whoever joined under the number of somebody who was erased meanwhile."""
    reader = session.scalar(select(Delivery.subscriber_id).where(is_of(claimed)))
    if reader is not None:
        suppression.suppress_reader(session, reader, "hard_bounce", now)


def _values(claimed: Claimed, outcome: Outcome, provider: str, now: datetime) -> dict[str, object]:
    return {
        "state": outcome.state,
        "reason": outcome.reason,
        "answer": outcome.answer,
        "attempts": claimed.attempts + int(outcome.tried),
        "not_before_at": outcome.not_before_at,
        "owner": None,
        "lease_until_at": None,
        "provider": provider,
        "changed_at": now,
        "submitted_at": now if outcome.state is State.SUBMITTED else None,
    }


def _is_cancelled(session: Session, claimed: Claimed) -> bool:
    """Asked under a lock that a cancelling editor waits for, so that nothing is left planned."""
    if not isinstance(claimed, HeldIssue):
        return False
    status = select(Issue.status).where(Issue.id == claimed.issue_id).with_for_update(read=True)
    return session.scalar(status) == Status.CANCELLED
