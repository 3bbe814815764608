"""Claims: a worker takes a chunk of an issue for itself, for a while.

Fencing: owner, state and turn stand in the WHERE of every move, so a worker that was frozen and
comes back late cannot touch what others took over meanwhile. Leases run by the database's clock.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Update, select, update
from sqlalchemy.orm import Session

from newsletter.core.db import database_now
from newsletter.delivery import chunks, fencing, statements
from newsletter.delivery.chunks import CLAIMED
from newsletter.delivery.models import Chunk, Delivery
from newsletter.delivery.quiet import quiet_until
from newsletter.delivery.retries import Deadline
from newsletter.delivery.rows import changed
from newsletter.delivery.states import State
from newsletter.delivery.stopping import stop_chunk
from newsletter.editorial.models import Issue
from newsletter.editorial.states import Status


@dataclass(frozen=True, slots=True)
class Claim:
    """A chunk in this worker's hands, and what is the same for all of it."""

    chunk_id: int
    turn: int
    turn_at: datetime
    first_id: int
    last_id: int
    issue_id: int
    publication_id: int
    publication: str
    launched_at: datetime
    stale_at: datetime
    """Nothing that was put off is tried again after this."""
    quiet_hours: str
    zone: str

    def deadline(self, retry_hours: float) -> Deadline:
        """Until when a message of it that is put off is tried."""
        soft_at = self.launched_at + timedelta(hours=retry_hours)
        return Deadline(min(soft_at, self.stale_at), self.stale_at)


def claim(session: Session, owner: str, *, lease_seconds: int) -> Claim | None:
    """Take the next due chunk of an issue that is being sent, the oldest launch first.

    None when nothing is due. Issues of publications whose quiet hours it is have to wait.
    """
    now = database_now(session)
    connection = session.connection()
    for issue in connection.execute(statements.SENDING).all():
        if quiet_until(issue.quiet_hours, issue.slot_zone, now) is not None:
            continue
        due = {"issue": issue.id, "at": now}
        chunk = connection.execute(statements.DUE_CHUNK, due).one_or_none()
        if chunk is not None:
            until = now + timedelta(seconds=lease_seconds)
            taken = {"chunk": chunk.id, "me": owner, "until": until, "at": now}
            connection.execute(statements.TAKE_CHUNK, taken)
            return _taken(chunk, issue, now)
    return None


def _taken(chunk: Any, issue: Any, now: datetime) -> Claim:
    launched_at = issue.launched_at or now
    return Claim(
        chunk_id=chunk.id,
        turn=chunk.turn + 1,
        turn_at=now,
        first_id=chunk.first_id,
        last_id=chunk.last_id,
        issue_id=issue.id,
        publication_id=issue.publication_id,
        publication=issue.slug,
        launched_at=launched_at,
        stale_at=launched_at + timedelta(minutes=issue.stale_minutes),
        quiet_hours=issue.quiet_hours,
        zone=issue.slot_zone,
    )


def hold(session: Session, mine: Claim, owner: str, lease_seconds: int) -> bool:
    """Lock the chunk and keep it for another while; False when it was lost to others."""
    until = database_now(session) + timedelta(seconds=lease_seconds)
    return _moved(session, statements.HOLD, mine, owner, until=until)


def intend(session: Session, mine: Claim, owner: str, mark: int) -> bool:
    """Write down that the messages up to this delivery may leave now; False when they must not.

    Committed by the caller before the first byte of a body leaves. The issue is locked by the
    caller before, so that whoever cancels it sees the mark, or this is never written.
    """
    return _moved(session, statements.INTEND, mine, owner, forward=mark)


def _moved(session: Session, statement: Update, mine: Claim, owner: str, **values: object) -> bool:
    fence = {"chunk": mine.chunk_id, "of_turn": mine.turn, "me": owner}
    return session.connection().execute(statement, {**fence, **values}).rowcount == 1


def status_of(session: Session, issue_id: int) -> str:
    """Where the issue stands, held fast until the transaction ends: others may look as well."""
    return standing_of(session, issue_id)[0]


def standing_of(session: Session, issue_id: int) -> tuple[str, str | None]:
    """`status_of`, and the hash of what was approved."""
    fencing.together(session, issue_id)
    found = session.connection().execute(statements.STATUS, {"issue": issue_id}).one_or_none()
    return (found[0], found[1]) if found is not None else (Status.CANCELLED, None)


def is_going_on(session: Session, mine: Claim, owner: str) -> bool:
    """Whether the chunk is still ours and its issue still being sent."""
    query = select(Chunk.id).join(Issue, Issue.id == Chunk.issue_id)
    query = query.where(_this(mine, owner), Issue.status == Status.SENDING)
    return session.scalar(query) is not None


def release(session: Session, mine: Claim, owner: str, status: str) -> bool:
    """Hand the chunk back with whatever of it is still planned; False when it was lost before."""
    now = database_now(session)
    if not _moved(session, statements.HOLD, mine, owner, until=now):
        return False
    if status == Status.CANCELLED:
        stop_chunk(session, mine.chunk_id, "cancelled")
    chunks.close(session, mine.chunk_id, now)
    return True


def renew(session: Session, owner: str, chunk_ids: Collection[int], lease_seconds: int) -> int:
    """Hold on to what is in the hands of this worker's lines, also while an answer takes minutes.

    Not to whatever bears its name: a chunk that no line knows, because the answer to a commit was
    lost, would be held for ever.
    """
    until = database_now(session) + timedelta(seconds=lease_seconds)
    held = update(Chunk).where(Chunk.owner == owner, Chunk.state == CLAIMED)
    held = held.where(Chunk.id.in_(sorted(chunk_ids)))
    kept = changed(session, held.values(lease_until_at=until))
    single = Delivery.issue_id.is_(None) & Delivery.state.in_([State.CLAIMED, State.SUBMITTING])
    confirmations = update(Delivery).where(single, Delivery.owner == owner)
    return kept + changed(session, confirmations.values(lease_until_at=until))


def _this(mine: Claim, owner: str) -> ColumnElement[bool]:
    ours = (Chunk.owner == owner) & (Chunk.state == CLAIMED)
    return (Chunk.id == mine.chunk_id) & (Chunk.turn == mine.turn) & ours
