"""Reads a list row by row into a tally: each address in its normal form, or why there is none.

What is common to lists of readers and of suppressions. Names that stand beside an address are
let go (data minimisation), and what is odd is counted, for a note to the editor.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import BinaryIO, Self

from newsletter.core import address_remarks
from newsletter.core.addresses import parse, plain
from newsletter.core.errors import InputError
from newsletter.core.sealing import Sealer
from subscribers.formulas import unguarded
from subscribers.table import Row, open_table
from subscribers.tally import CHANGES, OUTCOMES, Person, RowReport, Tally

CHUNK = 5_000
"""People stored in one transaction: about a tenth of a second."""
_READ = 5_000
_SHOWN = 5
_BRACKETED = re.compile(r"[^<>]*<\s*([^<>\s]+)\s*>\s*")
_REMARKS = {
    "name": "a name stood beside the address; names are not kept",
    "role": "an address of an office (info@ …), which several people read; did they all ask?",
    "look_alike": "a domain that looks like another one, with letters of another script",
}

Progress = Callable[[str, int, int], None]
"""Told now and then: the step (read | compare | store), how much is done, of how much."""


class Reading:
    """One list in a file. InputError names file and line when it cannot be read as a whole."""

    reasons: Mapping[str, str] = {}
    """What an outcome means, in words."""

    def __init__(
        self,
        source: BinaryIO,
        name: str,
        sealer: Sealer,
        columns: Mapping[str, str],
        *,
        barring: bool = False,
    ) -> None:
        self.name, self.sealer = name, sealer
        self.table = open_table(source, name, columns, barring=barring)
        self.tally = Tally()
        self.notes = list(self.table.notes)
        self._odd: dict[str, list[int]] = {kind: [] for kind in _REMARKS}
        self._odd_counts: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.tally.close()

    def read(self, progress: Progress | None = None) -> None:
        """Read every row and judge it by itself; nothing is looked up yet."""
        batch: list[tuple[bytes, int]] = []
        for row in self.table.rows():
            self._row(row, batch)
            if len(batch) >= _READ:
                self.tally.meet(batch)
                batch.clear()
                if progress:
                    progress("read", row.at, self.table.script.size)
        self.tally.meet(batch)
        self.notes += self._remarks()

    def judge(self, cells: Sequence[str]) -> tuple[int, str]:
        """What a row wishes, as a number for the tally, and why it is left out ("" for not).

        InputError for a row that cannot be taken as it is.
        """
        raise NotImplementedError

    def refuse_broken(self) -> None:
        """InputError that names the first broken row, when there is one."""
        first = next(self.reports(("broken",)), None)
        if first is not None:
            broken = self.tally.count("broken")
            raise InputError(
                f"{self.name}:{first.line}",
                f"{first.reason} ({broken} broken rows in all; nothing was stored)",
            )

    @property
    def to_store(self) -> int:
        """How many rows change something."""
        return self.tally.count(*CHANGES)

    def reports(self, outcomes: Sequence[str] = OUTCOMES) -> Iterator[RowReport]:
        """What became of each row, in the order of the file."""
        return self.tally.reports(self.reasons, outcomes)

    def reread(self, person: Person) -> str:
        """The address of a row, from the file once more; InputError when the file was changed."""
        start, end = self.tally.between(person.row, self.table.script.size)
        try:
            address = self._address(self.table.again(start, end)[self.table.columns.address], 0)
        except (InputError, IndexError, UnicodeDecodeError):
            address = ""
        if self.sealer.blind_index(address.lower()) != person.mark:
            raise InputError(
                self.name,
                "the file was changed while it was read; leave it alone and give it once more",
            )
        return address

    def _row(self, row: Row, batch: list[tuple[bytes, int]]) -> None:
        wrong = row.broken
        if not wrong:
            try:
                wish, gone = self.judge(row.cells)
                address = self._address(row.cells[self.table.columns.address], row.number)
            except InputError as err:
                wrong = err.message
        if wrong:
            self.tally.settle(self.tally.add(row.number, row.at), "broken", wrong)
            return
        number = self.tally.add(row.number, row.at, wish)
        if gone:
            self.tally.settle(number, "left_out", gone)
        batch.append((self.sealer.blind_index(address.lower()), number))

    def _address(self, cell: str, line: int) -> str:
        """The normal form of the address in a cell; its name, if it has one, is let go."""
        text = plain(unguarded(cell))
        if text is not None:
            if address_remarks.is_role(text):
                self._note("role", line)
            return text
        bare = bare_address(cell)
        address = parse(bare)
        if bare != unguarded(cell.strip()):
            self._note("name", line)
        for kind in address_remarks.remarks(address):
            self._note(kind, line)
        return address.text

    def _note(self, kind: str, line: int) -> None:
        if line:
            self._odd_counts[kind] += 1
            if len(self._odd[kind]) < _SHOWN:
                self._odd[kind].append(line)

    def _remarks(self) -> Iterator[str]:
        for kind, said in _REMARKS.items():
            count, first = self._odd_counts[kind], self._odd[kind]
            if count:
                rows = "row" if count == 1 else "rows"
                where = ", ".join(map(str, first)) + (", …" if count > len(first) else "")
                yield f"in {count} {rows} (line {where}): {said}"


def bare_address(cell: str) -> str:
    """The address in a cell, without a guard against formulas and without `Name <…>` around."""
    text = unguarded(cell.strip())
    inside = _BRACKETED.fullmatch(text)
    return inside[1] if inside and "@" in inside[1] else text
