"""Ending a publication without losing it: nothing goes out and nobody signs up any more.

Its past issues stay readable, and the links in its mails go on working for ever: a reader who
opens one in three years must still be able to leave, and to be erased.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.core.errors import NotAllowedNow
from newsletter.editorial.models import Issue, Publication
from newsletter.editorial.states import Status


def archive(session: Session, publication: Publication, now: datetime) -> bool:
    """End it; False when it was archived before. NotAllowedNow while an issue is going out."""
    session.refresh(publication, with_for_update=True)
    if publication.archived_at is not None:
        return False
    going = select(Issue.number).where(
        Issue.publication_id == publication.id,
        Issue.status.in_((Status.SENDING, Status.PAUSED)),
    )
    number = session.scalar(going.limit(1))
    if number is not None:
        raise NotAllowedNow(
            f"issue {number} of '{publication.slug}' is going out; wait until it is sent, or "
            f"cancel it with 'newsletter cancel {number}'"
        )
    publication.archived_at = now
    session.flush()
    return True


def unarchive(session: Session, publication: Publication) -> bool:
    """Take it up again; False when it was not archived. A slot long past holds its issue."""
    session.refresh(publication, with_for_update=True)
    if publication.archived_at is None:
        return False
    publication.archived_at = None
    session.flush()
    return True


def require_open(publication: Publication) -> None:
    """NotAllowedNow when the publication is archived, with the way back."""
    if publication.archived_at is not None:
        raise NotAllowedNow(
            f"'{publication.slug}' is archived since {publication.archived_at:%Y-%m-%d}, so "
            f"nothing of it goes out; 'newsletter publication unarchive {publication.slug}' takes "
            "it up again"
        )
