"""The ledger's tables: one row for each message owed to one person, and the chunks they are
worked off by; what came back from providers; what bounds the pace; what editors must hear of."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from newsletter.core.db import Base


def _where(condition: str) -> dict[str, Any]:
    """A partial index, on both databases."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


_ONE_ORIGIN = " + ".join(
    f"CASE WHEN {name} IS NULL THEN 0 ELSE 1 END"
    for name in ("issue_id", "confirmation_id", "greeting_id")
)


class Delivery(Base):
    """One message to one recipient. (issue, subscriber) is unique: nobody is planned twice.

    Of an issue, or the confirmation mail of a sign-up, or a welcome or goodbye: the table is the
    outbox of all. An issue's deliveries are claimed by chunks, so `claimed` and `submitting` are
    never stored for them but follow from the chunk's mark; the others are claimed one by one.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        # The subscriber first: this index also finds somebody's deliveries, and erases them.
        UniqueConstraint("subscriber_id", "issue_id"),
        CheckConstraint(f"{_ONE_ORIGIN} = 1", name="one_origin"),
        Index(
            "uq_deliveries_confirmation_id",
            "confirmation_id",
            unique=True,
            **_where("confirmation_id IS NOT NULL"),
        ),
        Index(
            "uq_deliveries_greeting_id",
            "greeting_id",
            unique=True,
            **_where("greeting_id IS NOT NULL"),
        ),
        # What is of no issue: few rows among millions, and looked for every second.
        Index("ix_deliveries_alone", "id", **_where("issue_id IS NULL")),
        # Partial, so that a launch writes nothing into them: a million rows begin as `planned`
        # without an answer.
        Index(
            "ix_deliveries_trouble",
            "issue_id",
            "state",
            "id",
            **_where("state IN ('unknown', 'refused')"),
        ),
        Index(
            "ix_deliveries_put_off",
            "issue_id",
            "not_before_at",
            **_where("state = 'planned' AND answer IS NOT NULL"),
        ),
        # A number never comes back, since a Message-ID is made of it.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # No foreign keys on these: checking them, even where they are empty, took most of a launch's
    # time. An issue with chunks cannot be deleted; triggers empty `subscriber_id` when the reader
    # goes, and delete the mail of a sign-up or greeting that goes.
    issue_id: Mapped[int | None]
    confirmation_id: Mapped[int | None]
    greeting_id: Mapped[int | None]
    subscriber_id: Mapped[int | None]
    edition: Mapped[str] = mapped_column(String(128))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(64))
    """Why it was skipped or refused: one word of a small set."""
    answer: Mapped[str | None] = mapped_column(Text)
    """The provider's own words, without any address."""
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    turn: Mapped[int] = mapped_column(default=0, server_default="0")
    """The turn of its chunk in which it was dealt with last; 0 before the first."""
    not_before_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(String(64))
    lease_until_at: Mapped[datetime | None]
    provider: Mapped[str | None] = mapped_column(String(32))
    changed_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]


class Chunk(Base):
    """Some hundred deliveries of an issue, `first_id` to `last_id`: what a worker claims.

    The intent to send is `mark`, moved forward before the messages leave: in the current turn a
    due delivery up to the mark and without a result may be leaving, one above it is not.
    """

    __tablename__ = "chunks"
    __table_args__ = (
        Index("ix_chunks_issue_state", "issue_id", "state", "id"),
        Index("ix_chunks_owner", "owner", **_where("owner IS NOT NULL")),
        Index("ix_chunks_uncounted", "id", **_where("tally IS NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issues.id", ondelete="RESTRICT"))
    first_id: Mapped[int]
    last_id: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    """open | claimed | done (nothing of it is planned any more)"""
    turn: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often it was claimed: a worker that lost it knows by this number too."""
    turn_at: Mapped[datetime | None]
    """When the turn began; a delivery is of this turn if it was due then."""
    mark: Mapped[int]
    """The highest delivery that may have begun to leave in this turn; below `first_id`: none."""
    owner: Mapped[str | None] = mapped_column(String(64))
    lease_until_at: Mapped[datetime | None]
    not_before_at: Mapped[datetime | None]
    tally: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    """[edition, state, reason, count] of its deliveries; empty (NULL) as soon as one changes."""
    changed_at: Mapped[datetime]


class Event(Base):
    """Something a provider or a bounce mail said about a delivery, once however often it comes."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_delivery_id", "delivery_id"),
        Index("ix_events_received_at", "received_at"),
        Index("ix_events_waiting", "id", **_where("outcome = 'waiting'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(32))
    """The provider's name, or `mailbox`."""
    mark: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    """A hash of the source and its own id of the event, or of the event itself."""
    kind: Mapped[str] = mapped_column(String(16))
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"))
    status: Mapped[str | None] = mapped_column(String(16))
    """The enhanced status code (RFC 3463), when one was given."""
    answer: Mapped[str | None] = mapped_column(Text)
    """The words of the other side, without any address."""
    outcome: Mapped[str] = mapped_column(String(32))
    """What it was judged to be and what followed, as one word."""
    at: Mapped[datetime]
    received_at: Mapped[datetime]
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Of an unknown kind only: the whole, sealed, because it may hold an address."""


class SoftBounce(Base):
    """The memory of soft bounces of one reader, forgotten by any delivery that succeeds."""

    __tablename__ = "soft_bounces"

    subscriber_id: Mapped[int] = mapped_column(
        ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True
    )
    issues: Mapped[int]
    """In how many issues one after the other."""
    last_issue_id: Mapped[int | None]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]


class Pace(Base):
    """A token bucket and a day's count, of a provider (`provider:NAME`) or of a receiving domain
    that the settings name (`domain:NAME`)."""

    __tablename__ = "paces"

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    tokens: Mapped[float]
    refilled_at: Mapped[datetime]
    day: Mapped[date | None]
    day_count: Mapped[int] = mapped_column(default=0, server_default="0")


class Outage(Base):
    """A provider that is not used for a while, and why."""

    __tablename__ = "outages"

    provider: Mapped[str] = mapped_column(String(32), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    since_at: Mapped[datetime]
    until_at: Mapped[datetime]


class Notice(Base):
    """Something the editors must hear of: shown in `status`, and mailed to them once."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_mailed_at", "mailed_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id", ondelete="CASCADE"))
    issue_id: Mapped[int | None] = mapped_column(ForeignKey("issues.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(32))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    mailed_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
