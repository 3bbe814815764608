"""Deliveries in doubt whose provider may be asked again, and what bounds when they left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from newsletter.delivery import chunks
from newsletter.delivery.looked_up import IN_DOUBT
from newsletter.delivery.models import Chunk, Delivery
from newsletter.delivery.recovering import INTERRUPTED
from newsletter.editorial.models import Issue, Publication
from newsletter.editorial.states import Status

_LARGEST_MARGIN = timedelta(minutes=30)
_AT_ONCE, _LOOKED_AT = 20, 500
_NEAR = 5000


_COLUMNS: tuple[Any, ...] = (
    Delivery.id,
    Delivery.issue_id,
    Issue.publication_id,
    Delivery.subscriber_id,
    Delivery.edition,
    Delivery.reason,
    func.coalesce(Delivery.answer, "") == INTERRUPTED,
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
"""As `Doubt` has them."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A delivery nobody can be sure of."""

    id: int
    issue_id: int
    publication_id: int
    subscriber_id: int
    edition: str
    reason: str | None
    interrupted: bool
    """It was found after a kill."""
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
    session: Session, now: datetime, provider: str, *where: ColumnElement[bool], alone: bool
) -> list[Doubt]:
    """The doubts with this provider that are due, of issues that are not given up.

    `alone`: the settings know no other. After a kill nothing says over whom a message was leaving;
    then it counts as this one's only if there is no other now and none took its neighbours.
    """
    due = or_(Delivery.not_before_at.is_(None), Delivery.not_before_at <= now)
    interrupted = Delivery.answer == INTERRUPTED
    theirs = or_(Delivery.provider == provider, interrupted)
    wanted = _query().where(due, theirs, *where).order_by(Delivery.id).limit(_LOOKED_AT)
    doubts = (Doubt(*row) for row in session.execute(wanted).all())
    sure = (
        doubt
        for doubt in doubts
        if not doubt.interrupted or (alone and _around(session, doubt) == {provider})
    )
    return list(islice(sure, _AT_ONCE))


def _around(session: Session, doubt: Doubt) -> set[str | None]:
    """Who took the messages that left before and after it."""
    near = Delivery.id.between(doubt.id - _NEAR, doubt.id + _NEAR)
    taken = (Delivery.issue_id == doubt.issue_id) & Delivery.provider.is_not(None)
    return set(session.scalars(select(Delivery.provider).where(near, taken).distinct()))


def any_there(session: Session) -> bool:
    """Whether there is any doubt at all; costs one index look."""
    return session.scalar(select(Delivery.id).where(IN_DOUBT).limit(1)) is not None


def _query() -> Select[Any]:
    return (
        select(*_COLUMNS)
        .join(Issue, Issue.id == Delivery.issue_id)
        .join(Publication, Publication.id == Issue.publication_id)
        .join(Chunk, chunks.members())
        .where(
            IN_DOUBT,
            Delivery.subscriber_id.is_not(None),
            Issue.status.in_([Status.SENDING, Status.SENT]),
        )
    )
