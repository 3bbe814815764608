"""Purging: everything about readers is destroyed, keys first. It cannot be undone.

The steps are in the order of what matters: after `destroy_keys` is committed no address opens here
any more, and one in a backup only with a copy of the master key; the rest is tidying up. Each step
may be killed and done again.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, delete, func, null, select, text, update
from sqlalchemy.orm import Session

from newsletter.core import audit
from newsletter.core.db import PATIENCE, empty_log
from newsletter.core.errors import ConfigurationError
from newsletter.core.installation import DataKey, Installation
from newsletter.core.settings import Settings
from newsletter.editorial.models import Issue
from newsletter.editorial.states import Status
from newsletter.safekeeping.catalogue import everything
from newsletter.safekeeping.shredding import doomed

KEPT = frozenset(
    {
        "publications",
        "categories",
        "issues",
        "editorials",
        "resources",
        "sources",
        "entries",
        "conversions",
        "imports",
        "pictures",
        "slots",
        "installation",
        "audit_entries",
    }
)
"""What was published, and that a purge took place. Every other table is emptied, also one that
is made later: sessions and API keys end with the purge without being named here."""

_WHY = "the newsletter was purged"
_AGAIN = (
    "the database file could not be cleaned ({}), so it may still hold what was deleted; stop "
    "every newsletter program, make room on the disk, and run 'newsletter purge --now' again"
)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a purge would destroy and what would stay: rows by table, and files."""

    destroyed: dict[str, int]
    kept: dict[str, int]
    files: list[Path]


def survey(session: Session, settings: Settings) -> Survey:
    """Look, and change nothing."""
    counts = _counts(session)
    return Survey(
        destroyed={name: n for name, n in counts.items() if name not in KEPT},
        kept={name: n for name, n in counts.items() if name in KEPT},
        files=sorted(doomed(settings)),
    )


def begun(session: Session) -> bool:
    """Whether the keys are destroyed already, so that only the rest is to be done."""
    known = session.get(Installation, 1)
    return known is not None and known.purged_at is not None and known.wrapping is None


def stop_sending(session: Session, now: datetime) -> None:
    """Nothing more goes out, whoever is sending just now."""
    for before, after, column in (
        (Status.SENDING, Status.PAUSED, Issue.paused_reason),
        (Status.SCHEDULED, Status.HELD, Issue.held_reason),
    ):
        session.execute(
            update(Issue)
            .where(Issue.status == before)
            .values({Issue.status: after, column: _WHY, Issue.changed_at: now}),
            execution_options={"synchronize_session": False},
        )


def destroy_keys(session: Session, how: str, now: datetime) -> None:
    """Put noise in the place of every wrapped data key. Once committed, no address opens again.

    The rows themselves go with all others: readers' rows still point at them.
    """
    known = session.get_one(Installation, 1, with_for_update=True)
    counts = _counts(session)
    told = {name: counts[name] for name in ("subscribers", "deliveries", "suppressions")}
    for key_id, wrapped in session.execute(select(DataKey.id, DataKey.wrapped)).all():
        noise = secrets.token_bytes(len(wrapped))
        session.execute(update(DataKey).where(DataKey.id == key_id).values(wrapped=noise))
    known.wrapping, known.purged_at = null(), now
    known.key_fingerprint = "purged"
    audit.note(session, "purge", how, told, now)


def delete_rows(session: Session, now: datetime) -> None:
    """Empty every table that is not kept, and let nobody write a reader's row again.

    Whoever still has a key in memory is refused by the foreign key to it; whoever was writing
    just now is waited for. The noise in the place of the other keys stays until `end`: while it
    is there the purge is not through, and nobody can begin anew.
    """
    session.execute(select(DataKey.id).with_for_update()).all()
    for table in reversed(everything()):
        if table.name not in KEPT | {DataKey.__tablename__}:
            session.execute(delete(table))
    session.execute(delete(DataKey).where(DataKey.use == "seal"))
    session.execute(
        update(Issue).values(audience_size=None),
        execution_options={"synchronize_session": False},
    )
    session.execute(
        update(Issue)
        .where(Issue.status.in_([Status.SENDING, Status.PAUSED]))
        .values(status=Status.CANCELLED, paused_reason=_WHY, changed_at=now),
        execution_options={"synchronize_session": False},
    )


def vacuum(engine: Engine) -> None:
    """Give up the room in which the rows lay, and the journal that still tells of them.

    ConfigurationError when another process keeps the old pages in use, or the disk is full.
    """
    if engine.dialect.name == "sqlite":
        _alone(engine, "VACUUM")
    else:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in everything():
                connection.execute(text(f"VACUUM (FULL) {table.name}"))
    if not empty_log(engine, patience=PATIENCE):
        raise ConfigurationError(_AGAIN.format("another program still reads it"))


def _alone(engine: Engine, statement: str) -> None:
    """Run what SQLite refuses inside a transaction, which every other door begins."""
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None  # noqa: S101
        try:
            raw.execute(statement).close()
        except sqlite3.Error as err:
            raise ConfigurationError(_AGAIN.format(str(err))) from err


def end(session: Session, now: datetime) -> None:
    """The last step: from now on this home may begin anew. What was written since the rows were
    deleted goes too."""
    delete_rows(session, now)
    session.execute(delete(DataKey))


def checklist(engine: Engine, wrapping_by: str | None) -> Iterator[str]:
    """What no program of this machine can reach, for the people to do."""
    yield (
        "mail provider: its logs and suppression lists hold addresses; have them deleted, and "
        "the account's password and API keys changed"
    )
    yield "sent copies: the mailboxes of the sender, reply and leave addresses, and their archives"
    yield (
        "backups: every copy of this home or database, wherever it lies. Addresses in it open "
        "only with the master key, so destroy each copy of that key first (keys.json, a note, a "
        "password manager), then the backups and the age keys that open them"
    )
    if wrapping_by in ("passphrase", "environment"):
        yield (
            f"master key: it came from {wrapping_by}, which this program cannot destroy; delete "
            "the secret file, the unit file or the entry that holds it"
        )
    yield (
        "other hosts that ever served or sent for this newsletter: each has a home of its own with "
        "keys.json, logs, spool, lists and passwords. Run 'newsletter purge --now' on each that "
        "works with this database, before 'newsletter init' anywhere; empty the homes of the others"
    )
    yield "laptops and phones: exports, downloaded lists, screenshots, the shell's history"
    yield "this machine: mail server logs (/var/log/mail*), proxy logs, the system's journal, swap"
    if engine.dialect.name == "postgresql":
        yield (
            "PostgreSQL server: its write-ahead log, WAL archives, replicas and base backups still "
            "hold the old pages until they are recycled; have them deleted"
        )
    yield (
        "the disk: SSDs and file systems that copy on write keep old blocks however often a file "
        "is overwritten; only a disk that was encrypted from the first day forgets, when its key "
        "is destroyed"
    )


def _counts(session: Session) -> dict[str, int]:
    query = {t.name: select(func.count()).select_from(t) for t in everything()}
    return {name: session.scalar(counting) or 0 for name, counting in query.items()}
