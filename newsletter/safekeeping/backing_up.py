"""Backing up: one instant of the database and the files of the home, locked into one file.

While others send: the look holds nobody up.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO

from sqlalchemy.orm import Session

from newsletter.core import encrypting
from newsletter.core.encrypting import Lock
from newsletter.core.errors import InputError
from newsletter.migrations import HEAD
from newsletter.safekeeping import home_files, snapshot
from newsletter.safekeeping.snapshot import Member


@dataclass(frozen=True, slots=True)
class Saved:
    """What went into a backup."""

    made_at: datetime
    tables: dict[str, int]
    files: int
    size: int
    """Bytes of the encrypted file."""


def place(target: Path | None, at: datetime) -> Path:
    """Where a backup of this instant goes: the file that was named, or one in that directory.

    InputError when there is no such directory.
    """
    target = target or Path()
    name = f"newsletter-{at.astimezone(UTC):%Y-%m-%dT%H%M}.age"
    path = target / name if target.is_dir() else target
    if not path.parent.is_dir():
        raise InputError(str(path.parent), "there is no such directory; make it first")
    return path


def wishes(home: Path) -> list[Member]:
    """What waits in the spool. To be taken before the look at the database: a wish that is
    applied in between stands in both, and one that was taken after it could stand in neither."""
    with home_files.opened(home, "spool") as found:
        return [Member(m.name, m.size, BytesIO(m.source.read())) for m in found]


def back_up(
    session: Session,
    home: Path,
    file: IO[bytes],
    *,
    lock: Lock,
    waiting: list[Member],
    now: datetime,
) -> Saved:
    """Write the backup into an open file; `session` is a look of `db.frozen`, in which nothing
    was read before, and `waiting` are the wishes of just before."""
    with encrypting.writer(file, lock) as plain, _packed(plain) as target:
        header = snapshot.write_header(session, target, HEAD, now)
        for table in snapshot.tables():
            snapshot.write_table(session, target, table, header.tables[table.name])
        files = _write_files(target, _members(home, waiting))
        snapshot.write_end(target, files)
    return Saved(now, header.tables, files, file.tell())


def _write_files(target: IO[bytes], members: Iterator[Member]) -> int:
    written = 0
    for member in members:
        snapshot.write_file(target, member)
        written += 1
    return written


def _members(home: Path, waiting: list[Member]) -> Iterator[Member]:
    yield from waiting
    found = home_files.settings(home)
    if found is not None:
        yield found
    for directory in home_files.DIRECTORIES:
        if directory != "spool":
            with home_files.opened(home, directory) as members:
                yield from members


@contextmanager
def _packed(plain: IO[bytes]) -> Iterator[IO[bytes]]:
    """Compressed; after an error the stream is left without its end."""
    packed = gzip.GzipFile(fileobj=plain, mode="wb", compresslevel=6, mtime=0)
    yield packed  # type: ignore[misc]
    packed.close()
