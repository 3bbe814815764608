"""The tables of what fills the inbox by itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from newsletter.core.db import Base
from newsletter.editorial.models import Category, Publication


class Source(Base):
    """A feed or a WordPress site that is asked from time to time."""

    __tablename__ = "sources"
    __table_args__ = (UniqueConstraint("publication_id", "url_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    """feed | wordpress"""
    url: Mapped[str] = mapped_column(Text)
    """Of the feed, or the root of the site's API."""
    url_hash: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(Text)
    """The byline of what comes from it."""
    category_id: Mapped[int | None] = mapped_column(
        ForeignKey("categories.id", ondelete="SET NULL")
    )
    language: Mapped[str] = mapped_column(String(16))
    """In which everything there is written; empty: as each title shows it."""
    every_minutes: Mapped[int]
    first_days: Mapped[int]
    active: Mapped[bool]
    etag: Mapped[str] = mapped_column(Text)
    last_modified: Mapped[str] = mapped_column(Text)
    added_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    """When it was last asked, whatever came of it."""
    seen_at: Mapped[datetime | None]
    """When it last gave a sound answer."""
    next_at: Mapped[datetime] = mapped_column(index=True)
    """Not to be asked before; whoever asks moves it on first, so that nobody else does."""
    failures: Mapped[int]
    """In a row."""
    last_error: Mapped[str] = mapped_column(Text)

    publication: Mapped[Publication] = relationship()
    category: Mapped[Category | None] = relationship()


class SourceEntry(Base):
    """One entry that was seen at a source: it comes into the inbox once ever, or never."""

    __tablename__ = "entries"
    __table_args__ = (
        UniqueConstraint("source_id", "guid_hash"),
        Index("ix_entries_url_hash", "url_hash"),
        Index("ix_entries_resource_id", "resource_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id", ondelete="CASCADE"))
    guid_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256, in hex, of what names it at its source."""
    url_hash: Mapped[str] = mapped_column(String(64))
    seen_at: Mapped[datetime]
    resource_id: Mapped[int | None] = mapped_column(ForeignKey("resources.id", ondelete="SET NULL"))
    """None for what was too old when its source was first asked."""
