"""Closing all addresses again under a new key, while others read and write them.

It opens short transactions of its own (docs/decisions/transactions.md): a rotation of a million
addresses in one would stop every other writer. Killed at any moment it leaves a database that
works, with addresses under two keys; another rotation completes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter.core import audit, rewrapping
from newsletter.core.db import reading, writing
from newsletter.core.errors import ConfigurationError
from newsletter.core.installation import DataKey
from newsletter.core.keychain import KeyChain
from newsletter.core.sealing import Sealer
from subscribers.models import Subscriber

BATCH = 500
_PATIENCE = 0.1
"""Seconds until the removal of the old keys is tried again; and the longest rest of a batch."""

_STORE = (
    update(Subscriber)
    .where(Subscriber.id == bindparam("number"), Subscriber.sealed_address == bindparam("old"))
    .values(sealed_address=bindparam("new"), seal_key_id=bindparam("key"))
)

Row = tuple[int, bytes]
Tell = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did: the name of the new keys, and how much went over to them."""

    key: str
    addresses: int
    removed: int


def rotate(
    engine: Engine, chain: KeyChain, sealer: Sealer, *, how: str, now: datetime, tell: Tell = id
) -> Rotated:
    """New keys for addresses and links, and no address left under an old one.

    Old keys for addresses are removed, those for links stay. `tell` hears after each batch how
    many went over in it. ConfigurationError names a reader whose address no key opens.
    """
    with writing(engine) as session:
        key = rewrapping.add_pair(session, chain, now)
        audit.note(session, "rotation", how, {"new_key": key}, now)
    done = 0
    while True:
        sealer.renew()
        done += _reseal(engine, sealer, tell)
        last = _remove(engine, sealer)
        if last is not None:
            break
        time.sleep(_PATIENCE)
    done, removed = done + last[0], last[1]
    tell(last[0])
    with writing(engine) as session:
        audit.note(session, "rotation", how, {"addresses": done, "keys_removed": removed}, now)
    return Rotated(key, done, removed)


def name_keys(session: Session) -> None:
    """Write down which key closed each address, for rows of before that was written down."""
    for key in session.scalars(select(DataKey).where(DataKey.use == "seal")):
        session.execute(
            update(Subscriber)
            .where(Subscriber.seal_key_id.is_(None), _closed_by(key))
            .values(seal_key_id=key.id)
        )


def counts(session: Session) -> dict[int | None, int]:
    """How many addresses there are under each key."""
    query = select(Subscriber.seal_key_id, func.count()).group_by(Subscriber.seal_key_id)
    return {row[0]: row[1] for row in session.execute(query)}


def _reseal(engine: Engine, sealer: Sealer, tell: Tell) -> int:
    """Everything that stands under an old key now."""
    done = 0
    for key_id in (*_old_keys(engine), None):
        last = 0
        while rows := _next(engine, key_id, last):
            started = time.monotonic()
            stored = _store(engine, sealer, rows)
            last, done = rows[-1][0], done + stored
            tell(stored)
            time.sleep(min(time.monotonic() - started, _PATIENCE))  # let others write
    return done


def _next(engine: Engine, key_id: int | None, last: int) -> list[Row]:
    # One key at a time and by id: so both databases walk along an index and sort nothing.
    query = (
        select(Subscriber.id, Subscriber.sealed_address)
        .where(Subscriber.seal_key_id == key_id, Subscriber.id > last)
        .order_by(Subscriber.id)
        .limit(BATCH)
    )
    with reading(engine) as session:
        return [(number, bytes(value)) for number, value in session.execute(query)]


def _store(engine: Engine, sealer: Sealer, rows: Sequence[Row]) -> int:
    """How many went over: not those that were erased or closed anew since they were read."""
    fresh = _closed_anew(sealer, rows)
    try:
        with writing(engine) as session:
            return session.connection().execute(_STORE, fresh).rowcount
    except IntegrityError:
        return 0  # another rotation has removed our new key already: the next round takes its


def _closed_anew(sealer: Sealer, rows: Sequence[Row]) -> list[dict[str, object]]:
    return [
        {"number": number, "old": old, "new": new.value, "key": new.key_id}
        for (number, old), new in zip(rows, sealer.sealed_many(_opened(sealer, rows)), strict=True)
    ]


def _opened(sealer: Sealer, rows: Sequence[Row]) -> list[str]:
    try:
        return sealer.open_many([value for _, value in rows])
    except ConfigurationError:
        for number, value in rows:
            try:
                sealer.open(value)
            except ConfigurationError as err:
                raise ConfigurationError(
                    f"the address of subscriber {number} cannot be opened with any key of this "
                    "database; put it back from a backup or delete that row, and repeat"
                ) from err
        raise


def _old_keys(engine: Engine) -> list[int]:
    with reading(engine) as session:
        found = session.scalars(select(DataKey.id).where(DataKey.use == "seal"))
        return sorted(found)[:-1]


def _remove(engine: Engine, sealer: Sealer) -> tuple[int, int] | None:
    """Take the last few addresses over and delete the old keys, in one transaction.

    How many of both; None when it must be tried again. A key that somebody writes under at this
    instant is not waited for (skip locked), because new readers would then wait for us. Who
    writes under it later is refused by the foreign key, and closes again under the new one.
    """
    old = _old_keys(engine)
    if _set_right(engine, old):
        return None
    try:
        with writing(engine) as session:
            keys = select(DataKey.id).where(DataKey.id.in_(old)).with_for_update(skip_locked=True)
            named = or_(Subscriber.seal_key_id.in_(old), Subscriber.seal_key_id.is_(None))
            held = select(Subscriber.id, Subscriber.sealed_address).where(named)
            if len(session.scalars(keys).all()) < len(old):
                return None
            rows = [(row[0], bytes(row[1])) for row in session.execute(held.limit(BATCH + 1))]
            if len(rows) > BATCH:
                return None
            if rows:
                session.connection().execute(_STORE, _closed_anew(sealer, rows))
            session.execute(delete(DataKey).where(DataKey.id.in_(old)))
    except IntegrityError:
        return None
    return len(rows), len(old)


def _set_right(engine: Engine, old: Sequence[int]) -> bool:
    """Whether a row named another key than the one that closed it; now it names that.

    The foreign key cannot see such a row, and a removed key never comes back: so before that
    the sealed values themselves are looked through.
    """
    with reading(engine) as session:
        keys = session.scalars(select(DataKey).where(DataKey.id.in_(old))).all()
        wrong = [
            (key, _closed_by(key), Subscriber.seal_key_id.is_distinct_from(key.id)) for key in keys
        ]
        found = [one for one in wrong if session.scalar(select(exists().where(*one[1:])))]
    for key, *where in found:
        with writing(engine) as session:
            session.execute(update(Subscriber).where(*where).values(seal_key_id=key.id))
    return bool(found)


def _closed_by(key: DataKey) -> ColumnElement[bool]:
    front = key.kid.encode() + b"\0"
    return func.substr(Subscriber.sealed_address, 1, len(front)) == front
