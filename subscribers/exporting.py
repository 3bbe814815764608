"""The list as CSV for a spreadsheet or another system: safe to open, the same when it comes back.

UTF-8 with a byte order mark, without which Excel reads Burmese as another code page; lines end
in CR LF (RFC 4180). Whoever writes these bytes encrypts them, and leaves an audit row before.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice

from sqlalchemy.orm import Session

from newsletter.core.sealing import Sealer
from subscribers.formulas import guarded
from subscribers.listing import Row, Wanted, rows

COLUMNS = (
    "email",
    "edition",
    "state",
    "reason",
    "text_only",
    "discreet",
    "paused_until",
    "since",
    "consent_how",
    "consent_at",
)
_BATCH = 1000


def lines(session: Session, sealer: Sealer, wanted: Wanted) -> Iterator[bytes]:
    """The file in pieces of a thousand readers, as long as the transaction is open.

    `state` stands in it, so that nobody who left is taken for a reader elsewhere. No cell
    begins like a formula (formulas.guarded).
    """
    yield b"\xef\xbb\xbf" + _csv([COLUMNS])
    waiting = rows(session, wanted)
    while batch := list(islice(waiting, _BATCH)):
        addresses = sealer.open_many([row.sealed_address for row in batch])
        yield _csv(_cells(row, address) for row, address in zip(batch, addresses, strict=True))


def _cells(row: Row, address: str) -> tuple[str, ...]:
    instants = (row.paused_until_at, row.since, row.consent_at)
    paused, since, agreed = (at.isoformat(timespec="seconds") if at else "" for at in instants)
    return (
        address,
        row.edition,
        row.kind,
        row.barred or "",
        "yes" if row.text_only else "no",
        "yes" if row.discreet else "no",
        paused,
        since,
        row.consent_how or "",
        agreed,
    )


def _csv(cells: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(map(guarded, row) for row in cells)
    return text.getvalue().encode()
