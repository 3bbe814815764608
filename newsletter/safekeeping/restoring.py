"""Restoring: a backup into an empty home and an empty database, whole or not at all.

What the database of the backup could not know stands in `aftermath`: nothing goes out twice.
"""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from sqlalchemy import JSON, Column, Engine, Table, bindparam, func, inspect, select, text, update
from sqlalchemy.orm import Session

from newsletter import migrations
from newsletter.core import encrypting, master_key
from newsletter.core.db import Base
from newsletter.core.encrypting import Key
from newsletter.core.errors import ConfigurationError, InputError, NotAllowedNow
from newsletter.core.key_file import KeyFile
from newsletter.core.settings import Settings
from newsletter.delivery.ledger import recount
from newsletter.delivery.models import Delivery
from newsletter.editorial.models import Issue
from newsletter.safekeeping import home_files, snapshot
from newsletter.safekeeping.catalogue import everything
from newsletter.safekeeping.snapshot import Header

NUMBERS_LEFT_OUT = 10_000_000
"""Delivery numbers that are never given out again after a restore: the lost days used some of
them, a Message-ID is made of one, and a mailbox drops a second message of the same id."""

_ROWS = 1000
_VARIABLES = {"environment": "KEY", "passphrase": "PASSPHRASE"}
_ALLOWED = frozenset({"keys.json", "logs", "lost+found"})
"""What may lie in a home that counts as empty."""


@dataclass
class Opened:
    """A backup of which the key is known to fit, before anything is written."""

    header: Header
    stream: IO[bytes]
    first: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The rows that came before everything else: `snapshot.FIRST`."""

    @property
    def wrapping(self) -> dict[str, Any]:
        """How its data keys are wrapped."""
        return dict(self.first["installation"][0]["wrapping"] or {})


@contextmanager
def opened(file: IO[bytes], key: Key) -> Iterator[Opened]:
    """The backup, unlocked, and its beginning read.

    InputError when the key does not open it, when it is damaged, or when it is of another
    version of the tables.
    """
    with encrypting.reader(file, key) as plain:
        packed = gzip.GzipFile(fileobj=plain, mode="rb")
        stream: IO[bytes] = packed  # type: ignore[assignment]
        try:
            header = snapshot.read_header(stream)
            _require_revision(header)
            found = Opened(header, stream)
            for table in snapshot.tables():
                if table.name in snapshot.FIRST:
                    found.first[table.name] = list(_rows(found, table))
            yield found
        except (EOFError, gzip.BadGzipFile, zlib.error) as err:
            raise InputError("file", "the backup is not whole, or is no backup at all") from err


def require_key(backup: Opened, settings: Settings, keys: Path | None) -> None:
    """Open every data key of the backup with the master key in force for the new home, or with
    the one in the key file that was named.

    ConfigurationError when it is missing or another one.
    """
    if not backup.wrapping:
        raise InputError("file", "this is the backup of a purged newsletter; no key is left in it")
    master = _named(keys, backup.wrapping) if keys else None
    master = master or master_key.matching(settings, backup.wrapping)
    for row in backup.first["data_keys"]:
        master.unwrap(row["use"], row["kid"], row["wrapped"])


def _named(keys: Path, wrapping: dict[str, Any]) -> master_key.Master | None:
    """The right master key of a file that lies elsewhere; None when none of the file is used."""
    if wrapping["by"] != "file":
        raise InputError(
            "--keys",
            f"the keys of this backup are wrapped by {wrapping['by']}, not by a key file; set "
            f"NEWSLETTER_KEYS__{_VARIABLES[wrapping['by']]}_FILE instead",
        )
    for secret in KeyFile.load(keys).masters:
        master = master_key.Master(secret, "file")
        if master.fingerprint() == wrapping["master"]:
            return master
    raise ConfigurationError(master_key.FOREIGN.format(f"the key file {keys}"))


def require_empty_home(home: Path) -> None:
    """NotAllowedNow when something lies there already."""
    if home.exists() and not home.is_dir():
        raise NotAllowedNow(f"{home} is a file; name a new directory with --home")
    there = sorted(path.name for path in home.iterdir()) if home.is_dir() else []
    found = [name for name in there if name not in _ALLOWED]
    if found:
        raise NotAllowedNow(
            f"{home} is not empty ({', '.join(found[:3])} …): a backup is restored into a new "
            "directory only; name one with --home"
        )


def require_empty_database(engine: Engine) -> None:
    """NotAllowedNow when any table holds a row."""
    with engine.connect().execution_options(read_only=True) as connection:
        there = set(inspect(connection).get_table_names())
        for table in everything():
            if table.name in there and connection.scalar(select(func.count()).select_from(table)):
                raise NotAllowedNow(
                    "the database is not empty: a backup is restored into a new one only; make "
                    "one (createdb NAME) and name it in NEWSLETTER_DATABASE__URL"
                )


def empty(engine: Engine) -> None:
    """Take back the tables of a restore that failed."""
    with engine.begin() as connection:
        Base.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
        if connection.dialect.name == "postgresql":  # SQLite's triggers go with their tables
            for table in ("subscribers", "confirmations", "greetings"):
                connection.execute(text(f"DROP FUNCTION IF EXISTS deliveries_forget_{table}"))


def fill(session: Session, backup: Opened, home: Path) -> int:
    """Everything of the backup into the database of this session and into the home.

    Returns how many files there were. InputError when the backup is damaged or does not add up;
    then nothing is to be committed, and `clear` takes the files back.
    """
    for table in snapshot.tables():
        rows = iter(backup.first.get(table.name) or _rows(backup, table))
        _insert(session, table, rows)
        _require_count(session, table, backup.header)
    _set_sequences(session)
    _require_balance(session)
    return _files(backup.stream, home)


def clear(home: Path) -> None:
    """Take back the files of a restore that failed; the home was empty before."""
    for name in home_files.DIRECTORIES:
        shutil.rmtree(home / name, ignore_errors=True)
    for pattern in (f"{home_files.SETTINGS}*", "newsletter.db*"):
        for path in home.glob(pattern):
            path.unlink(missing_ok=True)


def _require_revision(header: Header) -> None:
    if header.revision != migrations.HEAD:
        raise InputError(
            "file",
            f"this backup was made by version {header.version} with tables at "
            f"{header.revision}, and this program has {migrations.HEAD}; restore it with that "
            "version and then run 'newsletter migrate' with this one",
        )


def _rows(backup: Opened, table: Table) -> Iterator[dict[str, Any]]:
    return snapshot.read_rows(backup.stream, table, backup.header.tables[table.name])


def _insert(session: Session, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    """All rows; what points at a row of the same table is filled in when all are there."""
    inner = [c.name for c in table.columns for key in c.foreign_keys if key.column.table is table]
    statement = table.insert().values({c.name: _bound(c) for c in table.columns})
    later = []
    while chunk := list(islice(rows, snapshot.rows_at_once(table, _ROWS))):
        for row in chunk:
            kept = {name: row[name] for name in inner if row[name] is not None}
            if kept:
                later.append({"the_id": row["id"], **kept})
                row.update(dict.fromkeys(kept))
        session.execute(statement, chunk)
    for values in later:
        row_id = values.pop("the_id")
        session.execute(update(table).where(table.c.id == row_id).values(values))


def _bound(column: Column[Any]) -> Any:
    # Without this None would become the JSON word null instead of nothing.
    kind = JSON(none_as_null=True) if isinstance(column.type, JSON) else column.type
    return bindparam(column.name, type_=kind)


def _require_count(session: Session, table: Table, header: Header) -> None:
    found, wanted = snapshot.count(session, table), header.tables[table.name]
    if found != wanted:
        raise InputError("file", f"{table.name} should hold {wanted} rows and holds {found}")


def _set_sequences(session: Session) -> None:
    """The next numbers follow those of the backup; those of deliveries leave a gap."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    gaps = {Delivery.__tablename__: NUMBERS_LEFT_OUT}
    for table in snapshot.tables():
        if "id" not in table.columns:
            continue
        last = session.scalar(select(func.max(table.c.id))) or 0
        following = last + gaps.get(table.name, 0)
        if not sqlite:
            session.execute(
                text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :following, :used)"),
                {"name": table.name, "following": max(following, 1), "used": following > 0},
            )
        elif table.name in gaps:
            _set_sqlite_sequence(session, table.name, following)


def _set_sqlite_sequence(session: Session, name: str, following: int) -> None:
    session.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": name})
    session.execute(
        text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :following)"),
        {"name": name, "following": following},
    )


def _require_balance(session: Session) -> None:
    launched = select(Issue.id).where(Issue.launched_at.is_not(None))
    for issue_id in session.scalars(launched).all():
        found = recount(session, issue_id)
        if not found.balanced:
            raise InputError(
                "file",
                f"the ledger of issue {found.number} does not add up in this backup "
                f"({found.audience} people, {found.total} deliveries); take an earlier one",
            )


def _files(stream: IO[bytes], home: Path) -> int:
    stored = 0
    for member in snapshot.read_files(stream):
        home_files.store(home, home_files.detached(member))
        stored += 1
    return stored
