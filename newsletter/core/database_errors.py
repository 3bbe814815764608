"""What a database says when it cannot go on, as one sentence with the place and the remedy.

SQLite's own names of its errors (sqlite.org/rescode.html) tell a full disk from a damaged file;
a full tmpfs comes as a plain I/O error, so the room that is left is looked at too. Passwords
stand in addresses of databases and never in a sentence.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sqlalchemy import URL, event, make_url
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.exc import ArgumentError

from newsletter.core.errors import ConfigurationError, DatabaseAway, InputError

NO_ROOM = 256 * 1024
"""Bytes under which SQLite cannot make its journal and shared memory (32 kB steps)."""

FULL = "the disk is full ({}): nothing of this step was stored; make room and repeat"
_FORMS = (
    "leave it empty for the database in the home, or write sqlite:////PATH/newsletter.db or "
    "postgresql://USER:PASSWORD@HOST:PORT/NAME"
)


def address(url: str) -> URL:
    """The address of a database, with our driver; InputError names the forms that are taken."""
    try:
        found = make_url(url)
    except (ArgumentError, ValueError) as err:
        raise InputError("database.url", f"this is no address of a database; {_FORMS}") from err
    if found.drivername in {"postgresql", "postgres"}:  # libpq takes both (§34.1.1.2 of its manual)
        found = found.set(drivername="postgresql+psycopg")
    if found.drivername not in {"sqlite", "postgresql+psycopg"}:
        kind = found.drivername[:40]
        raise InputError("database.url", f"'{kind}' is no database we can use; {_FORMS}")
    return found


def explain(engine: Engine) -> None:
    """Let every refusal of this engine's database, at connecting or later, be a sentence.

    What is a mistake of the program or of the data (a constraint, wrong SQL) stays what it is.
    """

    def on_error(context: ExceptionContext) -> ConfigurationError | None:
        if context.is_pre_ping or not isinstance(
            context.original_exception, context.dialect.loaded_dbapi.DatabaseError
        ):
            return None
        err = context.original_exception
        if context.dialect.name == "sqlite":
            sentence = _of_file(err, Path(engine.url.database or ""))
        else:
            lost = context.connection is not None and context.is_disconnect
            serious = isinstance(err, context.dialect.loaded_dbapi.OperationalError)
            serious = serious or getattr(err, "sqlstate", "") in _OF_THE_MOMENT
            sentence = _of_server(str(err), engine.url, lost=lost) if serious else None
        return DatabaseAway(sentence) if sentence else None

    event.listen(engine, "handle_error", on_error, retval=True)


def no_room(directory: Path) -> bool:
    """Whether the disk under a directory has no room even for a journal."""
    try:
        return shutil.disk_usage(directory).free < NO_ROOM
    except OSError:
        return False


def _of_file(err: BaseException, path: Path) -> str | None:
    name, home = getattr(err, "sqlite_errorname", ""), path.absolute().parent
    kind = "_".join(name.split("_")[:2])
    if kind in {"SQLITE_NOTADB", "SQLITE_CORRUPT"}:
        return (
            f"the database file {path} is damaged; stop every newsletter program and put back "
            "its backup"
        )
    if kind in {"SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_IOERR"}:
        unwritable = _unwritable(path, home)
        if unwritable:
            return unwritable
    if kind == "SQLITE_FULL" or (kind in {"SQLITE_IOERR", "SQLITE_CANTOPEN"} and no_room(home)):
        return FULL.format(home)
    if "no such table" in str(err):
        return "the database has no tables yet; run 'newsletter migrate'"
    return _OTHERS[kind].format(path) if kind in _OTHERS else None


_OTHERS = {
    "SQLITE_CANTOPEN": "the database {} cannot be opened; check --home and the rights on it",
    "SQLITE_READONLY": "the database {} cannot be written; give this user the right to write it",
    "SQLITE_PERM": "the database {} cannot be opened; give this user the right to write it",
    "SQLITE_IOERR": "the database {} could not be read or written (disk error), nothing of this "
    "step was stored; check the disk's space and health",
    "SQLITE_BUSY": "another program holds the database {} for more than 30 seconds; close it "
    "and repeat",
    "SQLITE_NOMEM": "there is not enough memory to work with the database {}; make room and repeat",
}


def _unwritable(path: Path, home: Path) -> str | None:
    """SQLite writes beside the file even when it only reads, so both must be writable."""
    if not home.is_dir():
        return f"the directory {home} of the database is not there; mount it, or mend --home"
    remedy = "make it writable for this user (is its disk mounted read-only?) and repeat"
    if not os.access(home, os.W_OK | os.X_OK):
        return f"the home {home} cannot be written; {remedy}"
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        return f"the database {path} cannot be written; {remedy}"
    return None


_MET = "two deeds met at the same rows and this one was taken back whole; repeat it"
_MOMENTS = {
    "deadlock detected": _MET,
    "could not serialize access": _MET,
    "idle-in-transaction timeout": "the PostgreSQL server at {} heard nothing from here for too "
    "long and took the step back; repeat it",
    "read-only transaction": "the PostgreSQL server at {} takes no writing now; repeat it later",
}
_OF_THE_MOMENT = {"25006", "25P03", "40001", "40P01"}
"""Read-only, too long silent in a transaction, serialization failure, deadlock: not
OperationalError in every case."""


def _of_server(said: str, url: URL, *, lost: bool) -> str:
    place = f"{url.host or 'the local socket'}:{url.port or 5432}"
    if "password authentication failed" in said or "no password supplied" in said:
        return (
            f"the PostgreSQL server at {place} does not take the password of '{url.username}'; "
            "mend it in database.url"
        )
    if f'database "{url.database}" does not exist' in said:
        return (
            f"the PostgreSQL server at {place} has no database '{url.database}'; make it "
            f"(createdb {url.database}) or mend database.url"
        )
    if "No space left on device" in said:
        return FULL.format(f"of the PostgreSQL server at {place}")
    for words, sentence in _MOMENTS.items():
        if words in said:
            return sentence.format(place)
    if lost:
        return f"the PostgreSQL server at {place} went away; start it again and repeat"
    reason = _reason(said, url)
    return (
        f"the PostgreSQL server at {place} does not answer or refuses ({reason}); start it, or "
        "mend database.url"
    )


def _reason(said: str, url: URL) -> str:
    """The last thing the driver said, on one line, and without the password in any case."""
    line = next((one for one in said.splitlines() if one.strip()), "no reason given")
    line = line.rpartition("failed: ")[2].strip()
    return line.replace(url.password, "…") if url.password else line
