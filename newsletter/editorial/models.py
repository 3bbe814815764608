"""The newsroom's tables. Rows only: what may be done with them stands in the other files."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from newsletter.core.db import Base


class Publication(Base):
    """A newsletter: its names, languages and their order, sender, slot and boilerplate."""

    __tablename__ = "publications"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    names: Mapped[dict[str, str]]
    languages: Mapped[list[str]]
    sender_address: Mapped[str] = mapped_column(String(320))
    sender_names: Mapped[dict[str, str]]
    reply_to: Mapped[str] = mapped_column(String(320))
    leave_address: Mapped[str] = mapped_column(String(320))
    """Where `List-Unsubscribe: <mailto:…>` points; empty: the sender's address."""
    subject_prefixes: Mapped[dict[str, str]]
    about: Mapped[dict[str, str]]
    postal_addresses: Mapped[dict[str, str]]
    fallback_language: Mapped[str | None] = mapped_column(String(16))
    """`en` is "English for all": readers of a missing edition get this one instead."""
    slot_weekday: Mapped[int]
    """1 Monday … 7 Sunday (ISO 8601)."""
    slot_time: Mapped[str] = mapped_column(String(5))
    slot_zone: Mapped[str] = mapped_column(String(64))
    stale_minutes: Mapped[int]
    """An issue later than this is held instead of sent."""
    quiet_hours: Mapped[str] = mapped_column(String(11), default="", server_default="")
    """`22:00-07:00` in the slot's zone: nothing leaves meanwhile; empty: no such hours."""
    unknown_policy: Mapped[str] = mapped_column(String(8), default="never", server_default="never")
    """What becomes of a delivery in doubt: `never` sent again by itself, or after a `look`: when
    the provider itself says that it never had it."""
    theme: Mapped[dict[str, str]] = mapped_column(default=dict, server_default="{}")
    """Colours and fonts of its mails where they differ from the house's own."""
    logo_name: Mapped[str | None] = mapped_column(String(80))
    logo_width: Mapped[int | None]
    logo_height: Mapped[int | None]
    logo_alts: Mapped[dict[str, str]] = mapped_column(default=dict, server_default="{}")
    hosted_images: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Pictures are fetched from our own address instead of travelling in the mail."""
    search_engines: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Search engines may list its past issues; else every page asks them not to."""
    discreet: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """How the edition for readers at risk names itself: neutral sender, subject, domain."""
    welcome_mail: Mapped[bool] = mapped_column(default=True, server_default=true())
    goodbye_mail: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]
    """Since when it is no longer published: no slot fires and nobody signs up; leaving works."""

    categories: Mapped[list[Category]] = relationship(
        order_by="Category.position", back_populates="publication", cascade="all, delete-orphan"
    )


class Category(Base):
    """A heading under which resources stand."""

    __tablename__ = "categories"
    __table_args__ = (UniqueConstraint("publication_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(64))
    names: Mapped[dict[str, str]]
    position: Mapped[int]

    publication: Mapped[Publication] = relationship(back_populates="categories")


class Issue(Base):
    """One week's unit of a publication, with one approval and one ledger."""

    __tablename__ = "issues"
    __table_args__ = (
        UniqueConstraint("publication_id", "number"),
        UniqueConstraint("publication_id", "week"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id", ondelete="CASCADE"))
    number: Mapped[int]
    week: Mapped[str | None] = mapped_column(String(8))
    """The ISO week whose slot it is for (2026-W47); none for an issue outside the rhythm."""
    date: Mapped[date]
    status: Mapped[str] = mapped_column(String(16), index=True)
    content_hash: Mapped[str | None] = mapped_column(String(64))
    held_reason: Mapped[str | None] = mapped_column(Text)
    paused_reason: Mapped[str | None] = mapped_column(Text)
    warnings: Mapped[list[dict[str, Any]]]
    """What the import could not be sure of: [{"line": 60, "text": "…"}]."""
    image_name: Mapped[str | None] = mapped_column(String(80))
    image_width: Mapped[int | None]
    image_height: Mapped[int | None]
    image_alts: Mapped[dict[str, str]]
    image_expected: Mapped[bool]
    """The imported text says that a featured image stands there."""
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    launched_at: Mapped[datetime | None]
    audience_size: Mapped[int | None]
    """How many people the launch chose: the other side of the ledger's equation."""
    sent_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    """Since when the web no longer shows it; mail that is out cannot be called back."""

    publication: Mapped[Publication] = relationship()
    editorials: Mapped[list[Editorial]] = relationship(
        cascade="all, delete-orphan", back_populates="issue"
    )
    resources: Mapped[list[Resource]] = relationship(
        order_by="Resource.position, Resource.id",
        back_populates="issue",
        foreign_keys="Resource.issue_id",
    )


class Editorial(Base):
    """The written piece of an issue in one language; `body` is Markdown, notes as `[^1]`."""

    __tablename__ = "editorials"
    __table_args__ = (UniqueConstraint("issue_id", "language"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issues.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(Text)
    authors: Mapped[list[str]]
    reading_minutes: Mapped[int | None]
    """As the text itself said it; computed when it said nothing."""
    pull_quote: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    footnotes: Mapped[list[dict[str, Any]]]
    """[{"mark": "1", "text": "…"}] in the order of the text."""
    about: Mapped[str] = mapped_column(Text)
    """The closing paragraph about the organisation; empty: the publication's own."""
    changed_at: Mapped[datetime]

    issue: Mapped[Issue] = relationship(back_populates="editorials")


class Resource(Base):
    """One thing published elsewhere; in the inbox until an issue takes it."""

    __tablename__ = "resources"
    __table_args__ = (
        Index("ix_resources_inbox", "publication_id", "issue_id", "dropped_at", "published_on"),
        Index("ix_resources_issue_id", "issue_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id", ondelete="CASCADE"))
    issue_id: Mapped[int | None] = mapped_column(ForeignKey("issues.id", ondelete="SET NULL"))
    category_id: Mapped[int | None] = mapped_column(
        ForeignKey("categories.id", ondelete="SET NULL")
    )
    position: Mapped[int]
    byline: Mapped[str] = mapped_column(Text)
    """The publisher's name, without the word "By"."""
    titles: Mapped[dict[str, str]]
    urls: Mapped[dict[str, str]]
    published_on: Mapped[date]
    lines: Mapped[list[int]]
    """Where it stood in the imported file: [title line, byline line, …]."""
    near_duplicate_of: Mapped[int | None] = mapped_column(
        ForeignKey("resources.id", ondelete="SET NULL")
    )
    added_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    """Touched by an editor's hand: assembling again leaves its category and place alone."""
    dropped_at: Mapped[datetime | None]
    withheld_from: Mapped[int | None] = mapped_column(ForeignKey("issues.id", ondelete="SET NULL"))
    """The issue it was taken out of by hand: assembling that one again does not take it back."""

    issue: Mapped[Issue | None] = relationship(back_populates="resources", foreign_keys=[issue_id])
    category: Mapped[Category | None] = relationship()


class Picture(Base):
    """The bytes of a featured image or a logo, named by their hash; sizes in pixels."""

    __tablename__ = "pictures"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    width: Mapped[int]
    height: Mapped[int]
    data: Mapped[bytes]


class Import(Base):
    """A file that was taken in, by its hash, so that the same file twice changes nothing."""

    __tablename__ = "imports"
    __table_args__ = (UniqueConstraint("publication_id", "sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id", ondelete="CASCADE"))
    issue_id: Mapped[int | None] = mapped_column(ForeignKey("issues.id", ondelete="SET NULL"))
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(Text)
    imported_at: Mapped[datetime]


class Conversion(Base):
    """A text that came in another encoding or order than it is kept in, with its original.

    `state`: `converted` by the gate itself, `asked` while an editor has to say, then `accepted`
    (the proposal was taken) or `kept` (the original was right as it was).
    """

    __tablename__ = "conversions"
    __table_args__ = (
        Index("ix_conversions_issue_id", "issue_id", "state"),
        Index("ix_conversions_resource_id", "resource_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id", ondelete="CASCADE"))
    issue_id: Mapped[int | None] = mapped_column(ForeignKey("issues.id", ondelete="CASCADE"))
    resource_id: Mapped[int | None] = mapped_column(ForeignKey("resources.id", ondelete="CASCADE"))
    place: Mapped[str] = mapped_column(String(80))
    """Which text: `editorial my body`, `resource title my`."""
    language: Mapped[str] = mapped_column(String(16))
    original: Mapped[str] = mapped_column(Text)
    proposed: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    reasons: Mapped[list[str]]
    found_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class LinkCheck(Base):
    """What came of trying a link, kept for a while so that nobody's site is asked each time."""

    __tablename__ = "link_checks"

    id: Mapped[int] = mapped_column(primary_key=True)
    url_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256, in hex: no database indexes an address of any length."""
    url: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(String(16))
    """alive | dead | doubtful | refused (our guard lets nobody go there)"""
    status: Mapped[int | None]
    detail: Mapped[str] = mapped_column(Text, default="", server_default="")
    checked_at: Mapped[datetime]
