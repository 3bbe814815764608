"""Wishes to leave that the database could not take: one small file each, until it can again.

A mail program presses the button once and never again (RFC 8058), so a wish that met a full
disk, a lock or an upgrade would be lost for good. No address lies here: a file names the
reader as the link did. It is whole or not there at all (written beside, synced, renamed).
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from uuid import UUID

from sqlalchemy import Engine

from newsletter.core.db import writing
from newsletter.core.log import logger
from subscribers import journal, leaving

LIMIT = 50_000
"""Wishes at once; one reader's presses are one file, so only genuine links could make so many."""
_log = logger("subscribers.spool")


@dataclass(frozen=True, slots=True)
class Leaving:
    """What `leaving.leave` would have been told."""

    subject: UUID
    scope: int
    how: str
    wording: str
    at: datetime

    @property
    def name(self) -> str:
        """The file of this reader's wish; pressing again is the same wish."""
        return _name(self.subject, self.scope)


def keep(home: Path, wish: Leaving) -> None:
    """Store a wish so that it outlives a power cut; OSError when the disk refuses it too.

    It takes the place of an earlier one: who came back in between has left again. Until this
    has returned nobody may be told that they left.
    """
    place = _place(home)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (place / wish.name).exists() and sum(1 for _ in os.scandir(place)) >= LIMIT:
        raise OSError(errno.ENOSPC, f"{place} holds {LIMIT} wishes already")
    with _alone(place) as directory:
        _write(place, wish)
        os.fsync(directory)  # a new name only survives a power cut once its directory is synced
    _log.warning("leaving_noted", how=wish.how)


def holds(home: Path, subject: UUID, scope: int) -> bool:
    """Whether this reader's wish to leave waits here: until it is applied, nothing is sent."""
    return (_place(home) / _name(subject, scope)).exists()


def noted(home: Path, scope: int) -> set[UUID]:
    """Whose wishes to leave this publication wait here; usually nobody's."""
    try:
        names = [entry.name for entry in os.scandir(_place(home))]
    except FileNotFoundError:
        return set()
    end = f"-{scope}.json"
    return {UUID(name.removesuffix(end)) for name in names if _is_name(name, end)}


def _is_name(name: str, end: str) -> bool:
    return name.endswith(end) and re.fullmatch(r"[0-9a-f]{32}", name.removesuffix(end)) is not None


def waiting(home: Path) -> list[Leaving]:
    """The wishes that wait in a home, which may be another one's."""
    read = (_read(file) for file in sorted(_place(home).glob("*.json")))
    return [wish for wish in read if wish is not None]


def drain(engine: Engine, home: Path) -> int:
    """Apply every wish that waits, and remove it; how many there were.

    Each in a transaction of its own and only then removed, so a kill in between applies it
    again, which changes nothing. What the database says when it still cannot be written is
    raised: then nothing can be sent either, because an intent to send is written there first.
    """
    found = sorted(_place(home).glob("*.json")) if _place(home).is_dir() else []
    for file in found:
        wish = _read(file)
        if wish is None:
            continue
        done = None
        with writing(engine) as session:
            came_back = leaving.came_back_since(session, wish.subject, wish.scope, wish.at)
            if not came_back:
                done = leaving.leave(
                    session,
                    public_id=wish.subject,
                    publication_id=wish.scope,
                    how=wish.how,
                    wording=wish.wording,
                    now=wish.at,
                )
        if done in {"left", "already"}:  # already: by a press that was too late to note it
            journal.left(home, wish.subject, wish.scope, wish.how)
        with suppress(OSError):  # a disk that is read-only now: applied again, to no effect
            _remove(file, wish)
    if found:
        _log.info("leaving_applied", wishes=len(found))
    return len(found)


def _place(home: Path) -> Path:
    return home / "spool" / "leaving"


def _name(subject: UUID, scope: int) -> str:
    return f"{subject.hex}-{scope}.json"


def _write(place: Path, wish: Leaving) -> None:
    told = {
        "subject": str(wish.subject),
        "scope": wish.scope,
        "how": wish.how,
        "wording": wish.wording,
        "at": wish.at.isoformat(),
    }
    beside = place / f".{token_hex(8)}"
    try:
        with open(beside, "x", encoding="utf-8", opener=_owner_only) as file:
            json.dump(told, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(place / wish.name)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def _alone(place: Path) -> Iterator[int]:
    """Nobody puts a newer wish in the place of one that is being removed."""
    handle = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _remove(file: Path, applied: Leaving) -> None:
    with _alone(file.parent):
        if _read(file) == applied:
            file.unlink(missing_ok=True)


def _read(file: Path) -> Leaving | None:
    """The wish in a file; None when another program has just applied it, or it is damaged."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return Leaving(
            UUID(told["subject"]),
            int(told["scope"]),
            str(told["how"]),
            str(told["wording"]),
            datetime.fromisoformat(told["at"]),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        _log.error("leaving_damaged", file=file.name)
        with suppress(OSError):  # set aside: told once, and kept for somebody to look at
            file.rename(file.with_suffix(".damaged"))
        return None
