"""The statements between two groups of messages, written once.

SQLAlchemy takes longer to put such a statement together than a database to carry it out; made here
with places for what differs, a group of a hundred costs a hundredth of that for each message.
On the tables and not on the classes: rows are wanted, no objects.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, case, func, null, or_, select, text, update
from sqlalchemy.orm import DeclarativeBase

from newsletter.delivery.chunks import CLAIMED, OPEN
from newsletter.delivery.models import Chunk, Delivery
from newsletter.delivery.states import State
from newsletter.editorial.models import Issue, Publication
from newsletter.editorial.states import Status


def _table(model: type[DeclarativeBase]) -> Table:
    found = model.__table__
    assert isinstance(found, Table)  # noqa: S101
    return found


_issues, _publications = _table(Issue), _table(Publication)
_chunks, _deliveries = _table(Chunk), _table(Delivery)

STATUS = select(_issues.c.status, _issues.c.content_hash).where(_issues.c.id == bindparam("issue"))
"""Where an issue stands and what of it is approved; behind `fencing.together`."""

_mine = (
    (_chunks.c.id == bindparam("chunk"))
    & (_chunks.c.turn == bindparam("of_turn"))
    & (_chunks.c.owner == bindparam("me"))
    & (_chunks.c.state == CLAIMED)
)
SENDING = (
    select(
        _issues.c.id,
        _issues.c.launched_at,
        _issues.c.publication_id,
        _publications.c.slug,
        _publications.c.stale_minutes,
        _publications.c.quiet_hours,
        _publications.c.slot_zone,
    )
    .join(_publications, _publications.c.id == _issues.c.publication_id)
    .where(_issues.c.status == Status.SENDING.value)
    .order_by(_issues.c.launched_at, _issues.c.id)
)
"""Issues that are going out, the oldest launch first."""
DUE_CHUNK = (
    select(_chunks.c.id, _chunks.c.turn, _chunks.c.first_id, _chunks.c.last_id)
    .where(
        _chunks.c.issue_id == bindparam("issue"),
        _chunks.c.state == OPEN,
        or_(_chunks.c.not_before_at.is_(None), _chunks.c.not_before_at <= bindparam("at")),
    )
    .order_by(_chunks.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)
"""The next chunk that somebody may take, locked."""
TAKE_CHUNK = (
    update(_chunks)
    .where(_chunks.c.id == bindparam("chunk"), _chunks.c.state == OPEN)
    .values(
        state=CLAIMED,
        owner=bindparam("me"),
        lease_until_at=bindparam("until"),
        tally=null(),
        turn=_chunks.c.turn + 1,
        turn_at=bindparam("at"),
        mark=_chunks.c.first_id - 1,
        not_before_at=null(),
        changed_at=bindparam("at"),
    )
)
HOLD = update(_chunks).where(_mine).values(lease_until_at=bindparam("until"))
"""Lock a chunk that is still ours, and keep it."""
INTEND = (
    update(_chunks)
    .where(_mine)
    .values(
        mark=case(
            (_chunks.c.mark < bindparam("forward"), bindparam("forward")), else_=_chunks.c.mark
        )
    )
)
"""Move its mark, never backward: a commit whose answer was lost is repeated with fewer."""

_of_turn = (_deliveries.c.state == State.PLANNED.value) & (
    _deliveries.c.turn < bindparam("in_turn")
)
DUE = (
    select(
        _deliveries.c.id,
        _deliveries.c.subscriber_id,
        _deliveries.c.edition,
        _deliveries.c.attempts,
        _deliveries.c.provider,
    )
    .where(
        _deliveries.c.id > bindparam("after"),
        _deliveries.c.id <= bindparam("last"),
        _deliveries.c.issue_id == bindparam("issue"),
        _of_turn,
        or_(
            _deliveries.c.not_before_at.is_(None),
            _deliveries.c.not_before_at <= bindparam("turn_at"),
        ),
    )
    .order_by(_deliveries.c.id)
    .limit(bindparam("want"))
)
"""The next deliveries of a turn, in order of number, so that the mark can follow."""

_told = func.json_each(bindparam("rows")).table_valued("value").alias("told")
_TAKE_FILE = (
    update(_deliveries)
    .where(_deliveries.c.id == func.json_extract(_told.c.value, "$[0]"), _of_turn)
    .values(
        state=State.SUBMITTED.value,
        answer=func.json_extract(_told.c.value, "$[1]"),
        reason=null(),
        attempts=_deliveries.c.attempts + 1,
        not_before_at=null(),
        provider=bindparam("by"),
        changed_at=bindparam("at"),
        submitted_at=bindparam("at"),
        turn=bindparam("in_turn"),
    )
)
"""On SQLite each row would be handed over by itself, and the interpreter to another thread."""
_TAKE_ALL = text(
    """
    UPDATE deliveries SET state = 'submitted', answer = taken.said, reason = NULL,
      attempts = attempts + 1, not_before_at = NULL, provider = :by, changed_at = :at,
      submitted_at = :at, turn = :in_turn
    FROM unnest(CAST(:numbers AS integer[]), CAST(:answers AS text[])) AS taken (number, said)
    WHERE deliveries.id = taken.number AND state = 'planned' AND turn < :in_turn
    """
)
"""On PostgreSQL each statement is a way there and back: one for all."""


def take(
    connection: Connection,
    rows: Sequence[tuple[int, str | None]],
    *,
    by: str | None,
    at: datetime,
    turn: int,
) -> int:
    """Write (delivery, answer) down as submitted in this turn; how many were still planned."""
    common: dict[str, Any] = {"by": by, "at": at, "in_turn": turn}
    if connection.dialect.name == "postgresql":
        numbers, answers = [row[0] for row in rows], [row[1] for row in rows]
        all_at_once = {**common, "numbers": numbers, "answers": answers}
        return int(connection.execute(_TAKE_ALL, all_at_once).rowcount)
    listed = json.dumps(rows, ensure_ascii=False)
    return int(connection.execute(_TAKE_FILE, {**common, "rows": listed}).rowcount)
