"""What came back about our messages: kept once each, and applied in a worker's own time.

Whoever hears it (a webhook, a mailbox) only stores it, fast and whatever it is; a worker applies
it. In any order, late or repeated, the same set of events has the same end: a delivery's state is
judged anew from everything said of it (see `hearing`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsletter.core.log import redact
from newsletter.core.sealing import Sealer
from newsletter.delivery import message_ids
from newsletter.delivery.models import Delivery
from newsletter.delivery.models import Event as Row
from newsletter.delivery.policy import stated
from newsletter.delivery.rows import changed
from newsletter.providers.events import Event, Kind

WAITING, UNMATCHED = "waiting", "unmatched"
"""Not applied yet; of no message of ours."""
KEPT = timedelta(days=30)
"""So long what is of no message of ours stays, and the whole of what is of no known kind."""
_LONGEST_ANSWER, _LONGEST_RAW, _LONGEST_STATUS = 500, 20_000, 16
_AT_ONCE = 500
_BLANKS = re.compile(r"\s+")


def receive(  # noqa: PLR0917  (as its callers know it)
    session: Session,
    secret: bytes,
    sealer: Sealer,
    source: str,
    events: Sequence[Event],
    now: datetime,
) -> int:
    """Keep each event that was not told before; returns how many that are.

    `secret` is the one that Message-IDs are made with (`Services.ring.index`), `source` the
    provider's name or `mailbox`. Which delivery is meant is said by our own mark in the
    references and by nothing else. Nothing follows yet: see `applying.apply_waiting`.
    """
    stored = 0
    waiting = iter(events)
    while part := list(islice(waiting, _AT_ONCE)):
        named = [_delivery_of(secret, event) for event in part]
        there = _there(session, {number for number in named if number is not None})
        rows = [
            _row(sealer, source, event, number if number in there else None, now)
            for event, number in zip(part, named, strict=True)
        ]
        stored += _insert(session, rows)
    return stored


def _delivery_of(secret: bytes, event: Event) -> int | None:
    """Our mark tells it; the return path first, which nobody else writes into a message."""
    text = "\n".join(event.references)
    found = message_ids.delivery_of(secret, text, message_ids.RETURN_PATH)
    return found if found is not None else message_ids.delivery_of(secret, text)


def _there(session: Session, ids: set[int]) -> set[int]:
    """Those that still have a row, held until the events stand beside them."""
    if not ids:
        return set()
    held = select(Delivery.id).where(Delivery.id.in_(sorted(ids))).order_by(Delivery.id)
    return set(session.scalars(held.with_for_update(read=True, key_share=True)))


def _row(
    sealer: Sealer, source: str, event: Event, delivery_id: int | None, now: datetime
) -> dict[str, Any]:
    answer = kept_answer(event.answer, event.recipient)
    status = stated(event.status, event.answer, event.permanent)
    unknown = event.kind is Kind.OTHER and event.raw
    raw = sealer.seal(event.raw[:_LONGEST_RAW].decode("utf-8", "replace")) if unknown else None
    return {
        "source": source[:32],
        "mark": mark_of(source, event.key),
        "kind": event.kind.value,
        "delivery_id": delivery_id,
        "status": status[:_LONGEST_STATUS] or None,
        "answer": answer or None,
        "outcome": UNMATCHED if delivery_id is None else WAITING,
        "at": min(event.at, now) if event.at else now,
        "received_at": now,
        "raw": raw,
    }


def mark_of(source: str, key: str) -> bytes:
    """By which the same event is known again; two sources may use the same key."""
    return hashlib.sha256(f"{source}\0{key}".encode("utf-8", "replace")).digest()


def kept_answer(answer: str, recipient: str) -> str:
    """The other side's words as they may be kept: one line, bounded, without any address."""
    line = _BLANKS.sub(" ", answer[: 4 * _LONGEST_ANSWER]).strip()
    text = redact(line, recipient)
    if not text.isprintable():
        text = "".join(letter for letter in text if letter.isprintable())
    return text[:_LONGEST_ANSWER]


def _insert(session: Session, rows: list[dict[str, Any]]) -> int:
    """Whoever tells it first is kept, also of two who tell it at the same moment."""
    on_server = session.get_bind().dialect.name == "postgresql"
    insert = postgresql.insert(Row) if on_server else sqlite.insert(Row)
    # In one order everywhere: two that tell the same events would else wait for each other.
    ordered = sorted(rows, key=lambda row: row["mark"])
    once = insert.on_conflict_do_nothing()
    # Without preserve_rowcount an INSERT of many rows counts -1 on PostgreSQL.
    counted = {"preserve_rowcount": True}
    done = session.connection().execute(once, ordered, execution_options=counted)
    return int(done.rowcount)


def forget_old(session: Session, now: datetime, limit: int = 1000) -> int:
    """Delete what was of no message of ours, and the sealed whole of unknown kinds, after a while.

    What was said of a message stays as long as its delivery. Returns how many were touched.
    """
    old = select(Row.id).where(Row.received_at < now - KEPT).order_by(Row.received_at)
    strangers = old.where(Row.outcome == UNMATCHED).limit(limit)
    wholes = old.where(Row.raw.is_not(None)).limit(limit)
    gone = session.scalars(strangers).all()
    session.execute(delete(Row).where(Row.id.in_(gone)))
    emptied = changed(
        session, update(Row).where(Row.id.in_(session.scalars(wholes).all())).values(raw=None)
    )
    return len(gone) + emptied


def of_deliveries(session: Session, delivery_ids: Sequence[int]) -> Iterator[Row]:
    """Everything said of these messages, in the order in which it happened."""
    found = select(Row).where(Row.delivery_id.in_(delivery_ids)).order_by(Row.at, Row.id)
    yield from session.scalars(found)
