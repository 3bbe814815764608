"""Taking in a list of readers of any length, row by row, each with its answer.

First everything is read and decided and nothing stored; then the new people are stored in
chunks, each a short transaction of its own, so that no reader's one-click waits for a list.
Killed in between, the same list given again goes on: who is stored already is found there.
A broken row is reported with its line and left out, the rest is taken (or nothing, with
`strict`). Whoever left or is barred stays so. No report holds an address.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from sqlalchemy.orm import Session

from newsletter.core.sealing import Sealer
from subscribers import directory, statuses
from subscribers.reading import CHUNK, Progress, Reading
from subscribers.standing import outcomes, standings
from subscribers.storing import Newcomer, Terms, store
from subscribers.tally import CHANGES, Person, RowReport
from subscribers.wishes import Wish, Wishes


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file: every row in its order, how many of each kind, and remarks."""

    rows: list[RowReport]
    counts: dict[str, int]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is to be taken: for whom, and what its columns are when they were told."""

    publication_id: int
    editions: Sequence[str]
    """All editions of the publication; what a cell may mean."""
    default_edition: str
    """Of new readers without a word on it; who is there keeps theirs."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """email, edition, discreet, status → name or number of a column; `-` for no edition."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some people of a list, read again and sealed, and which part of the list they are."""

    people: list[Newcomer]
    share: tuple[float, float]


class Taking(Reading):
    """One list on its way in: `read`, then `decide`, then each of `chunks` to `store`.

    The caller opens a transaction for `decide` and one for each `store`.
    """

    reasons = {  # noqa: RUF012  (read only)
        "subscribed": "had signed up and not pressed the button; is on the list now, which says "
        "that they agreed",
        "updated": "was there already; now takes another edition or form",
        "there": "was there already; nothing changed",
        "ended": "left before and stays so; only the reader can come back",
        "suppressed": "this address must never be mailed again",
    }

    def __init__(self, source: BinaryIO, name: str, sealer: Sealer, order: Order) -> None:
        super().__init__(source, name, sealer, order.columns)
        self.order = order
        self.number: int | None = None
        """That of list_imports, once it is begun; stands in each consent."""
        self._wishes = Wishes(order.editions)

    @property
    def mark(self) -> bytes:
        """The same for the same file read as the same thing; nobody else can make it."""
        how = (self.table.script.sha256, self.table.columns, self.order.default_edition)
        return self.sealer.mark("list", repr(how))

    def judge(self, cells: Sequence[str]) -> tuple[int, str]:
        """The edition wished for, and what a status column says of leaving."""
        columns = self.table.columns
        wish = self._wishes.number(_cell(cells, columns.edition), _cell(cells, columns.discreet))
        for place, name, kind, sure in columns.statuses:
            gone = statuses.left(name, kind, cells[place], sure=sure)
            if gone:
                return wish, gone
        return wish, ""

    def decide(self, session: Session, progress: Progress | None = None) -> None:
        """Compare everybody with who is here; changes nothing."""
        done = 0
        for people in self.tally.people(CHUNK):
            found = standings(session, self.order.publication_id, [p.mark for p in people])
            becomes = outcomes(session, found, {p.mark: self._wish(p) for p in people})
            for person in people:
                self.tally.settle(person.row, becomes[person.mark])
            done += len(people)
            if progress:
                progress("compare", done, len(self.tally))

    def chunks(self) -> Iterator[Chunk]:
        """Whoever is new or changes, so many at a time; read again from the file and sealed."""
        done, total = 0, self.to_store
        for people in self.tally.people(CHUNK, CHANGES):
            share = (done / total, (done + len(people)) / total)
            done += len(people)
            yield Chunk(self._again(sorted(people)), share)

    def store(self, session: Session, chunk: Chunk, now: datetime) -> None:
        """Put a chunk into the tables; what became of its rows may differ from `decide` now."""
        terms = Terms(self.order.publication_id, self.order.default_edition, now)

        def alone(person: Newcomer) -> str:
            return self._alone(session, person, now)

        for row, outcome in store(session, terms, chunk.people, chunk.share, alone).items():
            self.tally.settle(row, outcome)

    def _wish(self, person: Person) -> Wish:
        return self._wishes.known[person.wish]

    def _again(self, people: Sequence[Person]) -> list[Newcomer]:
        addresses = [self.reread(person) for person in people]
        sealed = self.sealer.sealed_many(addresses)
        end = f" (import {self.number})" if self.number else ""
        return [
            Newcomer(
                person.row,
                person.mark,
                address,
                closed,
                self._wish(person),
                f"imported from a list, line {self.tally.lines[person.row]}{end}",
            )
            for person, address, closed in zip(people, addresses, sealed, strict=True)
        ]

    def _alone(self, session: Session, person: Newcomer, now: datetime) -> str:
        return directory.add(
            session,
            self.sealer,
            publication_id=self.order.publication_id,
            address=person.address,
            edition=person.wish.edition or self.order.default_edition,
            how="import",
            wording=person.wording,
            now=now,
            keep_edition=person.wish.edition is None,
            discreet=person.wish.discreet,
        )


def _cell(cells: Sequence[str], place: int | None) -> str:
    return "" if place is None else cells[place]


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
    """Take in a short list within one transaction of the caller, with everything in its report.

    InputError names the file and line when the file as a whole cannot be read, or with `strict`
    when any row is broken; then nothing was stored.
    """
    order = Order(publication_id, editions, default_edition)
    with Taking(io.BytesIO(data), name, sealer, order) as taking:
        taking.read()
        taking.decide(session)
        if strict:
            taking.refuse_broken()
        for chunk in taking.chunks():
            taking.store(session, chunk, now)
        return Report(list(taking.reports()), taking.tally.counts(), taking.notes)
