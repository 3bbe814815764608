"""Chunks: an issue's deliveries in parts of some hundred, which is what a worker claims.

One row is written for hundreds of messages where a claim of each would write hundreds, and the
cost of a claim does not grow with what is already done. Of a chunk that nobody works on and
whose rows have not changed the tally is kept, so that the ledger of a million is read at once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    case,
    func,
    insert,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from newsletter.delivery.models import Chunk, Delivery
from newsletter.delivery.rows import changed
from newsletter.delivery.states import State

OPEN, CLAIMED, DONE = "open", "claimed", "done"
LARGEST = 500
"""Deliveries of one chunk; measured as the best of both databases."""
_SMALLEST = 10
_PARTS = 48
"""Into so many parts even a small issue is cut, so that several lines share it."""
_GATHERED = timedelta(seconds=30)
"""Messages that were put off one by one are tried again together."""

Tally = list[tuple[str, str, str | None, int]]
"""(edition, state, reason, how many)."""


def cut(session: Session, issue_id: int, audience: int, now: datetime) -> Tally:
    """Cut a launched issue's rows into chunks; returns how many rows stand where, counted anew."""
    size = max(_SMALLEST, min(LARGEST, -(-audience // _PARTS)))
    bounds = select(func.min(Delivery.id)).where(Delivery.issue_id == issue_id)
    first = session.scalar(bounds) or 0
    part = (Delivery.id - first) // size
    columns = (part, Delivery.edition, Delivery.state, Delivery.reason)
    spread = (func.count(), func.min(Delivery.id), func.max(Delivery.id))
    grouped = select(*columns, *spread).where(Delivery.issue_id == issue_id).group_by(*columns)
    parts: dict[int, list[tuple[Any, ...]]] = {}
    for key, *row in session.execute(grouped):
        parts.setdefault(key, []).append(tuple(row))
    if parts:
        rows = [_chunk(issue_id, found, now) for _, found in sorted(parts.items())]
        session.execute(insert(Chunk), rows)
    return [(r[0], r[1], r[2], r[3]) for found in parts.values() for r in found]


def _chunk(issue_id: int, found: Sequence[tuple[Any, ...]], now: datetime) -> dict[str, Any]:
    first, last = min(row[4] for row in found), max(row[5] for row in found)
    planned = any(row[1] == State.PLANNED for row in found)
    return {
        "issue_id": issue_id,
        "first_id": first,
        "last_id": last,
        "state": OPEN if planned else DONE,
        "mark": first - 1,
        "tally": [list(row[:4]) for row in found],
        "changed_at": now,
    }


def touch(session: Session, delivery_ids: Iterable[int]) -> None:
    """Say that these deliveries change: the tallies of their chunks no longer hold.

    To be called before the rows are changed, in the same transaction; chunks are locked before
    deliveries everywhere.
    """
    found = _holding(session, delivery_ids)
    if found:
        session.execute(
            update(Chunk).where(Chunk.id.in_(sorted(found))).values(tally=null()),
            execution_options=_BARE,
        )


def reopen(session: Session, delivery_ids: Iterable[int], now: datetime) -> None:
    """Say that these deliveries are planned again: their chunks are taken up anew.

    Sets the turn of the rows to that of their chunk, so that a worker which has the chunk just now
    does not count them as its own; the next turn sends them. Called before or after the change.
    """
    ids = list(delivery_ids)
    found = _holding(session, ids)
    for chunk_id, members in found.items():
        session.execute(
            update(Chunk)
            .where(Chunk.id == chunk_id)
            .values(
                tally=null(),
                state=case((Chunk.state == DONE, OPEN), else_=Chunk.state),
                not_before_at=null(),
                changed_at=now,
            ),
            execution_options=_BARE,
        )
        turn = select(Chunk.turn).where(Chunk.id == chunk_id).scalar_subquery()
        session.execute(
            update(Delivery).where(Delivery.id.in_(members)).values(turn=turn),
            execution_options=_BARE,
        )


_BARE = {"synchronize_session": False}


def _holding(session: Session, delivery_ids: Iterable[int]) -> dict[int, list[int]]:
    """The chunks of these deliveries, each with those of them that it holds."""
    asked = select(Delivery.issue_id, Delivery.id).where(
        Delivery.id.in_(list(delivery_ids)), Delivery.issue_id.is_not(None)
    )
    of_issue: dict[int, list[int]] = {}
    for issue_id, delivery_id in session.execute(asked):
        of_issue.setdefault(issue_id or 0, []).append(delivery_id)
    found: dict[int, list[int]] = {}
    for issue_id, members in of_issue.items():
        ranges = select(Chunk.first_id, Chunk.id).where(Chunk.issue_id == issue_id)
        known = session.execute(ranges.order_by(Chunk.first_id)).all()
        starts = [row[0] for row in known]
        for member in members:
            place = bisect_right(starts, member) - 1
            if place >= 0:
                found.setdefault(known[place][1], []).append(member)
    return dict(sorted(found.items()))


def in_turn() -> ColumnElement[bool]:
    """Of a joined chunk and delivery: it was due when the turn began, and has no result in it."""
    return (
        (Delivery.state == State.PLANNED)
        & (Delivery.turn < Chunk.turn)
        & or_(Delivery.not_before_at.is_(None), Delivery.not_before_at <= Chunk.turn_at)
    )


def members() -> ColumnElement[bool]:
    """The join of a chunk and its deliveries."""
    return (
        (Delivery.id >= Chunk.first_id)
        & (Delivery.id <= Chunk.last_id)
        & (Delivery.issue_id == Chunk.issue_id)
    )


def in_doubt(*which: ColumnElement[bool]) -> Select[int, int | None, int]:
    """(delivery id, subscriber, attempts) of what may be leaving in the chunks chosen."""
    return (
        select(Delivery.id, Delivery.subscriber_id, Delivery.attempts)
        .join(Chunk, members())
        .where(*which, Chunk.state == CLAIMED, in_turn(), Delivery.id <= Chunk.mark)
        .order_by(Delivery.id)
    )


def planned_in(first_id: int, last_id: int, issue_id: int) -> Select[int]:
    """How many deliveries of a range are still planned."""
    rows = (Delivery.id >= first_id) & (Delivery.id <= last_id) & (Delivery.issue_id == issue_id)
    return select(func.count()).where(rows, Delivery.state == State.PLANNED)


def close(session: Session, chunk_id: int, now: datetime) -> None:
    """Nobody works on it any more: count it, and say when it is due again, if ever.

    Under the chunk's lock, which whoever changes its rows takes first.
    """
    connection = session.connection()
    range_ = connection.execute(_LOCKED, {"chunk": chunk_id}).one()
    found = connection.execute(_COUNTED, dict(range_._mapping)).all()
    planned = [row for row in found if row[1] == State.PLANNED]
    counted = {
        "chunk": chunk_id,
        "counted": [list(row[:4]) for row in found],
        "as": OPEN if planned else DONE,
        "due": _due(planned),
        "at": now,
    }
    connection.execute(_CLOSE, counted)


_rows, _parts = Delivery.__table__, Chunk.__table__
_LOCKED = (
    select(_parts.c.first_id, _parts.c.last_id, _parts.c.issue_id)
    .where(_parts.c.id == bindparam("chunk"))
    .with_for_update()
)
_COUNTED = (
    select(
        _rows.c.edition,
        _rows.c.state,
        _rows.c.reason,
        func.count(),
        func.count(_rows.c.not_before_at),
        func.min(_rows.c.not_before_at),
    )
    .where(
        _rows.c.id >= bindparam("first_id"),
        _rows.c.id <= bindparam("last_id"),
        _rows.c.issue_id == bindparam("issue_id"),
    )
    .group_by(_rows.c.edition, _rows.c.state, _rows.c.reason)
)
_CLOSE = (
    update(Chunk.__table__)  # type: ignore[arg-type]
    .where(_parts.c.id == bindparam("chunk"))
    .values(
        tally=bindparam("counted"),
        state=bindparam("as"),
        not_before_at=bindparam("due"),
        owner=null(),
        lease_until_at=null(),
        changed_at=bindparam("at"),
    )
)
"""These three are asked for each chunk, so they are put together once."""


def _due(planned: Sequence[Any]) -> datetime | None:
    """At once if one is due; else a little after the first, so that others come with it."""
    waiting = sum(row[4] for row in planned)
    if not planned or waiting < sum(row[3] for row in planned):
        return None
    first: datetime = min(row[5] for row in planned)
    return first if waiting == 1 else first + _GATHERED


def count_resting(session: Session, now: datetime, limit: int = 50) -> int:
    """Count some chunks anew whose rows have changed while nobody worked on them; how many."""
    query = select(Chunk.id).where(Chunk.tally.is_(None), Chunk.owner.is_(None))
    # Locked as they are found: whoever claims one in between would lose it to the closing.
    locked = query.order_by(Chunk.id).limit(limit).with_for_update(skip_locked=True)
    found = session.scalars(locked).all()
    for chunk_id in found:
        close(session, chunk_id, now)
    return len(found)


def abandon(session: Session, now: datetime) -> None:
    """After a restore: nothing is planned any more, and nobody holds anything."""
    over = update(Chunk).values(
        state=DONE,
        owner=null(),
        lease_until_at=null(),
        not_before_at=null(),
        tally=null(),
        changed_at=now,
    )
    session.execute(over, execution_options=_BARE)


def is_anything_uncounted(session: Session) -> bool:
    """Whether `count_resting` would find something."""
    query = select(Chunk.id).where(Chunk.tally.is_(None), Chunk.owner.is_(None))
    return session.scalar(query.limit(1)) is not None


def is_open(session: Session, issue_id: int) -> bool:
    """True while something of the issue is still to be sent or answered."""
    found = select(Chunk.id).where(Chunk.issue_id == issue_id, Chunk.state.in_([OPEN, CLAIMED]))
    return session.scalar(found.limit(1)) is not None


def forget_tallies(session: Session, issue_id: int) -> int:
    """Every row may change: lock the issue's chunks, and have them counted anew."""
    return changed(session, update(Chunk).where(Chunk.issue_id == issue_id).values(tally=null()))


def give_up(session: Session, issue_id: int, now: datetime) -> int:
    """Nothing of the chunks that nobody holds is planned any more."""
    idle = update(Chunk).where(Chunk.issue_id == issue_id, Chunk.state == OPEN)
    return changed(session, idle.values(state=DONE, not_before_at=null(), changed_at=now))
