"""Giving up what of an issue has not begun to leave."""

from __future__ import annotations

from sqlalchemy import null, select, update
from sqlalchemy.orm import Session

from newsletter.core.db import database_now
from newsletter.delivery import chunks
from newsletter.delivery.models import Chunk, Delivery
from newsletter.delivery.rows import changed
from newsletter.delivery.states import State
from newsletter.editorial.models import Issue


def stop_planned(session: Session, issue: Issue, reason: str) -> int:
    """Skip whatever of the issue has not begun to leave; returns how many.

    To be called once the issue is locked and no longer being sent: a worker moves its mark only
    under a lock on the issue, and from now on not at all. What it may be sending at this moment
    stays planned until the answer is known.
    """
    now = database_now(session)
    chunks.forget_tallies(session, issue.id)
    # Which may be leaving was written down before: after the lock that is the last word.
    leaving = [row[0] for row in session.execute(chunks.in_doubt(Chunk.issue_id == issue.id))]
    waiting = (Delivery.issue_id == issue.id) & (Delivery.state == State.PLANNED)
    stopped = changed(
        session,
        update(Delivery)
        .where(waiting, Delivery.id.not_in(leaving))
        .values(state=State.SKIPPED, reason=reason, owner=None, changed_at=now),
    )
    chunks.give_up(session, issue.id, now)
    return stopped


def stop_chunk(session: Session, chunk_id: int, reason: str) -> None:
    """The same for one chunk of an issue that was given up while a worker had it."""
    now = database_now(session)
    chunk = select(Chunk.id).where(Chunk.id == chunk_id)
    rows = select(Delivery.id).join(Chunk, chunks.members()).where(Chunk.id.in_(chunk))
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(rows), Delivery.state == State.PLANNED)
        .values(state=State.SKIPPED, reason=reason, not_before_at=null(), changed_at=now),
        execution_options={"synchronize_session": False},
    )
