"""Applying what came back: a worker moves deliveries and lets follow what must, in small units.

Each unit is one transaction. Chunks are locked before deliveries and readers last, as everywhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from newsletter.core.db import writing
from newsletter.core.settings import Settings
from newsletter.delivery import chunks, remembering
from newsletter.delivery.consequences import Consequences, Heard
from newsletter.delivery.events import UNMATCHED, WAITING
from newsletter.delivery.hearing import Fate, Said, fate, is_early
from newsletter.delivery.models import Chunk, Delivery
from newsletter.delivery.models import Event as Row
from newsletter.delivery.needs import Needs
from newsletter.delivery.policy import judge
from newsletter.delivery.rows import changed
from newsletter.delivery.states import OPEN, State
from newsletter.editorial.models import Issue
from subscribers import journal
from subscribers.journal import Gone
from subscribers.models import Confirmation, Greeting, Subscription

PATIENCE = timedelta(minutes=15)
"""So long an event waits for our own outcome; later it proves that an earlier try was taken."""
_AT_ONCE = 250
"""Events in one transaction, so that nobody waits long for the next one."""


def apply_waiting(needs: Needs, now: datetime, limit: int = 5000) -> int:
    """Apply up to `limit` events that wait, oldest first; returns how many were.

    Opens a transaction for each few hundred, and notes after it who left. To be called by a
    worker again and again, by several at once too.
    """
    done = 0
    while done < limit:
        with writing(needs.engine) as session:
            count, gone = _apply(session, needs.settings, min(_AT_ONCE, limit - done), now)
        journal.note(needs.settings.home, gone)
        done += count
        if not count:
            break
    return done


@dataclass(frozen=True, slots=True)
class _Message:
    """The delivery an event is about."""

    id: int
    issue_id: int | None
    subscriber_id: int | None
    state: State
    reason: str | None
    publication_id: int | None


def _apply(
    session: Session, settings: Settings, limit: int, now: datetime
) -> tuple[int, list[Gone]]:
    waiting = _waiting(session, limit, now)
    ids = sorted({row.delivery_id for row in waiting if row.delivery_id is not None})
    chunks.touch(session, ids)
    messages = {message.id: message for message in _messages(session, ids)}
    in_hand = _in_hand(session, [m.id for m in messages.values() if is_early(m.state)])
    _move(session, messages, in_hand, now)
    drawn = Consequences(session, settings.bounces, now)
    readers = (m.subscriber_id for m in messages.values() if m.subscriber_id is not None)
    drawn.remembered = remembering.remembered(session, readers)
    outcomes: dict[str, list[int]] = defaultdict(list)
    for row in sorted(waiting, key=lambda one: (one.at, one.id)):
        message = messages.get(row.delivery_id)
        if message is None or message.id in in_hand:
            continue
        outcomes[drawn.draw(_heard(row, message))].append(row.id)
    for word, rows in outcomes.items():
        session.execute(update(Row).where(Row.id.in_(rows)).values(outcome=word))
    return sum(map(len, outcomes.values())), drawn.gone


def _waiting(session: Session, limit: int, now: datetime) -> Sequence[Any]:
    """The oldest whose delivery has its outcome, or has had none for too long."""
    settled = or_(Delivery.state.not_in(OPEN), _is_stuck(now))
    query = (
        select(Row.id, Row.delivery_id, Row.kind, Row.status, Row.answer, Row.source, Row.at)
        .join(Delivery, Delivery.id == Row.delivery_id)
        .where(Row.outcome == WAITING, settled)
        .order_by(Row.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Row)
    )
    return session.execute(query).all()


def _is_stuck(now: datetime) -> ColumnElement[bool]:
    """Nobody has it in hand: it is planned, and what is claimed now is another chunk."""
    held = select(Chunk.id).where(chunks.members(), Chunk.state == chunks.CLAIMED)
    idle = ~held.correlate(Delivery).exists()
    return and_(Delivery.state == State.PLANNED, Row.received_at <= now - PATIENCE, idle)


def _messages(session: Session, ids: Sequence[int]) -> list[_Message]:
    """The deliveries under lock, each with the publication it is of."""
    locked = select(Delivery.id).where(Delivery.id.in_(ids)).order_by(Delivery.id)
    session.execute(locked.with_for_update())
    found = (
        select(
            Delivery.id,
            Delivery.issue_id,
            Delivery.subscriber_id,
            Delivery.state,
            Delivery.reason,
            func.coalesce(Issue.publication_id, Subscription.publication_id),
        )
        .outerjoin(Issue, Issue.id == Delivery.issue_id)
        .outerjoin(Confirmation, Confirmation.id == Delivery.confirmation_id)
        .outerjoin(Greeting, Greeting.id == Delivery.greeting_id)
        .outerjoin(
            Subscription,
            Subscription.id
            == func.coalesce(Confirmation.subscription_id, Greeting.subscription_id),
        )
        .where(Delivery.id.in_(ids))
    )
    return [
        _Message(id_, issue, reader, State(state), reason, publication)
        for id_, issue, reader, state, reason, publication in session.execute(found)
    ]


def _in_hand(session: Session, early: Sequence[int]) -> set[int]:
    """Those without an outcome that some worker has claimed after all, now that chunks are held."""
    if not early:
        return set()
    claimed = (
        select(Delivery.id)
        .outerjoin(Chunk, chunks.members())
        .where(
            Delivery.id.in_(early),
            or_(Delivery.state != State.PLANNED, Chunk.state == chunks.CLAIMED),
        )
    )
    return set(session.scalars(claimed))


def _move(
    session: Session, messages: dict[int, _Message], in_hand: set[int], now: datetime
) -> None:
    """Each delivery to where all that was ever said of it puts it."""
    moves: dict[tuple[State, Fate], list[int]] = defaultdict(list)
    said = _said(session, messages)
    for message in messages.values():
        if message.id in in_hand:
            continue
        new = fate(message.state, said[message.id], stuck=is_early(message.state))
        if new is not None and new != Fate(message.state, message.reason):
            moves[message.state, new].append(message.id)
    for (old, new), ids in moves.items():
        values = {"state": new.state, "reason": new.reason, "owner": None, "changed_at": now}
        values |= {"lease_until_at": None, "not_before_at": None}
        first = func.coalesce(Delivery.submitted_at, now)
        chosen = update(Delivery).where(Delivery.id.in_(ids), Delivery.state == old)
        changed(session, chosen.values(**values, submitted_at=first))


def _said(session: Session, ids: Iterable[int]) -> dict[int, list[Said]]:
    """Everything that was said of each, applied or not; what was said often counts by the last."""
    found: dict[int, list[Said]] = defaultdict(list)
    columns = (Row.delivery_id, Row.kind, Row.status, Row.answer)
    named = Row.delivery_id.in_(list(ids)), Row.outcome != UNMATCHED
    query = select(*columns, func.max(Row.at)).where(*named).group_by(*columns)
    for delivery_id, kind, status, answer, at in session.execute(query):
        if delivery_id is not None:
            found[delivery_id].append(Said(kind, judge(kind, status or "", answer or ""), at))
    return found


def _heard(row: Any, message: _Message) -> Heard:
    return Heard(
        kind=row.kind,
        verdict=judge(row.kind, row.status or "", row.answer or ""),
        source=row.source,
        at=row.at,
        subscriber_id=message.subscriber_id,
        publication_id=message.publication_id,
        issue_id=message.issue_id,
    )
