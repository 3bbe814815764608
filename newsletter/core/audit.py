"""The audit: deeds on what we hold of readers, who did them through which door, and nobody's name.

A row is written in the transaction that decides the deed, so that there is no export, erasure
or purge without its row, and no row of a deed that was rolled back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.core.installation import AuditEntry
from newsletter.core.log import redact


@dataclass(frozen=True, slots=True)
class Entry:
    """One deed, as it is shown."""

    id: int
    at: datetime
    deed: str
    how: str
    detail: dict[str, Any]


def note(
    session: Session, deed: str, how: str, detail: Mapping[str, object], now: datetime
) -> None:
    """Write down a deed (export, story, erasure, rotation, purge); the caller commits it too.

    `how` is the door: `command line`, later a page. `detail` holds counts and kinds; whatever
    looks like an address in it is taken out, because this row outlives the people it is about.
    """
    cleared = {key: _cleared(value) for key, value in detail.items()}
    session.add(AuditEntry(at=now, deed=deed, how=how, detail=cleared))
    session.flush()


def entries(session: Session, limit: int | None = None) -> list[Entry]:
    """The deeds, newest first; all of them without a limit."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    return [Entry(e.id, e.at, e.deed, e.how, dict(e.detail)) for e in session.scalars(query)]


def _cleared(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _cleared(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_cleared(inner) for inner in value]
    return value if isinstance(value, int | float | bool | None) else redact(str(value))
