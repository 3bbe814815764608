"""Deliveries in doubt whose provider may be asked again, and what bounds when they left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from newsletter.delivery import chunks
from newsletter.delivery.models import Chunk, Delivery
from newsletter.delivery.states import State
from newsletter.editorial.models import Issue, Publication
from newsletter.editorial.states import Status

_LARGEST_MARGIN = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A delivery nobody can be sure of."""

    id: int
    issue_id: int
    publication_id: int
    subscriber_id: int
    edition: str
    reason: str | None
    provider: str | None
    since: datetime
    """When it became unknown: it left before."""
    not_before_at: datetime | None
    launched_at: datetime
    turn: int
    chunk_turn: int
    turn_at: datetime | None
    sender: str
    quiet_hours: str
    zone: str

    @property
    def first_tried(self) -> datetime:
        """It was never tried before this instant."""
        return self.turn_at if self.turn_at and self.chunk_turn <= 1 else self.launched_at

    @property
    def last_tried(self) -> datetime:
        """Its last try was not before this instant."""
        of_this_turn = self.turn_at and self.chunk_turn == self.turn
        return self.turn_at if self.turn_at and of_this_turn else self.first_tried


def is_remembered(doubt: Doubt, life: timedelta, now: datetime) -> bool:
    """Whether the provider surely knows the key of this message still, also a little later."""
    margin = min(life / 5, _LARGEST_MARGIN)
    return now < doubt.first_tried + life - margin


def found(
    session: Session, now: datetime, *where: ColumnElement[bool], limit: int = 20
) -> list[Doubt]:
    """The doubts of issues that are not given up, whose readers are still held, when due."""
    due = or_(Delivery.not_before_at.is_(None), Delivery.not_before_at <= now)
    wanted = _query().where(due, *where).order_by(Delivery.id).limit(limit)
    return [Doubt(*row) for row in session.execute(wanted)]


def providers(session: Session) -> list[str | None]:
    """The names of the providers that doubts are with; None where that is not known."""
    names = select(Delivery.provider).where(_in_doubt()).distinct()
    return list(session.scalars(names))


def _in_doubt() -> ColumnElement[bool]:
    # The two states of the partial index, so that a million other rows are not looked at.
    return Delivery.state.in_([State.UNKNOWN, State.REFUSED]) & (Delivery.state == State.UNKNOWN)


def _query() -> Select[Any]:
    found: Select[Any] = (
        select(
            Delivery.id,
            Delivery.issue_id,
            Issue.publication_id,
            Delivery.subscriber_id,
            Delivery.edition,
            Delivery.reason,
            Delivery.provider,
            Delivery.changed_at,
            Delivery.not_before_at,
            Issue.launched_at,
            Delivery.turn,
            Chunk.turn,
            Chunk.turn_at,
            Publication.sender_address,
            Publication.quiet_hours,
            Publication.slot_zone,
        )
        .join(Issue, Issue.id == Delivery.issue_id)
        .join(Publication, Publication.id == Issue.publication_id)
        .join(Chunk, chunks.members())
        .where(
            _in_doubt(),
            Delivery.subscriber_id.is_not(None),
            Issue.status.in_([Status.SENDING, Status.SENT]),
        )
    )
    return found
