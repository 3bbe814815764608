"""What this installation knows of itself: which key file its database belongs to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.core.db import Base
from newsletter.core.errors import ConfigurationError
from newsletter.core.sealing import Keyring


class Installation(Base):
    """A single row, made with the key."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True)
    key_fingerprint: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime]


def bind_key(session: Session, ring: Keyring, at: datetime) -> None:
    """Remember the key of a new database; ConfigurationError when another key made it."""
    known = session.scalar(select(Installation.key_fingerprint).where(Installation.id == 1))
    if known is None:
        session.add(Installation(id=1, key_fingerprint=ring.fingerprint(), created_at=at))
    elif known != ring.fingerprint():
        raise ConfigurationError(
            "the key file does not belong to this database; put back the keys.json that was "
            "made with it (nothing was read or written)"
        )
