"""The database: engine, column types, and the only two ways to open a transaction.

SQLite runs in WAL with a busy timeout, and each unit of writing begins with BEGIN IMMEDIATE:
a plain BEGIN that reads first and writes later fails at once with "database is locked",
whatever the busy timeout (measured: up to a third of the units; none with IMMEDIATE).
synchronous=FULL, because an intent to send must outlive a power cut.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    URL,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from newsletter.core.database_errors import address, explain
from newsletter.core.errors import ConfigurationError

PATIENCE = 30_000
"""Milliseconds a writer waits for another (SQLite)."""
_RESTED = 2.0
"""Seconds after which a connection of the pool may be dead without our knowing."""
SILENCE = 30
"""Seconds a writer may say nothing in the midst of its transaction (PostgreSQL)."""

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: goes in aware, lies in UTC, comes out aware. A naive value is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The one catalogue of tables, whichever room declares them."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy's own way to configure a base)
        datetime: UtcDateTime,
        dict[str, str]: JSON,
        dict[str, Any]: JSON,
        list[str]: JSON,
        list[int]: JSON,
        list[dict[str, Any]]: JSON,
    }


def open_engine(url: str) -> Engine:
    """An engine for sqlite:///… or postgresql://…, whose refusals are sentences.

    InputError for an address of any other kind, ConfigurationError from everything done with
    the engine when disk, file or server is at fault.
    """
    found = address(url)
    engine = _file_engine(found) if found.drivername == "sqlite" else _server_engine(found)
    explain(engine)
    return engine


_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Seconds, the last in milliseconds: a server that is not heard any more (its network is gone, its
machine is dead) is given up within half a minute; left to itself TCP waits for hours."""


def _server_engine(url: URL) -> Engine:
    patience = {name: value for name, value in _PATIENCE.items() if name not in url.query}
    try:
        engine = create_engine(
            url,
            json_serializer=_compact_json,
            hide_parameters=True,
            # None beyond those that are kept: one more would be opened and closed for each deed,
            # which takes ten times as long as the deed.
            pool_size=20,
            max_overflow=0,
            pool_use_lifo=True,
            connect_args=patience,
        )
    except ImportError as err:
        raise ConfigurationError(
            "the program was installed without PostgreSQL; run "
            "pip install 'bilingual-weekly[postgres]'"
        ) from err
    event.listen(engine, "connect", _server_on_connect)
    event.listen(engine, "begin", _server_on_begin)
    event.listen(engine, "checkin", _server_on_checkin)
    event.listen(engine, "checkout", _server_on_checkout)
    return engine


def _server_on_connect(connection: Any, _record: object) -> None:
    """A writer that falls silent (paused, cut off) would hold its locks against all others."""
    connection.execute(f"SET idle_in_transaction_session_timeout = '{SILENCE}s'")
    connection.commit()


def _server_on_begin(connection: Any) -> None:
    """Whoever only reads may take its time between two looks: it is in nobody's way."""
    if connection.get_execution_options().get("read_only", False):
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def _server_on_checkin(_connection: Any, record: Any) -> None:
    record.info["used_at"] = time.monotonic()


def _server_on_checkout(connection: Any, record: Any, _proxy: object) -> None:
    """A connection that rested is asked whether the server still knows it; asked each time, a
    worker would go one way more for each of its deeds."""
    if time.monotonic() - record.info.get("used_at", 0.0) < _RESTED:
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except Exception as err:
        raise DisconnectionError("the connection did not outlive its rest") from err


def _file_engine(url: URL) -> Engine:
    engine = create_engine(
        url,
        json_serializer=_compact_json,
        hide_parameters=True,  # an error may be logged, and a value may be an address
        pool_size=10,
        pool_use_lifo=True,  # each connection keeps pages in memory: few are used often
        max_overflow=-1,  # a file has no limit: every page and every line of a worker finds one
        connect_args={"isolation_level": None, "timeout": 30, "check_same_thread": False},
        execution_options={"turn": threading.RLock()},
    )
    event.listen(engine, "connect", _sqlite_on_connect)
    event.listen(engine, "begin", _sqlite_on_begin)
    return engine


def _compact_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _sqlite_on_connect(connection: sqlite3.Connection, _record: object) -> None:
    try:
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
            f"busy_timeout={PATIENCE}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
    except sqlite3.Error:
        connection.close()  # the pool does not know of it yet
        raise


def _sqlite_on_begin(connection: Any) -> None:
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """One unit of work: committed whole at the end, rolled back whole on any error.

    On SQLite the threads of a process take turns: left to itself it lets them sleep and look again,
    so that one of many waits a hundred times as long as another while nobody writes.
    """
    with _turn(engine), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """This thread's turn to write; after as long as SQLite would wait it tries without one."""
    turn: Any = engine.get_execution_options().get("turn")
    held: bool = turn is not None and turn.acquire(timeout=PATIENCE / 1000)
    try:
        yield
    finally:
        if held:
            turn.release()


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A look at one instant, however long it lasts, that takes no write lock and leaves nothing.

    SQLite gives one snapshot for a whole transaction by itself (WAL); PostgreSQL must be asked,
    or each statement sees a later state.
    """
    options: dict[str, Any] = {"read_only": True}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ"
    with (
        engine.connect().execution_options(**options) as connection,
        Session(connection, expire_on_commit=False) as session,
    ):
        yield session


def empty_log(engine: Engine, *, patience: int = 1000) -> bool:
    """After an erasure: SQLite's write-ahead log keeps no older copy of what was erased.

    False when others still read older pages after so many milliseconds, or the disk refuses.

    `secure_delete` blanks the pages of the file, but what was written before lies in the log
    until that is emptied. While others read, it is emptied as far as they allow, and by the
    next one who asks. PostgreSQL keeps its log to itself (docs/decisions/leaving.md).
    """
    if engine.dialect.name != "sqlite":
        return True
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={patience}")
        busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout={PATIENCE}")
    except sqlite3.Error:
        connection.invalidate()  # its patience may be another one now
        return False
    finally:
        connection.close()
    return not busy


def database_now(session: Session) -> datetime:
    """The database's own clock, by which leases are judged on several machines.

    Asked once in a transaction: all of it happens at one instant.
    """
    if session.get_bind().dialect.name == "sqlite":
        return datetime.now(UTC)  # one machine, one clock
    transaction, known = session.get_transaction(), session.info.get("now")
    if known is not None and known[0] is transaction:
        told: datetime = known[1]
        return told
    value = session.connection().execute(_CLOCK).scalar_one()
    assert isinstance(value, datetime)  # noqa: S101
    session.info["now"] = (session.get_transaction(), value.astimezone(UTC))
    return value.astimezone(UTC)


_CLOCK = select(func.clock_timestamp())
