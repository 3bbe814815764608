"""Mailing notices to the editors: outside any transaction, a few times, and stopping nobody."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from newsletter.core.addresses import parse
from newsletter.core.db import reading, writing
from newsletter.core.errors import InputError, NewsletterError
from newsletter.core.log import logger, redact
from newsletter.delivery import message_ids
from newsletter.delivery.models import Notice
from newsletter.delivery.needs import Needs
from newsletter.delivery.notices import TOLD_LATEST
from newsletter.delivery.rows import changed
from newsletter.editorial.models import Issue, Publication
from newsletter.providers.base import Envelope
from newsletter.rendering import editors_note

_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (0, 5, 20, 60, 240))
"""When each try may come, counted from the notice's making."""
_log = logger("delivery.notifying")


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
        .where(Notice.mailed_at.is_(None), Notice.created_at > now - TOLD_LATEST)
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
