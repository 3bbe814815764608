"""Writing down what became of messages: those of an issue in groups, others one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from newsletter.core.db import database_now
from newsletter.core.log import logger
from newsletter.delivery import chunks, claiming, statements
from newsletter.delivery.claiming import Claim
from newsletter.delivery.models import Delivery
from newsletter.delivery.outcomes import Outcome, cancelled
from newsletter.delivery.rows import changed
from newsletter.delivery.singles import HeldMail
from newsletter.delivery.states import State, sources_of
from newsletter.editorial.states import Status
from subscribers import suppression

_log = logger("delivery.recording")


class Result(NamedTuple):
    """What became of one message of an issue."""

    delivery_id: int
    subscriber_id: int | None
    attempts: int
    """Before this one."""
    outcome: Outcome
    provider: str | None


def record(session: Session, mine: Claim, results: Sequence[Result], status: str) -> None:
    """Move the deliveries of a chunk that this worker holds, and has locked, to their outcomes.

    `status` is the issue's, held fast: what would be tried again of a cancelled one is skipped.
    """
    if not results:
        return
    now = database_now(session)
    taken = [r for r in results if r.outcome.state is State.SUBMITTED]
    kept = _record_taken(session, mine, taken, now)
    for result in results:
        if result.outcome.state is not State.SUBMITTED:
            kept += _record_other(session, mine, result, _final(result.outcome, status))
    if kept != len(results):
        _log.error("outcomes_not_kept", chunk=mine.chunk_id, of=len(results), kept=kept)


def _record_taken(session: Session, mine: Claim, taken: Sequence[Result], now: datetime) -> int:
    by_provider: dict[str | None, list[tuple[int, str | None]]] = {}
    for result in taken:
        row = (result.delivery_id, result.outcome.answer)
        by_provider.setdefault(result.provider, []).append(row)
    connection = session.connection()
    return sum(
        statements.take(connection, rows, by=provider, at=now, turn=mine.turn)
        for provider, rows in by_provider.items()
    )


def _final(outcome: Outcome, status: str) -> Outcome:
    over = outcome.state is State.PLANNED and status == Status.CANCELLED
    return cancelled(outcome) if over else outcome


def _record_other(session: Session, mine: Claim, result: Result, outcome: Outcome) -> int:
    now = database_now(session)
    # Without an owner, also a doubt: no answer will come any more, and no recorder settles it.
    values = _values(outcome, result.attempts, result.provider, now)
    values |= {"turn": mine.turn, "owner": None}
    moved = update(Delivery).where(
        Delivery.id == result.delivery_id,
        Delivery.state == State.PLANNED,
        Delivery.turn < mine.turn,
    )
    kept = changed(session, moved.values(**values))
    if kept and outcome.hard_bounce:
        _bar(session, result.delivery_id, result.subscriber_id, now)
    return kept


def record_late(session: Session, owner: str, results: Iterable[Result]) -> int:
    """Answers that came after others had taken the chunk over and written `unknown`.

    The owner's name still stands in such a row, and the true answer takes the place of the doubt.
    """
    ordered = sorted(results, key=lambda one: one.delivery_id)
    late = [one for one in ordered if one.outcome.state is not State.UNKNOWN]
    return sum(_settle_late(session, owner, result) for result in late)


def _settle_late(session: Session, owner: str, result: Result) -> int:
    now, number = database_now(session), result.delivery_id
    issue_id = session.scalar(select(Delivery.issue_id).where(Delivery.id == number))
    status = claiming.status_of(session, issue_id or 0)
    outcome = _final(result.outcome, status)
    chunks.touch(session, [number])
    values = _values(outcome, result.attempts, result.provider, now) | {"owner": None}
    again = outcome.state is State.PLANNED
    if again and status not in (Status.SENDING, Status.PAUSED):
        # Nobody would send it: it stays in the list of doubts, with the answer, for an editor.
        again, values = False, {"answer": outcome.answer, "changed_at": now}
    mine = (Delivery.id == number) & (Delivery.owner == owner)
    moved = update(Delivery).where(mine, Delivery.state == State.UNKNOWN)
    settled = changed(session, moved.values(**values))
    if settled and again:
        chunks.reopen(session, [number], now)
    if settled and outcome.hard_bounce:
        _bar(session, number, result.subscriber_id, now)
    return settled


def record_single(
    session: Session, held: HeldMail, owner: str, outcome: Outcome, provider: str
) -> bool:
    """Move a mail to one person alone; False when it is no longer this worker's to move."""
    now = database_now(session)
    values = _values(outcome, held.attempts, provider, now)
    statement = update(Delivery).where(
        Delivery.id == held.id,
        Delivery.owner == owner,
        Delivery.state.in_(sources_of(outcome.state)),
    )
    if changed(session, statement.values(owner=None, lease_until_at=None, **values)) != 1:
        return False
    if outcome.hard_bounce:
        _bar(session, held.id, held.subscriber_id, now)
    return True


def _bar(session: Session, delivery_id: int, subscriber_id: int | None, now: datetime) -> None:
    """Never whoever joined under the number of somebody who was erased meanwhile."""
    reader = session.scalar(select(Delivery.subscriber_id).where(Delivery.id == delivery_id))
    if reader is not None and reader == subscriber_id:
        suppression.suppress_reader(session, reader, "hard_bounce", now)


def _values(
    outcome: Outcome, attempts: int, provider: str | None, now: datetime
) -> dict[str, object]:
    return {
        "state": outcome.state,
        "reason": outcome.reason,
        "answer": outcome.answer,
        "attempts": attempts + int(outcome.tried),
        "not_before_at": outcome.not_before_at,
        "provider": provider,
        "changed_at": now,
        "submitted_at": now if outcome.state is State.SUBMITTED else None,
    }
