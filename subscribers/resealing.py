"""Closing all addresses again under the newest key, while others read and write them."""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from newsletter.core.installation import DataKey
from subscribers.models import Subscriber


def name_keys(session: Session) -> None:
    """Write down which key closed each address, for rows of before that was written down."""
    for key in session.scalars(select(DataKey).where(DataKey.use == "seal")):
        front = key.kid.encode() + b"\0"
        session.execute(
            update(Subscriber)
            .where(
                Subscriber.seal_key_id.is_(None),
                func.substr(Subscriber.sealed_address, 1, len(front)) == front,
            )
            .values(seal_key_id=key.id)
        )
