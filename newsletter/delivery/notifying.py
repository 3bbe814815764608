"""Mailing notices to the editors: outside any transaction, a few times, and stopping nobody."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from newsletter.core.addresses import Address, parse
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
from newsletter.rendering import dkim_keys
from newsletter.rendering.look import look_of
from newsletter.rendering.notice import Notice as Words
from newsletter.rendering.notice import build, editors_subject

_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (0, 5, 20, 60, 240))
"""When each try may come, counted from the notice's making."""
_log = logger("delivery.notifying")


@dataclass(frozen=True, slots=True)
class _Due:
    """A notice to be mailed, and by whom."""

    id: int
    tries: int
    publication: Publication
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
        select(Notice, Publication, Issue.number)
        .join(Publication, Publication.id == Notice.publication_id)
        .outerjoin(Issue, Issue.id == Notice.issue_id)
        .where(Notice.mailed_at.is_(None), Notice.created_at > now - TOLD_LATEST)
        .where(Notice.tries < len(_PAUSES))
        .order_by(Notice.id)
        .limit(20)
    )
    with reading(needs.engine) as session:
        found = [
            _Due(notice.id, notice.tries, publication, number, notice.text)
            for notice, publication, number in session.execute(query)
            if now >= notice.created_at + _PAUSES[notice.tries]
        ]
        session.expunge_all()  # plain columns, read outside of any transaction
        return found


def _taken_up(needs: Needs, due: _Due) -> bool:
    """Count the try before it; of several workers one has it."""
    mine = (Notice.id == due.id) & (Notice.tries == due.tries) & Notice.mailed_at.is_(None)
    with writing(needs.engine) as session:
        return changed(session, update(Notice).where(mine).values(tries=due.tries + 1)) == 1


def _mail(needs: Needs, due: _Due, editors: Sequence[str], now: datetime) -> None:
    publication = due.publication
    if not publication.sender_address:
        slug = publication.slug
        raise InputError("sender.address", f"'{slug}' has none, so no notice can be mailed")
    words, addresses = _words(needs, due), [parse(editor, "notices.to") for editor in editors]
    envelopes = [_envelope(needs, words, to, now) for to in addresses]
    connection = needs.provider.connect()
    try:
        for envelope in envelopes:
            connection.submit(envelope, lambda: None)
    finally:
        connection.close()


def _envelope(needs: Needs, words: Words, to: Address, now: datetime) -> Envelope:
    mark = message_ids.with_domain(secrets.token_hex(16), words.sender_address)
    data = build(words, needs.theme, to=to, message_id=mark, date=now)
    signer = dkim_keys.signer(needs.settings) if needs.provider.takes_return_path else None
    return Envelope(0, words.sender_address, to, signer.sign(data) if signer else data)


def _words(needs: Needs, due: _Due) -> Words:
    publication = due.publication
    # Some providers fill in templates and refuse a text that looks like one.
    text = re.sub(r"\{(?=[{%])", "{ ", due.text)
    look = f"newsletter status {due.issue}" if due.issue else "newsletter status"
    languages = tuple(publication.languages)
    return Words(
        languages=languages,
        names={code: publication.names.get(code) or publication.slug for code in languages},
        sender_name="",
        sender_address=publication.sender_address,
        reply_to="",
        link=needs.settings.links_url,
        days=0,
        kind="editors",
        look=look_of(publication.theme),
        subject=f"[{publication.slug}] {editors_subject(needs.theme, languages[0], due.issue)}",
        told={
            "issue": due.issue,
            "said": f"{text[:1].upper()}{text[1:]}.",
            "command": f"{look} --publication {publication.slug}",
        },
    )
