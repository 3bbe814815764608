"""Moving: the whole newsletter out of one database into another, every row as it stands.

This is no restore: nothing becomes doubtful and nothing is held, because only one of the two is
ever in force. The first one is locked while it is read, and shut for good before the second may
be used; killed in between, `newsletter move` is run again (docs/scaling.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import JSON, Column, Engine, Table, bindparam, func, inspect, select, text
from sqlalchemy.orm import Session

from newsletter import migrations
from newsletter.core.errors import ConfigurationError, NotAllowedNow
from newsletter.core.installation import Installation
from newsletter.delivery.ledger import Ledger, recount
from newsletter.delivery.models import Chunk, Delivery
from newsletter.delivery.states import State
from newsletter.editorial.models import Issue
from newsletter.safekeeping import snapshot
from newsletter.safekeeping.catalogue import everything

_ROWS = 2000
_REFUSAL = "this newsletter was moved to another database"


@dataclass(frozen=True, slots=True)
class Moved:
    """What was carried over and found equal on both sides."""

    tables: dict[str, int]
    issues: int
    """Issues whose ledger was compared."""


def lock(session: Session) -> None:
    """Let nobody else write until the transaction ends; NotAllowedNow when others are connected.

    SQLite: its write lock is held by every transaction that may write. PostgreSQL: programs on
    other hosts hold no lock that is seen here, but each has a connection.
    """
    if _is_file(session):
        return
    others = session.scalar(
        text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    )
    if others:
        raise NotAllowedNow(
            f"{others} other connections to this database are open; stop every worker, scheduler, "
            "web and serve on all hosts first"
        )
    _be_patient(session)
    names = ", ".join(table.name for table in snapshot.tables())
    session.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE NOWAIT"))


def require_settled(session: Session) -> None:
    """NotAllowedNow while a worker that died has left something half done: what it knew of it
    lies on its own disk, and is read by the next worker of that home."""
    taken = Delivery.state.in_([State.CLAIMED, State.SUBMITTING])
    left = session.scalar(select(Delivery.id).where(taken).limit(1))
    left = left or session.scalar(select(Chunk.id).where(Chunk.state == "claimed").limit(1))
    if left is not None:
        raise NotAllowedNow(
            "a worker ended in the middle of its work; run 'newsletter worker' here until it has "
            "taken stock, stop it with Ctrl-C, and move then"
        )


def require_vacant(engine: Engine) -> None:
    """NotAllowedNow when the target holds any row, or tables of another program."""
    ours = {table.name: table for table in everything()}
    with engine.connect().execution_options(read_only=True) as connection:
        there = set(inspect(connection).get_table_names()) - {"alembic_version"}
        full = [
            name
            for name in sorted(there)
            if name not in ours or connection.scalar(select(1).select_from(ours[name]).limit(1))
        ]
    if full:
        raise NotAllowedNow(
            f"the target is not empty ({', '.join(full[:3])} …); make a new database for the "
            "newsletter (createdb NAME) and name that one"
        )


def same_newsletter(source: Engine, target: Engine) -> bool:
    """Whether both hold the same installation, by the fingerprint of its keys."""
    return _fingerprint(source) == _fingerprint(target) is not None


def fill(source: Session, target: Session) -> Moved:
    """Copy every table, let numbering go on, and compare: counts, and the ledger of each issue.

    ConfigurationError when anything differs or a ledger did not add up before; then nothing is
    to be committed. Memory stays flat however many rows there are. The target is marked as not to
    be used yet.
    """
    before = _ledgers(source)
    mark(target, migrations.MOVING)
    if _is_file(target):
        target.execute(text("PRAGMA defer_foreign_keys=ON"))
    else:
        _be_patient(target)
    counts = {}
    for table in snapshot.tables():
        _copy(source, target, table)
        counts[table.name] = snapshot.count(source, table)
    _continue_numbering(source, target)
    _require_equal(target, counts, before)
    if _by_state(target) != _by_state(source):
        raise ConfigurationError("deliveries stand elsewhere in the target; nothing was moved")
    if not _is_file(target):
        target.execute(text("ANALYZE"))
    return Moved(counts, len(before))


def mark(session: Session, revision: str) -> None:
    """Write down what the database is: MOVING, MOVED, or a revision that may be used."""
    session.execute(text("UPDATE alembic_version SET version_num = :now"), {"now": revision})


def shut(session: Session) -> None:
    """Let nothing be written into the first database any more, also by who waits for its lock just
    now and looked at its version before."""
    mark(session, migrations.MOVED)
    if not _is_file(session):
        session.execute(
            text(
                "CREATE OR REPLACE FUNCTION newsletter_moved() RETURNS trigger LANGUAGE plpgsql "
                f"AS $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
            )
        )
    for table in everything():
        for deed in ("INSERT", "UPDATE", "DELETE"):
            name = f"moved_{deed.lower()}_{table.name}"
            begun = f"CREATE TRIGGER {name} BEFORE {deed} ON {table.name}"
            if _is_file(session):
                refuse = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            else:
                refuse = "FOR EACH STATEMENT EXECUTE FUNCTION newsletter_moved()"
            session.execute(text(f"{begun} {refuse}"))


def _is_file(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _be_patient(session: Session) -> None:
    """One of the two says nothing for as long as the other is busy."""
    session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


def _fingerprint(engine: Engine) -> str | None:
    with engine.connect().execution_options(read_only=True) as connection:
        if not inspect(connection).has_table(Installation.__tablename__):
            return None
        return connection.scalar(select(Installation.key_fingerprint))


def _ledgers(session: Session) -> dict[int, Ledger]:
    launched = select(Issue.id).where(Issue.launched_at.is_not(None)).order_by(Issue.id)
    found = {issue_id: recount(session, issue_id) for issue_id in session.scalars(launched).all()}
    for one in found.values():
        if not one.balanced:
            raise ConfigurationError(
                f"the ledger of issue {one.number} does not add up ({one.audience} people, "
                f"{one.total} deliveries); nothing was moved"
            )
    return found


def _by_state(session: Session) -> set[tuple[Any, ...]]:
    """Counted from the rows themselves: a ledger may add up what chunks have counted before."""
    columns = (Delivery.issue_id, Delivery.edition, Delivery.state, Delivery.reason)
    counted = session.execute(select(*columns, func.count()).group_by(*columns))
    return {tuple(row) for row in counted}


def _copy(source: Session, target: Session, table: Table) -> None:
    rows = iter(
        source.execute(
            select(table), execution_options={"yield_per": snapshot.rows_at_once(table, _ROWS)}
        )
    )
    if _is_file(target):
        _insert(target, table, rows)
    else:
        _pour(target, table, rows)


def _insert(target: Session, table: Table, rows: Iterator[Any]) -> None:
    statement = table.insert().values({c.name: _bound(c) for c in table.columns})
    names = [column.name for column in table.columns]
    while chunk := [
        dict(zip(names, row, strict=True))
        for row in islice(rows, snapshot.rows_at_once(table, _ROWS))
    ]:
        target.execute(statement, chunk)


def _bound(column: Column[Any]) -> Any:
    # Without this None would become the JSON word null instead of nothing.
    kind = JSON(none_as_null=True) if isinstance(column.type, JSON) else column.type
    return bindparam(column.name, type_=kind)


def _pour(target: Session, table: Table, rows: Iterator[Any]) -> None:
    """By COPY, which is several times as fast as INSERT."""
    put = [_putter(target, column) for column in table.columns]
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    driver: Any = target.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as sink:
        for row in rows:
            sink.write_row([make(value) for make, value in zip(put, row, strict=True)])


def _putter(target: Session, column: Column[Any]) -> Callable[[Any], Any]:
    dialect = target.get_bind().dialect
    make = column.type.dialect_impl(dialect).bind_processor(dialect)
    if make is None:
        return lambda value: value
    return lambda value: None if value is None else make(value)


def _continue_numbering(source: Session, target: Session) -> None:
    """A number that was ever given out is not given again: a Message-ID is made of it."""
    given = _given_out(source)
    for table in snapshot.tables():
        if "id" not in table.columns:
            continue
        last = max(given.get(table.name, 0), target.scalar(select(func.max(table.c.id))) or 0)
        if not _is_file(target):
            target.execute(
                text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last, :used)"),
                {"name": table.name, "last": max(last, 1), "used": last > 0},
            )
        elif table.dialect_options["sqlite"]["autoincrement"]:
            values = {"name": table.name, "last": last}
            target.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
            target.execute(
                text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), values
            )


def _given_out(session: Session) -> dict[str, int]:
    """The highest number of each table that the database itself remembers."""
    if _is_file(session):
        found = session.execute(text("SELECT name, seq FROM sqlite_sequence"))
        return {name: int(last) for name, last in found}
    found = session.execute(
        text(
            "SELECT t.relname, s.last_value FROM pg_sequences s "
            "JOIN pg_class c ON c.relname = s.sequencename "
            "JOIN pg_depend d ON d.objid = c.oid AND d.deptype IN ('a', 'i') "
            "JOIN pg_class t ON t.oid = d.refobjid "
            "WHERE s.schemaname = current_schema() AND s.last_value IS NOT NULL"
        )
    )
    return {name: int(last) for name, last in found}


def _require_equal(target: Session, counts: dict[str, int], before: dict[int, Ledger]) -> None:
    for table in snapshot.tables():
        found = snapshot.count(target, table)
        if found != counts[table.name]:
            raise ConfigurationError(
                f"{table.name} holds {counts[table.name]} rows here and {found} in the target; "
                "nothing was moved"
            )
    for issue_id, one in before.items():
        if recount(target, issue_id) != one:
            raise ConfigurationError(
                f"the ledger of issue {one.number} is another one in the target; nothing was moved"
            )
