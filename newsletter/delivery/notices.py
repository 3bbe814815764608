"""Notices: what the editors must hear of, shown in `status` and mailed to them once.

A notice holds no address. A mail that cannot go out stops nobody: it is tried some times, and
what it would have said stands in `status` anyway.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from newsletter.core.addresses import parse
from newsletter.core.db import reading, writing
from newsletter.core.errors import InputError, NewsletterError
from newsletter.core.log import logger, redact
from newsletter.delivery import message_ids
from newsletter.delivery.models import Notice
from newsletter.delivery.needs import Needs
from newsletter.delivery.rows import changed
from newsletter.editorial.models import Issue, Publication
from newsletter.providers.base import Envelope
from newsletter.rendering import editors_note

REST = timedelta(hours=1)
"""So long the same about the same issue is not told again."""
SHOWN = timedelta(days=7)
_TOLD_LATEST = timedelta(days=1)
"""What could not be mailed by then is not mailed any more."""
_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (0, 5, 20, 60, 240))
"""When each try may come, counted from the notice's making."""
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
    open_ = Notice.mailed_at.is_(None) & (Notice.created_at > now - _TOLD_LATEST)
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


@dataclass(frozen=True, slots=True)
class _Due:
    """A notice to be mailed, and by whom."""

    id: int
    tries: int
    slug: str
    sender: str
    issue: int | None
    text: str


def mail_due(needs: Needs, now: datetime) -> int:
    """Mail what waits to the editors (`[notices] to`), each once; returns how many notices went.

    Speaks to the default provider, outside any transaction and perhaps for minutes: not to be
    called where leases have to be renewed. Never raises for what the provider does; the first
    failure ends the round, and the next try comes minutes later, five in all.
    """
    editors = needs.settings.notices.to
    if not editors:
        return 0
    mailed = 0
    for due in _due(needs, now):
        if not _taken_up(needs, due):
            continue
        try:
            _mail(needs, due, editors, now)
        except NewsletterError as err:
            _log.warning("notice_not_mailed", notice=due.id, reason=redact(str(err)))
            break
        with writing(needs.engine) as session:
            session.execute(update(Notice).where(Notice.id == due.id).values(mailed_at=now))
        mailed += 1
    return mailed


def _due(needs: Needs, now: datetime) -> list[_Due]:
    query = (
        select(Notice, Publication.slug, Publication.sender_address, Issue.number)
        .join(Publication, Publication.id == Notice.publication_id)
        .outerjoin(Issue, Issue.id == Notice.issue_id)
        .where(Notice.mailed_at.is_(None), Notice.created_at > now - _TOLD_LATEST)
        .where(Notice.tries < len(_PAUSES))
        .order_by(Notice.id)
        .limit(20)
    )
    with reading(needs.engine) as session:
        return [
            _Due(notice.id, notice.tries, slug, sender, number, notice.text)
            for notice, slug, sender, number in session.execute(query)
            if now >= notice.created_at + _PAUSES[notice.tries]
        ]


def _taken_up(needs: Needs, due: _Due) -> bool:
    """Count the try before it; of several workers one has it."""
    mine = (Notice.id == due.id) & (Notice.tries == due.tries) & Notice.mailed_at.is_(None)
    with writing(needs.engine) as session:
        return changed(session, update(Notice).where(mine).values(tries=due.tries + 1)) == 1


def _mail(needs: Needs, due: _Due, editors: Sequence[str], now: datetime) -> None:
    if not due.sender:
        raise InputError("sender.address", f"'{due.slug}' has none, so no notice can be mailed")
    connection = needs.provider.connect()
    try:
        for editor in editors:
            to = parse(editor, "notices.to")
            mark = message_ids.with_domain(secrets.token_hex(16), due.sender)
            data = editors_note.build(
                subject=_subject(due),
                body=_body(needs, due),
                sender=due.sender,
                to=to.text,
                message_id=mark,
                date=now,
            )
            connection.submit(Envelope(0, due.sender, to, data), lambda: None)
    finally:
        connection.close()


def _subject(due: _Due) -> str:
    about = f"issue {due.issue}" if due.issue else "the newsletter"
    return f"[{due.slug}] {about} needs you"


def _body(needs: Needs, due: _Due) -> str:
    look = f"newsletter status {due.issue}" if due.issue else "newsletter status"
    return (
        f"{due.text[:1].upper()}{due.text[1:]}.\n\n"
        f"To see where it stands:\n\n    {look} --publication {due.slug}\n\n"
        f"This mail was written by the newsletter service at {needs.settings.links_url}\n"
        "because your address stands in [notices] of its settings.\n"
    )
