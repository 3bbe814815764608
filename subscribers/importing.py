"""Taking in a list of subscribers from a CSV file, row by row, each with its answer.

A broken row is reported with its line and left out, the rest is taken (or nothing, with
`strict`). Whoever left or is barred stays so. The report holds line numbers, no addresses.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.core.addresses import parse
from newsletter.core.errors import InputError
from newsletter.core.log import redact
from newsletter.core.sealing import Sealer
from subscribers import directory
from subscribers.table import Line, Table, read_table

OUTCOMES = ("new", "updated", "there", "ended", "suppressed", "duplicate", "broken")

_REASONS = {
    "updated": "was there already; now takes another edition",
    "there": "was there already; nothing changed",
    "ended": "left before and stays so; only the reader can come back",
    "suppressed": "this address must never be mailed again",
}


@dataclass(frozen=True, slots=True)
class RowReport:
    """What became of one row; `line` is where it begins in the file, counted from 1."""

    line: int
    outcome: str
    """One of OUTCOMES."""
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file: every row in its order, how many of each kind, and remarks."""

    rows: list[RowReport]
    counts: dict[str, int]
    notes: list[str] = field(default_factory=list)


def import_csv(
    session: Session,
    sealer: Sealer,
    *,
    publication_id: int,
    data: bytes,
    name: str,
    editions: Sequence[str],
    default_edition: str,
    now: datetime,
    strict: bool = False,
) -> Report:
    """Add everybody in a CSV file whose first line names the columns.

    A column of addresses is needed (email, address, mail …), one of editions may be there
    (edition, language, lang). Without a word on the edition a new reader gets
    `default_edition` and one who is there keeps theirs. InputError names the file and line
    when the file as a whole cannot be read, or with `strict` when any row is broken; then
    nothing may be stored, so the caller lets the transaction fall.
    """
    table = read_table(data, name)
    take = _Taking(session, sealer, publication_id, name, tuple(editions), default_edition, now)
    rows = [take.row(line) for line in table.lines]
    broken = [row for row in rows if row.outcome == "broken"]
    if strict and broken:
        raise InputError(
            f"{name}:{broken[0].line}",
            f"{broken[0].reason} ({len(broken)} broken rows in all; nothing was stored)",
        )
    tally = Counter(row.outcome for row in rows)
    counts = {outcome: tally[outcome] for outcome in OUTCOMES}
    return Report(rows, counts, _notes(table))


def _notes(table: Table) -> list[str]:
    notes = list(table.notes)
    if not table.lines:
        notes.append("no row stands under the header; nothing was there to import")
    return notes


@dataclass
class _Taking:
    session: Session
    sealer: Sealer
    publication_id: int
    name: str
    editions: tuple[str, ...]
    default_edition: str
    now: datetime
    seen: dict[str, int] = field(default_factory=dict)
    """Address → the line where it stood first."""

    def row(self, line: Line) -> RowReport:
        try:
            if line.broken:
                raise InputError("", line.broken)
            edition = self.edition(line.edition)
            lookup = parse(line.address).lookup
        except InputError as err:
            return RowReport(line.number, "broken", err.message)
        first = self.seen.setdefault(lookup, line.number)
        if first != line.number:
            reason = f"the same address as in line {first}, which counts"
            return RowReport(line.number, "duplicate", reason)
        outcome = self.add(line, edition)
        return RowReport(line.number, outcome, _REASONS.get(outcome, ""))

    def edition(self, text: str) -> str | None:
        """The edition a cell means: `my+en`, `en, my` and `both` are written `en+my`."""
        wanted = _words(text) - {"and"}
        if not wanted:
            return None
        single = [edition for edition in self.editions if "+" not in edition]
        if wanted == {"all"} or (wanted == {"both"} and len(single) < 3):
            return "+".join(single)
        exact = [code for code in single if _words(code) == wanted]
        named = exact or [code for code in single if _words(code) <= wanted]
        if named and set().union(*map(_words, named)) == wanted:
            return "+".join(named)
        allowed = ", ".join(self.editions)
        raise InputError("", f"there is no edition '{redact(text)[:40]}'; write one of {allowed}")

    def add(self, line: Line, edition: str | None) -> str:
        return directory.add(
            self.session,
            self.sealer,
            publication_id=self.publication_id,
            address=line.address,
            edition=edition or self.default_edition,
            how="import",
            wording=f"imported from the file {redact(self.name)}, line {line.number}",
            now=self.now,
            keep_edition=edition is None,
        )


def _words(text: str) -> set[str]:
    return set(re.split(r"[^a-z0-9]+", text.lower())) - {""}
