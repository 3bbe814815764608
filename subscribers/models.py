"""The tables about readers. No address stands here in clear, and nothing of what anybody read."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, Uuid, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from newsletter.core.db import Base


class Subscriber(Base):
    """An address we hold, sealed; `address_index` is its blind index."""

    __tablename__ = "subscribers"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[UUID] = mapped_column(Uuid, unique=True)
    sealed_address: Mapped[bytes] = mapped_column(LargeBinary)
    seal_key_id: Mapped[int | None] = mapped_column(ForeignKey("data_keys.id"), index=True)
    """The key that closed it. A key that any row still needs cannot be deleted, and no row can be
    written under a key that is gone: so keys rotate while others write. None: from before."""
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
    text_only: Mapped[bool] = mapped_column(default=False)
    """The reader asked for mail without HTML."""
    discreet: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The reader asked for mail that tells nothing to whoever looks over the shoulder."""
    paused_until_at: Mapped[datetime | None]
    """The reader wants nothing before this instant; issues until then skip them."""
    ended_at: Mapped[datetime | None]
    ended_reason: Mapped[str | None] = mapped_column(String(32))

    subscriber: Mapped[Subscriber] = relationship(back_populates="subscriptions")


class Confirmation(Base):
    """A sign-up that waits for the press in the mail: valid seven days, used once.

    `public_id` is the subject of the link's token. The subscription stays what it is (pending
    for somebody new, ended for who left, active for who is there) until the press.
    """

    __tablename__ = "confirmations"
    __table_args__ = (Index("ix_confirmations_expires_at", "expires_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[UUID] = mapped_column(Uuid, unique=True)
    subscription_id: Mapped[int] = mapped_column(
        ForeignKey("subscriptions.id", ondelete="CASCADE"), index=True
    )
    edition: Mapped[str] = mapped_column(String(128))
    wording: Mapped[str] = mapped_column(Text)
    """What stood on the form that was sent: the first half of the proof."""
    discreet: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Asked for on the form, and so this mail is one already."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Greeting(Base):
    """A mail of welcome after the press that confirms, or of goodbye after leaving; one each time.

    `public_id` is for a link of its own, should one be needed; the mail's links name the reader.
    """

    __tablename__ = "greetings"
    __table_args__ = (Index("ix_greetings_created_at", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    """welcome | goodbye"""
    public_id: Mapped[UUID] = mapped_column(Uuid, unique=True)
    subscription_id: Mapped[int] = mapped_column(
        ForeignKey("subscriptions.id", ondelete="CASCADE"), index=True
    )
    edition: Mapped[str] = mapped_column(String(128))
    created_at: Mapped[datetime]


class SignupMark(Base):
    """That a confirmation was asked for, so that nobody is flooded; deleted after 30 days.

    `mark` is a keyed hash of the address made for this use alone; nothing leads back from it.
    """

    __tablename__ = "signup_marks"
    __table_args__ = (
        Index("ix_signup_marks_mark", "mark", "at"),
        Index("ix_signup_marks_at", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[bytes] = mapped_column(LargeBinary(16))
    at: Mapped[datetime]


class ListImport(Base):
    """A list that is being taken in, chunk by chunk: `rows_done` of it are stored.

    The consents say its number and line. What the file was called may tell of somebody, and
    who holds a list could tell it again by a plain hash: neither is kept.
    """

    __tablename__ = "list_imports"
    __table_args__ = (UniqueConstraint("publication_id", "mark"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    publication_id: Mapped[int] = mapped_column(ForeignKey("publications.id", ondelete="CASCADE"))
    mark: Mapped[bytes] = mapped_column(LargeBinary(16))
    """A keyed hash of the file together with what it was read as (columns, edition)."""
    rows_done: Mapped[int]
    started_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    """Somebody said that the rest is not to come."""


class Consent(Base):
    """The proof: when, how and with which words somebody agreed or left."""

    __tablename__ = "consents"
    __table_args__ = (Index("ix_consents_subscription_id", "subscription_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("subscriptions.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    """given | withdrawn | changed | released (a suppression was lifted)"""
    how: Mapped[str] = mapped_column(String(32))
    """one_click | page | mail | editor | import | form"""
    wording: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class Suppression(Base):
    """Never mailed again, whatever the publication; outlives the subscriber as a keyed hash."""

    __tablename__ = "suppressions"

    address_index: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    reason: Mapped[str] = mapped_column(String(32))
    """hard_bounce | undeliverable (over several issues) | complaint | unsubscribed (from another
    system) | manual | erased"""
    at: Mapped[datetime]
