"""How far a list is stored, so that an import that was killed is known of and goes on.

The row is written in the same transaction as each chunk: it never says more than is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter.core.errors import NotFound
from subscribers.models import ListImport


@dataclass(frozen=True, slots=True)
class Import:
    """A list that was taken in, or of which a part is stored."""

    number: int
    """As the consents of its readers say it."""
    rows_done: int
    started_at: datetime
    changed_at: datetime
    state: str
    """finished | unfinished (the same command with the same file goes on) | given up"""


def listing(session: Session, publication_id: int) -> list[Import]:
    """Every list that was begun, oldest first."""
    wanted = select(ListImport).where(ListImport.publication_id == publication_id)
    return [_shown(row) for row in session.scalars(wanted.order_by(ListImport.id))]


def unfinished(session: Session, publication_id: int) -> list[Import]:
    """The lists that were begun and not finished, oldest first."""
    return [one for one in listing(session, publication_id) if one.state == "unfinished"]


def earlier(session: Session, publication_id: int, mark: bytes) -> Import | None:
    """The run of this very list that did not come to its end, or None."""
    row = _row(session, publication_id, mark)
    shown = _shown(row) if row is not None else None
    return shown if shown and shown.state == "unfinished" else None


def begin(session: Session, publication_id: int, mark: bytes, now: datetime) -> int:
    """Note that this list is being stored, and give its number; one broken off is taken up."""
    row = _row(session, publication_id, mark)
    if row is None:
        row = _begun(session, publication_id, mark, now)
    elif row.finished_at is not None or row.given_up_at is not None:
        row.rows_done, row.started_at, row.finished_at, row.given_up_at = 0, now, None, None
    row.changed_at = now
    session.flush()
    return row.id


def advance(session: Session, number: int, rows: int, now: datetime) -> None:
    """So many more rows are stored, in this transaction."""
    done = ListImport.rows_done + rows
    _change(session, number, {"rows_done": done, "changed_at": now})


def finish(session: Session, number: int, now: datetime) -> None:
    """All of the list is stored."""
    _change(session, number, {"changed_at": now, "finished_at": now})


def give_up(session: Session, publication_id: int, number: int, now: datetime) -> Import:
    """Be told no more of a list whose rest is not to come; what is stored stays.

    NotFound when no such list of this publication is unfinished.
    """
    found = [one for one in unfinished(session, publication_id) if one.number == number]
    if not found:
        raise NotFound(
            "--forget",
            f"no import {number} is unfinished; see 'newsletter subscribers imports'",
        )
    _change(session, number, {"given_up_at": now})
    return found[0]


def _begun(session: Session, publication_id: int, mark: bytes, now: datetime) -> ListImport:
    row = ListImport(
        publication_id=publication_id, mark=mark, rows_done=0, started_at=now, changed_at=now
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # the same list, at the same moment, in another program
        other = _row(session, publication_id, mark)
        if other is None:
            raise
        return other
    return row


def _change(session: Session, number: int, values: dict[str, object]) -> None:
    session.execute(update(ListImport).where(ListImport.id == number).values(values))


def _row(session: Session, publication_id: int, mark: bytes) -> ListImport | None:
    return session.scalar(
        select(ListImport).where(
            ListImport.publication_id == publication_id, ListImport.mark == mark
        )
    )


def _shown(row: ListImport) -> Import:
    state = "finished" if row.finished_at else "given up" if row.given_up_at else "unfinished"
    return Import(row.id, row.rows_done, row.started_at, row.changed_at, state)
