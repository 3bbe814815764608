"""What this installation knows of itself: its keys (wrapped), its keyholders, its audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.core.db import Base
from newsletter.core.errors import ConfigurationError, NotAllowedNow


class Installation(Base):
    """A single row, made with the key."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True)
    key_fingerprint: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime]
    wrapping: Mapped[dict[str, Any] | None]
    """How the data keys are wrapped: {"by": "file" | "environment" | "passphrase", "master": its
    fingerprint, and for a passphrase "salt", "n", "r", "p" of scrypt}."""
    restored_at: Mapped[datetime | None]
    backup_of_at: Mapped[datetime | None]
    """Restored from a backup of this instant: what happened later is not known here."""
    restored_seen_at: Mapped[datetime | None]
    """Since when somebody answers for it that who left meanwhile was brought in; no issue goes
    out before."""
    purged_at: Mapped[datetime | None]


class DataKey(Base):
    """A secret of this installation, wrapped by the master key, which is never in here.

    `use` is index (one, for ever), seal (addresses) or token (links). The newest of its use
    closes and signs, all open and verify.
    """

    __tablename__ = "data_keys"
    __table_args__ = (UniqueConstraint("use", "kid"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    use: Mapped[str] = mapped_column(String(8))
    kid: Mapped[str] = mapped_column(String(8))
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


class AuditEntry(Base):
    """A deed on what we hold of readers (export, erasure, rotation, purge); names nobody."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    deed: Mapped[str] = mapped_column(String(32))
    how: Mapped[str] = mapped_column(String(64))
    """Through which door: `command line`, later a page."""
    detail: Mapped[dict[str, Any]]


class Keyholder(Base):
    """One of the people who can purge; two of them must agree. Only a scrypt hash is kept."""

    __tablename__ = "keyholders"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


def require_keys(session: Session) -> None:
    """ConfigurationError once this newsletter was purged: whoever still works here must end."""
    found = select(Installation.purged_at, Installation.wrapping).where(Installation.id == 1)
    for purged_at, wrapping in session.execute(found):
        if purged_at is not None and wrapping is None:
            raise ConfigurationError(
                f"this newsletter was purged on {purged_at:%Y-%m-%d}: its keys and its readers are "
                "destroyed; 'newsletter init' makes new keys, publications and issues are kept"
            )


def require_seen(session: Session) -> None:
    """NotAllowedNow after a restore, until somebody answers for it that who left since the
    backup was brought in: they would be mailed against their word."""
    found = select(Installation.backup_of_at).where(
        Installation.restored_at.is_not(None), Installation.restored_seen_at.is_(None)
    )
    made_at = session.scalar(found)
    if made_at is not None:
        raise NotAllowedNow(
            f"this was restored from a backup of {made_at:%Y-%m-%d %H:%M} UTC, and who left or was "
            "erased since is not known here: bring them in with 'newsletter restored --left-in "
            "OLD_HOME', the leave mails with 'newsletter subscribers leave' and the mail server's "
            "refusals with 'newsletter suppressions import', then say so with 'newsletter restored "
            "--accept'"
        )
