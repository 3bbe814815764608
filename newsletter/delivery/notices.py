"""Notices: what the editors must hear of, shown in `status` and mailed to them once.

A notice holds no address. `notifying` mails them; what could not be mailed stands here anyway.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.core.log import logger, redact
from newsletter.delivery.models import Notice
from newsletter.editorial.models import Issue

REST = timedelta(hours=1)
"""So long the same about the same issue is not told again."""
SHOWN = timedelta(days=7)
TOLD_LATEST = timedelta(days=1)
"""What could not be mailed by then is not mailed any more."""
_LOCK = 0x6E6F7469
_log = logger("delivery.notices")


def raise_(  # noqa: PLR0917  (as its callers know it)
    session: Session,
    publication_id: int,
    issue_id: int | None,
    kind: str,
    text: str,
    now: datetime,
) -> bool:
    """Let the editors hear of something, in a sentence; `kind` is one word of at most 32 letters.

    False when the same kind about the same issue still waits to be mailed, or was told within the
    hour: then the sentence of the former stays.
    """
    _alone(session)
    same = _about(publication_id, issue_id, kind)
    open_ = Notice.mailed_at.is_(None) & (Notice.created_at > now - TOLD_LATEST)
    fresh = Notice.created_at > now - REST
    if session.scalar(select(Notice.id).where(*same, open_ | fresh).limit(1)) is not None:
        return False
    notice = Notice(
        publication_id=publication_id,
        issue_id=issue_id,
        kind=kind,
        text=redact(text),
        created_at=now,
        tries=0,
    )
    session.add(notice)
    session.flush()
    _log.warning("notice", kind=kind, publication=publication_id, issue=issue_id, reason=text)
    return True


def raised(session: Session, publication_id: int, issue_id: int | None, kind: str) -> bool:
    """Whether the editors ever heard of this kind about this issue."""
    same = _about(publication_id, issue_id, kind)
    return session.scalar(select(Notice.id).where(*same).limit(1)) is not None


def _about(publication_id: int, issue_id: int | None, kind: str) -> tuple[Any, ...]:
    return (
        Notice.publication_id == publication_id,
        Notice.issue_id.is_not_distinct_from(issue_id),
        Notice.kind == kind,
    )


def _alone(session: Session) -> None:
    """Of two workers that see the same at once, one tells it."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def listing(
    session: Session, now: datetime, *, publication_id: int, issue_id: int | None = None
) -> list[dict[str, Any]]:
    """The notices of an issue, or of a publication in the last week; newest first."""
    wanted = select(Notice, Issue.number).outerjoin(Issue, Issue.id == Notice.issue_id)
    wanted = wanted.where(Notice.publication_id == publication_id)
    if issue_id is not None:
        wanted = wanted.where(Notice.issue_id == issue_id)
    else:
        wanted = wanted.where(Notice.created_at > now - SHOWN)
    rows = session.execute(wanted.order_by(Notice.created_at.desc(), Notice.id.desc()))
    return [
        {
            "at": notice.created_at.isoformat(),
            "issue": number,
            "kind": notice.kind,
            "text": notice.text,
            "mailed_at": notice.mailed_at.isoformat() if notice.mailed_at else None,
            "tries": notice.tries,
        }
        for notice, number in rows
    ]
