"""How far a list is stored, so that an import that was killed is known of and goes on.

The row is written in the same transaction as each chunk: it never says more than is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter.core.log import redact
from subscribers.models import ListImport


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A list of which only a part is stored: the same command with the same file goes on."""

    name: str
    rows_done: int
    started_at: datetime
    changed_at: datetime


def unfinished(session: Session, publication_id: int) -> list[Unfinished]:
    """The lists that were begun and not finished, oldest first."""
    wanted = (
        select(ListImport)
        .where(ListImport.publication_id == publication_id, ListImport.finished_at.is_(None))
        .order_by(ListImport.started_at, ListImport.id)
    )
    return [_shown(row) for row in session.scalars(wanted)]


def earlier(session: Session, publication_id: int, fingerprint: str) -> Unfinished | None:
    """The run of this very list that did not come to its end, or None."""
    row = _row(session, publication_id, fingerprint)
    return _shown(row) if row is not None and row.finished_at is None else None


def begin(
    session: Session, publication_id: int, fingerprint: str, name: str, now: datetime
) -> None:
    """Note that this list is being stored; a run that was broken off is taken up."""
    row = _row(session, publication_id, fingerprint)
    if row is None:
        row = ListImport(
            publication_id=publication_id,
            sha256=fingerprint,
            name=redact(name)[:200],
            rows_done=0,
            started_at=now,
            changed_at=now,
        )
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:  # the same list, at the same moment, in another program
            return
    elif row.finished_at is not None:
        row.rows_done, row.started_at, row.finished_at = 0, now, None
    row.changed_at = now
    session.flush()


def advance(
    session: Session, publication_id: int, fingerprint: str, rows: int, now: datetime
) -> None:
    """So many more rows are stored, in this transaction."""
    session.execute(
        update(ListImport)
        .where(ListImport.publication_id == publication_id, ListImport.sha256 == fingerprint)
        .values(rows_done=ListImport.rows_done + rows, changed_at=now)
    )


def finish(session: Session, publication_id: int, fingerprint: str, now: datetime) -> None:
    """All of the list is stored."""
    session.execute(
        update(ListImport)
        .where(ListImport.publication_id == publication_id, ListImport.sha256 == fingerprint)
        .values(changed_at=now, finished_at=now)
    )


def _row(session: Session, publication_id: int, fingerprint: str) -> ListImport | None:
    return session.scalar(
        select(ListImport).where(
            ListImport.publication_id == publication_id, ListImport.sha256 == fingerprint
        )
    )


def _shown(row: ListImport) -> Unfinished:
    return Unfinished(row.name, row.rows_done, row.started_at, row.changed_at)
