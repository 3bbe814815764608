"""The token buckets as they lie in the database (`Pace`): locked, brought up to date, stored.

One SELECT and at most one UPDATE (of several rows) for a whole group of messages. On PostgreSQL
the rows are locked until the transaction ends, so workers share a pace and never outrun it; on
SQLite a transaction that writes is alone anyway (BEGIN IMMEDIATE).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsletter.delivery.models import Pace
from newsletter.delivery.pacing import Bucket, Limit

_COLUMNS = (Pace.key, Pace.tokens, Pace.refilled_at, Pace.day, Pace.day_count)
_table: Any = Pace.__table__


def lock(
    session: Session, wanted: Mapping[str, Limit], every: Mapping[str, Limit], now: datetime
) -> dict[str, Bucket]:
    """The wanted buckets by key, as they are by now, nobody else's until the transaction ends.

    `every` names all buckets there are: they are made together and in order when one is missing,
    so that two workers who begin at once do not wait for each other.
    """
    found = _locked(session, wanted, now)
    if len(found) < len(wanted):
        _make(session, every, now)
        found |= _locked(session, {k: v for k, v in wanted.items() if k not in found}, now)
    return found


def peek(session: Session, limits: Mapping[str, Limit], now: datetime) -> dict[str, Bucket]:
    """The same without a lock and without making any, to be looked at; unused ones are full."""
    stored = {row.key: row for row in session.execute(select(*_COLUMNS))}
    return {
        key: _bucket(stored[key], limit, now) if key in stored else Bucket.full(limit, now)
        for key, limit in limits.items()
    }


def store(session: Session, held: Mapping[str, Bucket]) -> None:
    """Write down what was taken."""
    changed = [_values(key, held[key]) for key in sorted(held) if held[key].changed]
    if changed:
        session.connection().execute(_UPDATE, changed)


def _locked(session: Session, wanted: Mapping[str, Limit], now: datetime) -> dict[str, Bucket]:
    # Always in the order of the keys, else two workers could each wait for the other's row.
    query = select(*_COLUMNS).where(Pace.key.in_(sorted(wanted))).order_by(Pace.key)
    rows = session.execute(query.with_for_update())
    return {row.key: _bucket(row, wanted[row.key], now) for row in rows}


def _make(session: Session, every: Mapping[str, Limit], now: datetime) -> None:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    rows = []
    for key in sorted(every):
        full = Bucket.full(every[key], now)
        rows.append(
            {
                "key": key,
                "tokens": full.tokens,
                "refilled_at": full.refilled_at,
                "day": full.day,
                "day_count": 0,
            }
        )
    session.connection().execute(dialect.insert(_table).on_conflict_do_nothing(), rows)


def _bucket(row: Any, limit: Limit, now: datetime) -> Bucket:
    return Bucket.of(
        limit,
        now,
        tokens=row.tokens,
        refilled_at=row.refilled_at,
        day=row.day,
        count=row.day_count,
    )


def _values(key: str, bucket: Bucket) -> dict[str, Any]:
    return {
        "of": key,
        "tokens": bucket.tokens,
        "refilled_at": bucket.refilled_at,
        "day": bucket.day,
        "day_count": bucket.count,
    }


_UPDATE = (
    update(_table)
    .where(_table.c.key == bindparam("of"))
    .values(
        tokens=bindparam("tokens"),
        refilled_at=bindparam("refilled_at"),
        day=bindparam("day"),
        day_count=bindparam("day_count"),
    )
)
