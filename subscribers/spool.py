"""Wishes to leave that the database could not take: one small file each, until it can again.

A mail program presses the button once and never again (RFC 8058), so a wish that met a full
disk, a lock or an upgrade would be lost for good. No address lies here: a file names the
reader as the link did. It is whole or not there at all (written beside, synced, renamed).
"""

from __future__ import annotations

import errno
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from newsletter.core.db import writing
from newsletter.core.log import logger
from subscribers import leaving
from subscribers.models import Consent, Subscriber, Subscription

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

    Until this has returned nobody may be told that they left.
    """
    place = _place(home)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (place / wish.name).exists():
        if sum(1 for _ in os.scandir(place)) >= LIMIT:
            raise OSError(errno.ENOSPC, f"{place} holds {LIMIT} wishes already")
        _write(place, wish)
    _sync(place)
    _log.warning("leaving_noted", how=wish.how)


def holds(home: Path, subject: UUID, scope: int) -> bool:
    """Whether this reader's wish to leave waits here: until it is applied, nothing is sent."""
    return (_place(home) / _name(subject, scope)).exists()


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
        with writing(engine) as session:
            if not _came_back_since(session, wish):
                leaving.leave(
                    session,
                    public_id=wish.subject,
                    publication_id=wish.scope,
                    how=wish.how,
                    wording=wish.wording,
                    now=wish.at,
                )
        with suppress(OSError):  # a disk that is read-only now: applied again, to no effect
            file.unlink(missing_ok=True)
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


def _sync(place: Path) -> None:
    """A new name is only sure to be there after a power cut once its directory is synced."""
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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


def _came_back_since(session: Session, wish: Leaving) -> bool:
    """Whether the reader asked for mail again, by their own deed, after they wished to leave."""
    later = (
        select(Consent.id)
        .join(Subscription, Subscription.id == Consent.subscription_id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(
            Subscriber.public_id == wish.subject,
            Subscription.publication_id == wish.scope,
            (Consent.how == "form") | ((Consent.how == "page") & (Consent.kind == "given")),
            Consent.at > wish.at,
        )
    )
    return session.scalar(later.limit(1)) is not None
