"""The stream of a backup: a header, every table row by row, files of the home, an end.

Lines of JSON, so that it belongs to no database and can be read in ten years without us:
`{"backup": 1, …}`, then for each table `{"table", "columns", "rows"}` and that many arrays, for
each file `{"file", "size"}` and that many bytes, last `{"end", "files"}`. Bytes stand in
base64, instants and days in ISO 8601. Rows come in the order in which foreign keys allow them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any
from uuid import UUID

from sqlalchemy import Column, Date, LargeBinary, Table, Uuid, func, select
from sqlalchemy.orm import Session

from newsletter import __version__
from newsletter.core.db import UtcDateTime
from newsletter.core.errors import InputError
from newsletter.safekeeping.catalogue import everything

FORMAT = 1
LEFT_OUT = frozenset({"leases"})
"""Tables that mean something only to the processes that run now."""
FIRST = ("installation", "data_keys")
"""They come first, so that the key can be tried before anything is written."""

_PIECE = 1 << 16
_LONGEST = 64 * 2**20
"""Characters of one row at most: a damaged file must not fill the memory."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup says of itself."""

    revision: str
    made_at: datetime
    version: str
    tables: dict[str, int]
    """How many rows each holds."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the home: its path there, and its bytes."""

    name: str
    size: int
    source: IO[bytes]


def tables() -> list[Table]:
    """All tables that are kept, those that others point at first."""
    kept = [t for t in everything() if t.name not in LEFT_OUT]
    return sorted(kept, key=lambda table: table.name not in FIRST)


def rows_at_once(table: Table, many: int) -> int:
    """How many rows are held in memory together: few of those that hold pictures."""
    return min(many, 20) if table.name == "pictures" else many


def count(session: Session, table: Table) -> int:
    """How many rows there are."""
    return session.scalar(select(func.count()).select_from(table)) or 0


def write_header(session: Session, target: IO[bytes], revision: str, made_at: datetime) -> Header:
    """Begin the stream; what it counts and the rows that follow must be read at one instant."""
    counts = {table.name: count(session, table) for table in tables()}
    _line(
        target,
        {
            "backup": FORMAT,
            "revision": revision,
            "made_at": made_at.isoformat(),
            "version": __version__,
            "tables": counts,
        },
    )
    return Header(revision, made_at, __version__, counts)


def write_table(session: Session, target: IO[bytes], table: Table, rows: int) -> None:
    """One table, streamed from the database."""
    columns = list(table.columns)
    _line(target, {"table": table.name, "columns": [c.name for c in columns], "rows": rows})
    pack = [_packer(column) for column in columns]
    query = select(table).order_by(*table.primary_key.columns)
    streamed = session.execute(query, execution_options={"yield_per": rows_at_once(table, 1000)})
    for row in streamed:
        _line(target, [put(value) for put, value in zip(pack, row, strict=True)])


def write_file(target: IO[bytes], member: Member) -> None:
    """One file, of exactly the size that was said; OSError when it shrank meanwhile."""
    _line(target, {"file": member.name, "size": member.size})
    left = member.size
    while left:
        piece = member.source.read(min(_PIECE, left))
        if not piece:
            raise OSError(f"{member.name} became shorter while it was read")
        target.write(piece)
        left -= len(piece)


def write_end(target: IO[bytes], files: int) -> None:
    """What shows a reader that it has everything."""
    _line(target, {"end": True, "files": files})


def read_header(source: IO[bytes]) -> Header:
    """The first line; InputError when this is no backup, or one of a newer form."""
    found = _read(source)
    if not isinstance(found, dict) or "backup" not in found:
        raise InputError("file", "this is no backup of a newsletter")
    if found["backup"] != FORMAT:
        raise InputError(
            "file",
            f"this backup has the form {found['backup']} and this program knows {FORMAT}; "
            f"restore it with the version that made it ({found.get('version')})",
        )
    at = datetime.fromisoformat(found["made_at"])
    return Header(found["revision"], at, found["version"], dict(found["tables"]))


def read_rows(source: IO[bytes], table: Table, rows: int) -> Iterator[dict[str, Any]]:
    """The rows of the table that comes next; InputError when it is another one."""
    found = _read(source)
    if not isinstance(found, dict) or (found.get("table"), found.get("rows")) != (table.name, rows):
        raise InputError("file", f"the table {table.name} does not stand where it should")
    columns = [table.columns[name] for name in found["columns"]]
    unpack = [_unpacker(column) for column in columns]
    names = [column.name for column in columns]
    for _ in range(rows):
        values = _read(source)
        try:
            made = [get(value) for get, value in zip(unpack, values, strict=True)]
        except (ValueError, TypeError) as err:
            raise InputError("file", f"a row of {table.name} is damaged or missing") from err
        yield dict(zip(names, made, strict=True))


def read_files(source: IO[bytes]) -> Iterator[Member]:
    """The files, each to be read before the next is asked for; then the end, or InputError."""
    found, files = _read(source), 0
    while isinstance(found, dict) and "file" in found:
        part = _Part(source, found["size"])
        yield Member(found["file"], found["size"], part)  # type: ignore[arg-type]
        part.skip()
        found, files = _read(source), files + 1
    if not isinstance(found, dict) or not found.get("end") or found["files"] != files:
        raise InputError("file", "the end of the backup is missing")
    if source.read(1):
        raise InputError("file", "something follows after the end of the backup")


class _Part:
    """So many bytes of a longer stream."""

    def __init__(self, source: IO[bytes], size: int) -> None:
        self._source, self._left = source, size

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(self._left if size < 0 else min(size, self._left))
        if not piece and self._left and size:
            raise InputError("file", "the backup ends in the middle of a file")
        self._left -= len(piece)
        return piece

    def skip(self) -> None:
        while self._left:
            self.read(_PIECE)


def _line(target: IO[bytes], value: object) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    target.write(text.encode() + b"\n")


def _read(source: IO[bytes]) -> Any:
    text = source.readline(_LONGEST)
    try:
        return json.loads(text)
    except ValueError as err:
        raise InputError("file", "the backup is not whole, or is no backup at all") from err


def _packer(column: Column[Any]) -> Callable[[Any], Any]:
    """From a value of the column to one that JSON has."""
    kind = column.type
    if isinstance(kind, LargeBinary):
        return _unless_none(lambda value: base64.b64encode(bytes(value)).decode("ascii"))
    if isinstance(kind, UtcDateTime | Date):
        return _unless_none(lambda value: value.isoformat())
    return _unless_none(str) if isinstance(kind, Uuid) else lambda value: value


def _unpacker(column: Column[Any]) -> Callable[[Any], Any]:
    kind = column.type
    if isinstance(kind, LargeBinary):
        return _unless_none(base64.b64decode)
    if isinstance(kind, UtcDateTime):
        return _unless_none(datetime.fromisoformat)
    if isinstance(kind, Date):
        return _unless_none(date.fromisoformat)
    return _unless_none(UUID) if isinstance(kind, Uuid) else lambda value: value


def _unless_none(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else make(value)
