"""The journal of leaving: who left or was erased, in a file that is newer than every backup.

A backup does not know who left after it, so a database restored from it would mail them against
their word. Each line names a reader as links do, and never an address; of somebody erased also
the keyed hash that keeps the address barred. The file stands outside the database and outside
every backup, and ends with a purge.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.core.clock import now
from newsletter.core.errors import InputError
from newsletter.core.log import logger
from newsletter.core.sealing import Sealer
from subscribers import erasing, leaving, suppression
from subscribers.erasing import Erased
from subscribers.models import Subscriber, Subscription

NAME = "leaving.log"
OLDER = f"{NAME}.1"
LIMIT = 50_000_000
"""Bytes of a file, half a million leaves; the one before it is kept, an older one is not."""
_log = logger("subscribers.journal")


@dataclass(frozen=True, slots=True)
class Gone:
    """One line: who left which publication and how, or who was erased everywhere."""

    at: datetime
    public_id: UUID
    publication_id: int
    how: str
    """As the consent has it (one_click, page, mail, editor); of an erasure nothing."""
    index: bytes | None = None
    """The keyed hash of the address of somebody erased."""

    def line(self) -> str:
        """As it stands in the file."""
        kind = f"erased {self.index.hex()}" if self.index else f"left {self.how}"
        return f"{self.at.isoformat()} {self.public_id} {self.publication_id} {kind}\n"

    @classmethod
    def of(cls, line: str) -> Gone:
        """A line again; ValueError when it is not whole."""
        at, public_id, publication_id, kind, rest = line.split()
        if kind not in {"left", "erased"}:
            raise ValueError(kind)
        index = bytes.fromhex(rest) if kind == "erased" else None
        if index is not None and len(index) != 32:
            raise ValueError("a keyed hash has 32 bytes")
        how = "" if index else rest
        return cls(datetime.fromisoformat(at), UUID(public_id), int(publication_id), how, index)


def left(home: Path, public_id: UUID, publication_id: int, how: str) -> None:
    """Note one who left, right after the commit."""
    note(home, [Gone(now(), public_id, publication_id, how)])


def erased(home: Path, who: Erased) -> None:
    """Note one who was erased, right after the commit."""
    note(home, [Gone(now(), who.public_id, 0, "", who.index)])


def note(home: Path, gone: Iterable[Gone]) -> None:
    """Append these lines and sync them. A disk that refuses them costs the journal a line, and
    never the reader the leaving, which is committed already."""
    text = "".join(one.line() for one in gone)
    if not text:
        return
    try:
        with _end_of(home / NAME) as handle:
            # A power cut may have left half a line; the next one must not be glued to it.
            os.write(handle, f"{'' if _whole(handle) else chr(10)}{text}".encode())
            os.fsync(handle)
    except OSError as err:
        _log.error("journal_not_written", reason=err.strerror or type(err).__name__)


def read(place: Path) -> list[Gone]:
    """All lines of a journal, or of the home it lies in, and the wishes that wait there.

    What is not a whole line is passed over. InputError when there is no journal.
    """
    files = [place]
    if place.is_dir():
        files = [path for path in (place / OLDER, place / NAME) if path.is_file()]
    try:
        lines = [line for path in files for line in path.read_text("utf-8", "replace").splitlines()]
    except OSError as err:
        raise InputError(str(place), (err.strerror or "it cannot be read").lower()) from err
    if not files:
        raise InputError(str(place), f"no {NAME} lies there; name the first home, or that file")
    found = [gone for line in lines if (gone := _read(line))]
    if lines and not found:
        raise InputError(str(place), f"this is no {NAME}: no line of it names who left")
    return found


def apply(
    session: Session, sealer: Sealer, gone: Gone, *, how: str, now: datetime
) -> Literal["left", "erased"] | None:
    """Let somebody leave, or be forgotten, who had done so before a restore.

    None when nothing was left to do: who left already, who joined later, and who came back since
    by their own deed. `how` is the door of an erasure.
    """
    if gone.index is not None:
        return _erase(session, sealer, gone, how=how, now=now)
    if leaving.came_back_since(session, gone.public_id, gone.publication_id, gone.at):
        return None
    done = leaving.leave(
        session,
        public_id=gone.public_id,
        publication_id=gone.publication_id,
        how=gone.how,
        wording="left after the backup that was restored; taken over from the journal of leaving",
        now=gone.at,
    )
    return "left" if done == "left" else None


def _erase(
    session: Session, sealer: Sealer, gone: Gone, *, how: str, now: datetime
) -> Literal["erased"] | None:
    index = gone.index or b""
    found = session.scalar(select(Subscriber).where(Subscriber.address_index == index))
    if found is None:
        known = suppression.barred(session, index)
        if known is not None and known.reason in suppression.READERS_WORD:
            return None
        suppression.bar_by_word(session, index, "erased", gone.at)
        return "erased"
    if found.created_at > gone.at or _came_back(session, found, gone.at):
        return None
    erasing.erase(session, sealer, subscriber_id=found.id, how=how, now=now)
    return "erased"


def _came_back(session: Session, who: Subscriber, at: datetime) -> bool:
    lists = select(Subscription.publication_id).where(Subscription.subscriber_id == who.id)
    held = session.scalars(lists).all()
    return any(leaving.came_back_since(session, who.public_id, one, at) for one in held)


def _read(line: str) -> Gone | None:
    try:
        return Gone.of(line)
    except ValueError:
        if line.strip():
            _log.warning("journal_line_damaged")
        return None


@contextmanager
def _end_of(path: Path) -> Iterator[int]:
    """The file, open at its end, and nobody else's meanwhile; a full one makes room first."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    while True:
        handle = os.open(path, flags, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _same(handle, path):
                if os.fstat(handle).st_size < LIMIT:
                    yield handle
                    return
                path.rename(path.with_name(OLDER))
        finally:
            os.close(handle)


def _same(handle: int, path: Path) -> bool:
    """Whether this is still the file of that name, which another process may have put aside."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _whole(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size == 0 or os.pread(handle, 1, size - 1) == b"\n"
