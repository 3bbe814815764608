"""The ledger's table: one row for each message owed to one person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from newsletter.core.db import Base


class Delivery(Base):
    """One message to one recipient. (issue, subscriber) is unique: nobody is planned twice.

    Either of an issue, or the confirmation mail of a sign-up: the table is the outbox of both.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        # The subscriber first: this index also finds somebody's deliveries, and erases them.
        UniqueConstraint("subscriber_id", "issue_id"),
        CheckConstraint("(issue_id IS NULL) <> (confirmation_id IS NULL)", name="one_origin"),
        Index(
            "uq_deliveries_confirmation_id",
            "confirmation_id",
            unique=True,
            sqlite_where=text("confirmation_id IS NOT NULL"),
            postgresql_where=text("confirmation_id IS NOT NULL"),
        ),
        # Equality on the first two columns, then in order of id: a claim costs the same
        # however many rows are already done.
        Index("ix_deliveries_issue_state", "issue_id", "state", "id"),
        Index("ix_deliveries_lease", "state", "lease_until_at"),
        # A number never comes back, since a Message-ID is made of it.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int | None] = mapped_column(ForeignKey("issues.id", ondelete="RESTRICT"))
    confirmation_id: Mapped[int | None] = mapped_column(
        ForeignKey("confirmations.id", ondelete="CASCADE")
    )
    subscriber_id: Mapped[int | None] = mapped_column(
        ForeignKey("subscribers.id", ondelete="SET NULL")
    )
    edition: Mapped[str] = mapped_column(String(128))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(64))
    """Why it was skipped or refused: one word of a small set."""
    answer: Mapped[str | None] = mapped_column(Text)
    """The provider's own words, without any address."""
    attempts: Mapped[int] = mapped_column(default=0)
    not_before_at: Mapped[datetime | None]
    owner: Mapped[str | None] = mapped_column(String(64))
    lease_until_at: Mapped[datetime | None]
    provider: Mapped[str | None] = mapped_column(String(32))
    changed_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
