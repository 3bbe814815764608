"""The tables about readers. No address stands here in clear, and nothing of what anybody read."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from newsletter.core.db import Base


class Subscriber(Base):
    """An address we hold, sealed; `address_index` is its blind index."""

    __tablename__ = "subscribers"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[UUID] = mapped_column(Uuid, unique=True)
    sealed_address: Mapped[bytes] = mapped_column(LargeBinary)
    address_index: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime]

    subscriptions: Mapped[list[Subscription]] = relationship(
        cascade="all, delete-orphan", back_populates="subscriber"
    )


class Subscription(Base):
    """One subscriber's standing with one publication, and the edition chosen: en, my, en+my."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("subscriber_id", "publication_id"),
        Index("ix_subscriptions_publication_state", "publication_id", "state", "subscriber_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"))
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(16))
    """pending | active | ended"""
    edition: Mapped[str] = mapped_column(String(128))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_reason: Mapped[str | None] = mapped_column(String(32))

    subscriber: Mapped[Subscriber] = relationship(back_populates="subscriptions")


class Consent(Base):
    """The proof: when, how and with which words somebody agreed or left."""

    __tablename__ = "consents"
    __table_args__ = (Index("ix_consents_subscription_id", "subscription_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    """given | withdrawn | changed | released (a suppression was lifted)"""
    how: Mapped[str] = mapped_column(String(32))
    """one_click | page | mail | editor | import"""
    wording: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class Suppression(Base):
    """Never mailed again, whatever the publication; outlives the subscriber as a keyed hash."""

    __tablename__ = "suppressions"

    address_index: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    reason: Mapped[str] = mapped_column(String(32))
    """hard_bounce | complaint | manual | erased"""
    at: Mapped[datetime]
