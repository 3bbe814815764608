"""What came back, for whoever looks: of an issue, of some messages, and of nobody we know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from newsletter.delivery.consequences import WORDS
from newsletter.delivery.events import UNMATCHED
from newsletter.delivery.models import Chunk, Delivery, SoftBounce
from newsletter.delivery.models import Event as Row
from newsletter.providers.events import Kind

_STRANGERS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Told:
    """One thing said of a message: what, how it was judged, and what followed."""

    at: datetime
    source: str
    """The provider's name, or `mailbox`."""
    kind: str
    status: str | None
    answer: str | None
    """In the words of the other side, without any address."""
    outcome: str
    """One word (consequences.WORDS)."""
    followed: str
    """How it was judged and what followed, in words for an editor."""


def of_deliveries(session: Session, ids: Iterable[int]) -> dict[int, list[Told]]:
    """Everything said of these messages, each in the order in which it happened."""
    found: dict[int, list[Told]] = {}
    columns = (Row.at, Row.source, Row.kind, Row.status, Row.answer, Row.outcome)
    query = select(Row.delivery_id, *columns).where(Row.delivery_id.in_(list(ids)))
    rows = session.execute(query.order_by(Row.at, Row.id))
    for delivery_id, at, source, kind, status, answer, outcome in rows:
        one = Told(at, source, kind, status, answer, outcome, WORDS.get(outcome, outcome))
        found.setdefault(delivery_id or 0, []).append(one)
    return found


def of_issue(session: Session, issue_id: int) -> list[dict[str, Any]]:
    """How many of each kind and outcome came back of an issue."""
    ends = select(func.min(Chunk.first_id), func.max(Chunk.last_id))
    first, last = session.execute(ends.where(Chunk.issue_id == issue_id)).one()
    columns = (Row.kind, Row.outcome)
    grouped = (
        select(*columns, func.count())
        .join(Delivery, Delivery.id == Row.delivery_id)
        .where(Delivery.issue_id == issue_id)
        .group_by(*columns)
        .order_by(*columns)
    )
    if first is not None:
        grouped = grouped.where(Row.delivery_id.between(first, last))
    return [
        {"kind": kind, "outcome": outcome, "count": count, "followed": WORDS.get(outcome, outcome)}
        for kind, outcome, count in session.execute(grouped)
    ]


def strangers(session: Session, now: datetime, limit: int = 20) -> list[dict[str, Any]]:
    """The latest that are of no message of ours, or of a kind that is not known here."""
    odd = or_(Row.outcome == UNMATCHED, Row.kind == Kind.OTHER.value)
    query = (
        select(Row)
        .where(Row.received_at > now - _STRANGERS, odd)
        .order_by(Row.received_at.desc(), Row.id.desc())
        .limit(limit)
    )
    return [
        {
            "received_at": row.received_at.isoformat(),
            "source": row.source,
            "kind": row.kind,
            "outcome": row.outcome,
            "status": row.status,
            "answer": row.answer,
        }
        for row in session.scalars(query)
    ]


def memory(session: Session, subscriber_id: int) -> SoftBounce | None:
    """In how many issues one after the other a reader's mail failed, if any."""
    return session.get(SoftBounce, subscriber_id)
