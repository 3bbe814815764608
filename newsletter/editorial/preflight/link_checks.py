"""What became of links when they were tried, kept for a while so that no site is asked anew."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter.editorial.models import LinkCheck
from newsletter.editorial.preflight.link_states import BY_HAND, Tried, Verdict

_AT_ONCE = 400
_VERDICTS: dict[str, Verdict] = {
    "alive": "alive",
    "dead": "dead",
    "doubtful": "doubtful",
    "refused": "refused",
}


def known(session: Session, urls: Iterable[str]) -> dict[str, Tried]:
    """What is kept of these links, by their addresses as they are written."""
    wanted = sorted({_hash(url) for url in urls})
    found: dict[str, Tried] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        for row in session.scalars(select(LinkCheck).where(LinkCheck.url_hash.in_(part))):
            said = _VERDICTS.get(row.verdict, "doubtful")
            found[row.url] = Tried(row.url, said, row.status, row.detail, row.checked_at)
    return found


def due(
    session: Session,
    urls: Iterable[str],
    now: datetime,
    keep_for: timedelta,
    *,
    fresh: bool = False,
) -> list[str]:
    """Which of these links are to be tried: those never tried, or longer ago than `keep_for`.

    `fresh` tries them all. What an editor opened by hand counts as long as any other.
    """
    wanted = list(dict.fromkeys(urls))
    if fresh:
        return wanted
    there = known(session, wanted)
    return [url for url in wanted if url not in there or now - there[url].checked_at > keep_for]


def keep(session: Session, tried: Iterable[Tried]) -> None:
    """Keep these in the place of what was known of the same links."""
    rows = {_hash(one.url): one for one in tried}
    hashes = sorted(rows)
    for start in range(0, len(hashes), _AT_ONCE):
        part = hashes[start : start + _AT_ONCE]
        session.execute(delete(LinkCheck).where(LinkCheck.url_hash.in_(part)))
    for url_hash in hashes:
        one = rows[url_hash]
        row = LinkCheck(
            url_hash=url_hash,
            url=one.url,
            verdict=one.verdict,
            status=one.status,
            detail=one.detail,
            checked_at=one.checked_at,
        )
        # Somebody else may have tried it in the meantime, and knows as much as we do.
        with suppress(IntegrityError), session.begin_nested():
            session.add(row)


def opened(session: Session, url: str, now: datetime) -> None:
    """An editor says that this link opens, whatever a program was told."""
    keep(session, [Tried(url, "alive", None, BY_HAND, now)])


def _hash(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
