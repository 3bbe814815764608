"""The clock's tables. Uniqueness of a slot stands here and not in any alarm clock."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from newsletter.core.db import Base


class Slot(Base):
    """One planned send time. `key` is the ISO week (2026-W47) or `exact-<issue id>-<n>`."""

    __tablename__ = "slots"
    __table_args__ = (UniqueConstraint("publication_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id", ondelete="CASCADE"))
    issue_id: Mapped[int | None] = mapped_column(ForeignKey("issues.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(40))
    due_at: Mapped[datetime] = mapped_column(index=True)
    wall: Mapped[str] = mapped_column(String(16))
    """The wall time meant: 2026-11-23 09:00, in `zone`."""
    zone: Mapped[str] = mapped_column(String(64))
    fired_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(Text)


class Lease(Base):
    """Who may fire slots just now."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    until_at: Mapped[datetime]
