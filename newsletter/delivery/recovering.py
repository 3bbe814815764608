"""After a crash: what certainly did not leave is planned again, what may have left is in doubt.

Nothing that may have gone out is ever sent again by itself. Up to the mark a message may have left;
the recorder of a worker that died on this machine since its last boot tells which really did, and
which were answered. Where it cannot be asked, the mark decides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from newsletter.core.db import database_now
from newsletter.delivery import chunks, claiming, flight
from newsletter.delivery.chunks import CLAIMED
from newsletter.delivery.flight import Noted
from newsletter.delivery.models import Chunk, Delivery
from newsletter.delivery.rows import changed
from newsletter.delivery.states import State
from newsletter.delivery.stopping import stop_chunk
from newsletter.editorial.states import Status

INTERRUPTED = "the sending was interrupted before the answer was written down"
_NOTED = "accepted; the worker was killed before it could write down the answer"


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found without a living owner."""

    planned: int = 0
    submitted: int = 0
    unknown: int = 0

    def __add__(self, other: Recovered) -> Recovered:
        return Recovered(
            self.planned + other.planned,
            self.submitted + other.submitted,
            self.unknown + other.unknown,
        )


def recover(session: Session, home: Path, *, me: str, alone: bool) -> Recovered:
    """Take over from dead workers; what bears the name `me` is `forgotten`'s.

    `alone`: a lock proves that no other worker lives, so everything that is not mine is an
    orphan at once. Else an orphan is what outlived its lease, by the database's clock.
    """
    if alone:
        orphaned = or_(Chunk.owner.is_(None), Chunk.owner != me)
        single = or_(Delivery.owner.is_(None), Delivery.owner != me)
    else:
        now = database_now(session)
        orphaned = (Chunk.lease_until_at < now) & (Chunk.owner != me)
        single = Delivery.lease_until_at < now
    total = _confirmations(session, single)
    left = select(Chunk.id).where(Chunk.state == CLAIMED, Chunk.owner.is_not(None), orphaned)
    for chunk_id in session.scalars(left.order_by(Chunk.id)).all():
        total += _take_over(session, home, chunk_id, orphaned)
    return total


def leave(session: Session, owner: str, noted: Mapping[int, Noted]) -> Recovered:
    """A worker that ends: its claims go back; an answer it can no longer wait for is unknown.

    `noted` is what its own recorder says, once nothing more of it can leave.
    """
    total = _confirmations(session, Delivery.owner == owner)
    mine = select(Chunk.id).where(Chunk.state == CLAIMED, Chunk.owner == owner)
    for chunk_id in session.scalars(mine.order_by(Chunk.id)).all():
        locked = _locked(session, chunk_id, Chunk.owner == owner)
        if locked is not None:
            total += _settled(session, *locked, noted)
    return total


def forgotten(
    session: Session, owner: str, held: Collection[int], noted: Mapping[int, Noted]
) -> Recovered:
    """Chunks of this very worker that none of its lines has in hand go back.

    The answer to a commit may be lost and the commit done: a claim that nobody heard of. `noted`
    is what its own recorder says.
    """
    total = Recovered()
    mine = select(Chunk.id).where(Chunk.state == CLAIMED, Chunk.owner == owner)
    # Looked at after the rows: a line notes what it holds before anybody can see the claim.
    left = [one for one in session.scalars(mine.order_by(Chunk.id)) if one not in held]
    for chunk_id in left:
        locked = _locked(session, chunk_id, Chunk.owner == owner)
        if locked is not None:
            total += _settled(session, *locked, noted)
    return total


def resolve(session: Session, home: Path, *, me: str) -> tuple[Recovered, list[str]]:
    """Doubts that others had to write about workers which died on this machine.

    Another host cannot read the recorder and calls all up to the mark unknown; who runs here can,
    and nothing of a dead process leaves any more. Returns also the owners whose files are no
    longer needed, to be removed by `flight.forget` once this is committed.
    """
    total, over = Recovered(), []
    for owner in flight.owners(home):
        if owner == me:
            continue
        noted = flight.of_the_dead(home, owner)
        held = session.scalar(select(Chunk.id).where(Chunk.owner == owner).limit(1))
        if noted is None or held is not None:
            continue
        total += _doubts(session, owner, noted)
        over.append(owner)
    return total, over


def _take_over(
    session: Session, home: Path, chunk_id: int, orphaned: ColumnElement[bool]
) -> Recovered:
    locked = _locked(session, chunk_id, orphaned)
    if locked is None:
        return Recovered()
    return _settled(session, *locked, flight.of_the_dead(home, locked[0].owner or ""))


def _locked(
    session: Session, chunk_id: int, which: ColumnElement[bool]
) -> tuple[Chunk, str] | None:
    """The chunk if it is still as it was found, behind its issue, as everybody locks them."""
    issue_id = session.scalar(select(Chunk.issue_id).where(Chunk.id == chunk_id))
    status = claiming.status_of(session, issue_id or 0)
    query = select(Chunk).where(Chunk.id == chunk_id, Chunk.state == CLAIMED, which)
    query = query.with_for_update().execution_options(populate_existing=True)
    chunk = session.scalars(query).one_or_none()
    return (chunk, status) if chunk is not None else None


def _settled(
    session: Session, chunk: Chunk, status: str, noted: Mapping[int, Noted] | None
) -> Recovered:
    now = database_now(session)
    doubtful = session.execute(chunks.in_doubt(Chunk.id == chunk.id)).all()
    planned = _count_planned(session, chunk)
    ways: dict[State, list[int]] = {State.UNKNOWN: [], State.SUBMITTED: []}
    for delivery_id, _subscriber, _attempts in doubtful:
        way = _way(noted, delivery_id)
        if way is not State.PLANNED:
            ways[way].append(delivery_id)
    for way, ids in ways.items():
        moved = update(Delivery).where(Delivery.id.in_(ids), Delivery.state == State.PLANNED)
        values: dict[str, object] = {"state": way, "turn": chunk.turn, "changed_at": now}
        if way is State.UNKNOWN:  # the owner stays: should it still live, its answer settles it
            values |= {"owner": chunk.owner, "answer": INTERRUPTED}
        else:
            values |= {"answer": _NOTED, "submitted_at": now, "attempts": Delivery.attempts + 1}
        session.execute(moved.values(**values), execution_options={"synchronize_session": False})
    if status == Status.CANCELLED:
        stop_chunk(session, chunk.id, "cancelled")
    chunks.close(session, chunk.id, now)
    unknown, submitted = len(ways[State.UNKNOWN]), len(ways[State.SUBMITTED])
    return Recovered(planned - unknown - submitted, submitted, unknown)


def _way(noted: Mapping[int, Noted] | None, delivery_id: int) -> State:
    if noted is None:
        return State.UNKNOWN
    match noted.get(delivery_id):
        case Noted.LEAVING:
            return State.UNKNOWN
        case Noted.TAKEN:
            return State.SUBMITTED
        case _:
            return State.PLANNED


def _count_planned(session: Session, chunk: Chunk) -> int:
    query = chunks.planned_in(chunk.first_id, chunk.last_id, chunk.issue_id)
    return session.scalar(query) or 0


def _doubts(session: Session, owner: str, noted: Mapping[int, Noted]) -> Recovered:
    doubtful = select(Delivery.id, Delivery.issue_id).where(
        Delivery.state == State.UNKNOWN, Delivery.owner == owner, Delivery.issue_id.is_not(None)
    )
    now = database_now(session)
    planned = submitted = 0
    for delivery_id, issue_id in session.execute(doubtful.order_by(Delivery.id)).all():
        way = _way(noted, delivery_id)
        if way is State.UNKNOWN:
            continue
        status = claiming.status_of(session, issue_id or 0)
        again = way is State.PLANNED
        if again and status not in (Status.SENDING, Status.PAUSED):
            continue
        chunks.touch(session, [delivery_id])
        values: dict[str, object] = {"state": way, "owner": None, "changed_at": now}
        values |= {"answer": None} if again else {"answer": _NOTED, "submitted_at": now}
        still = (Delivery.state == State.UNKNOWN) & (Delivery.owner == owner)
        moved = update(Delivery).where(Delivery.id == delivery_id, still)
        if not changed(session, moved.values(**values)):
            continue
        if again:
            chunks.reopen(session, [delivery_id], now)
        planned, submitted = planned + again, submitted + (not again)
    return Recovered(planned, submitted)


def _confirmations(session: Session, orphaned: ColumnElement[bool]) -> Recovered:
    now = database_now(session)
    single = Delivery.issue_id.is_(None) & orphaned
    claimed = update(Delivery).where(single, Delivery.state == State.CLAIMED)
    planned = changed(
        session,
        claimed.values(state=State.PLANNED, owner=None, lease_until_at=None, changed_at=now),
    )
    # The owner stays in the row: should it still live, its late answer may settle the doubt.
    submitting = update(Delivery).where(single, Delivery.state == State.SUBMITTING)
    unknown = changed(
        session,
        submitting.values(
            state=State.UNKNOWN, lease_until_at=None, changed_at=now, answer=INTERRUPTED
        ),
    )
    return Recovered(planned, 0, unknown)
