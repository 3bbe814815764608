"""What became of every row of a list, in a few bytes for each, however long the list is.

Blind indexes lie in a temporary database that SQLite keeps in memory up to a limit and then in
a nameless file; no address is in it. It hands people back in the order of their index: put
into the tables in that order they are four times faster than in the order of the file, because
neighbours lie on the same page.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

OUTCOMES = (
    "new", "subscribed", "updated", "there", "ended", "suppressed", "left_out", "duplicate",
    "broken",
)  # fmt: skip
"""What can become of a row; in this order they are told."""
CHANGES = ("new", "subscribed", "updated")
"""Of these something is stored."""

_CODE = {outcome: code for code, outcome in enumerate(OUTCOMES)}
_UNDECIDED = 255
_MEMORY_KB = 65_536


@dataclass(frozen=True, slots=True)
class RowReport:
    """What became of one row; `line` is where it begins in the file, counted from 1."""

    line: int
    outcome: str
    """One of OUTCOMES."""
    reason: str


class Person(NamedTuple):
    """A row that may be taken: its number among the rows, blind index, and wish."""

    row: int
    mark: bytes
    wish: int


class Tally:
    """The rows of one list, counted from 0."""

    def __init__(self) -> None:
        self.lines = array("Q")
        self._places = array("Q")
        self._outcomes = bytearray()
        self._wishes = array("H")
        self._aside = sqlite3.connect("", isolation_level=None)
        for setting in (f"cache_size=-{_MEMORY_KB}", "journal_mode=OFF", "synchronous=OFF"):
            self._aside.execute(f"PRAGMA {setting}").close()
        self._aside.execute(
            "CREATE TABLE people (mark BLOB PRIMARY KEY, row INTEGER) WITHOUT ROWID"
        )
        self._aside.execute("CREATE TABLE reasons (row INTEGER PRIMARY KEY, reason TEXT)")
        self._aside.execute("BEGIN")  # never committed: nothing of it is to be kept

    def __len__(self) -> int:
        return len(self.lines)

    def close(self) -> None:
        """Let go of the temporary database."""
        self._aside.close()

    def add(self, line: int, place: int, wish: int = 0) -> int:
        """Note a row that begins at this line and byte; returns its number."""
        self.lines.append(line)
        self._places.append(place)
        self._outcomes.append(_UNDECIDED)
        self._wishes.append(wish)
        return len(self.lines) - 1

    def settle(self, row: int, outcome: str, reason: str = "") -> None:
        """Write down what became of a row."""
        self._outcomes[row] = _CODE[outcome]
        if reason:
            self._aside.execute("REPLACE INTO reasons VALUES (?, ?)", (row, reason))

    def meet(self, people: Sequence[tuple[bytes, int]]) -> None:
        """Keep these (blind index, row); who stood above already is a duplicate."""
        done = self._aside.executemany("INSERT OR IGNORE INTO people VALUES (?, ?)", people)
        if done.rowcount == len(people):
            return
        find = "SELECT row FROM people WHERE mark = ?"
        for mark, row in people:
            (first,) = self._aside.execute(find, (mark,)).fetchone()
            if first != row:
                self._doubled(first, row)

    def _doubled(self, first: int, row: int) -> None:
        line = self.lines[first]
        if self._outcomes[row] != _CODE["left_out"]:
            self.settle(row, "duplicate", f"the same address as in line {line}, which counts")
        elif self._outcomes[first] != _CODE["left_out"]:
            other = self.lines[row]
            self.settle(first, "left_out", f"line {other} says of the same address that they left")

    def people(self, size: int, outcomes: Sequence[str] = ()) -> Iterator[list[Person]]:
        """Everybody by the order of their index, so many at a time; only those of `outcomes`.

        Without outcomes: whoever stands in the list and is no duplicate.
        """
        wanted = {_CODE[one] for one in outcomes} or {_UNDECIDED}
        found = self._aside.execute("SELECT mark, row FROM people ORDER BY mark")
        while batch := found.fetchmany(size):
            chunk = [
                Person(row, mark, self._wishes[row])
                for mark, row in batch
                if self._outcomes[row] in wanted
            ]
            if chunk:
                yield chunk

    def between(self, row: int, end: int) -> tuple[int, int]:
        """The bytes from where a row begins to where the next one does; `end` is of the file."""
        after = self._places[row + 1] if row + 1 < len(self._places) else end
        return self._places[row], after

    def counts(self) -> dict[str, int]:
        """How many rows had each outcome."""
        tally = Counter(self._outcomes)
        return {outcome: tally[code] for code, outcome in enumerate(OUTCOMES)}

    def count(self, *outcomes: str) -> int:
        """How many rows had one of these outcomes."""
        return sum(self._outcomes.count(_CODE[one]) for one in outcomes)

    def reports(
        self, usual: Mapping[str, str], outcomes: Sequence[str] = OUTCOMES
    ) -> Iterator[RowReport]:
        """What became of each row, in the order of the file; `usual` are the common reasons."""
        wanted = {_CODE[one] for one in outcomes}
        reasons = iter(self._aside.execute("SELECT row, reason FROM reasons ORDER BY row"))
        special = next(reasons, None)
        for row, code in enumerate(self._outcomes):
            while special and special[0] < row:
                special = next(reasons, None)
            if code in wanted:
                outcome = OUTCOMES[code]
                own = special[1] if special and special[0] == row else usual.get(outcome, "")
                yield RowReport(self.lines[row], outcome, own)
