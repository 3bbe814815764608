"""A list in a file as rows of cells: CSV of any kind, or one address on each line.

Read piece by piece (RFC 4180 and what spreadsheets make of it: comma, semicolon or tab), as
often as needed; a row can be read again from its place. Pure, no database.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, dropwhile, islice
from typing import BinaryIO, NamedTuple

from newsletter.core.errors import InputError
from subscribers.columns import PERSON, Columns, choose, known
from subscribers.lines import Line, Script, examine, lines, text_between

_DELIMITERS = ",;\t"
_REACH = 100
"""Lines that a quoted cell may run over; a quote that is never closed costs no more looking."""
_PREAMBLE = 5
"""Lines that may stand above the header, as Google Groups writes one."""
_SAMPLE = 50
_SEPARATOR = re.compile(r"sep=(.)\s*", re.IGNORECASE)


class Row(NamedTuple):
    """One row as it stood; `broken` says why it cannot be read. `number` is its first line."""

    number: int
    at: int
    cells: list[str]
    broken: str = ""


@dataclass
class Table:
    """An examined list: what it is written in, which columns count, and its rows."""

    source: BinaryIO
    name: str
    script: Script
    delimiter: str | None
    """None for a plain list of one address a line."""
    first: int
    """The line at which the people begin."""
    width: int
    columns: Columns
    notes: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        """Every row from the first person on; blank ones are left out.

        A row that is no CSV comes without cells and with the reason, and reading goes on at
        the very next line: an open quote must not swallow the people below it.
        """
        width = self.width
        below = _from(self.source, self.script, self.first)
        for row in _rows(below, self.delimiter, width):
            yield row if len(row.cells) == width else self._fitting(row)

    def again(self, start: int, end: int) -> list[str]:
        """The cells of the row that begins at `start`, read anew from the file."""
        text = text_between(self.source, self.script, start, end)
        if self.delimiter and '"' not in text:
            return text.partition("\n")[0].partition("\r")[0].split(self.delimiter)
        line = (Line(0, start, one) for one in io.StringIO(text, newline=""))
        return next(_rows(line, self.delimiter, self.width), Row(0, start, [])).cells

    def _fitting(self, row: Row) -> Row:
        cells = row.cells
        if row.broken:
            return row
        if any(cell.strip() for cell in cells[self.width :]):
            wrong = f"{len(cells)} cells stand here, the header has {self.width}"
            return row._replace(broken=wrong)
        return row._replace(cells=cells[: self.width] + [""] * (self.width - len(cells)))


def open_table(
    source: BinaryIO, name: str, chosen: Mapping[str, str] | None = None, *, barring: bool = False
) -> Table:
    """Examine a list; InputError (file:line) when it is none or has no column of addresses.

    `chosen` maps email, edition, status and reason to names of columns (or their numbers).
    """
    script = examine(source, name)
    head = list(
        islice(
            (one for one in lines(source, script) if one.text.strip() or one.fault), _PREAMBLE + 1
        )
    )
    told = _SEPARATOR.fullmatch(head[0].text) if head else None
    if told:
        head.pop(0)
    if not head:
        raise InputError(name, "the file is empty; a list of addresses was expected")
    if head[0].fault:
        raise InputError(f"{name}:{head[0].number}", head[0].fault)
    top = next((one for one in head if known(_split(one.text))), head[0])
    delimiter = told[1] if told else _delimiter(top.text)
    if not chosen and _is_plain(top.text):
        return Table(source, name, script, None, top.number, 1, Columns(0), list(script.notes))
    return _with_columns(
        source,
        name,
        script,
        delimiter=delimiter,
        top=top,
        chosen=chosen or {},
        barring=barring,
    )


def _with_columns(
    source: BinaryIO,
    name: str,
    script: Script,
    *,
    delimiter: str,
    top: Line,
    chosen: Mapping[str, str],
    barring: bool,
) -> Table:
    below = _from(source, script, top.number)
    found = _rows(below, delimiter, 0)
    header = next(found, Row(top.number, top.at, []))
    where = f"{name}:{header.number}"
    if header.broken:
        raise InputError(where, header.broken)
    headless = not known(header.cells) and any(map(PERSON.search, header.cells))
    width, notes = len(header.cells), list(script.notes)
    people = _rows(below, delimiter, width)
    first = next(people, None) if not headless else header
    sample = [row.cells for row in islice(chain([first] if first else [], people), _SAMPLE)]
    names = [f"column {n + 1}" for n in range(width)] if headless else header.cells
    columns = choose(names, sample, chosen, where, barring=barring)
    if headless:
        notes.append(
            f"line {header.number} holds an address, so it was taken as the first person and not "
            "as names of columns"
        )
    if columns.untaken:
        notes.append(f"not taken, because nothing more is kept of a reader: {_named(columns)}")
    if first is None:
        notes.append("no row stands under the header; nothing was there to import")
    begins = header.number if headless else first.number if first else script.size + 2
    return Table(source, name, script, delimiter, begins, width, columns, notes)


def _from(source: BinaryIO, script: Script, number: int) -> Iterator[Line]:
    return dropwhile(lambda one: one.number < number, lines(source, script))


def _named(columns: Columns) -> str:
    more = len(columns.untaken) - 12
    return ", ".join(columns.untaken[:12]) + (f" and {more} more" if more > 0 else "")


def _delimiter(line: str) -> str:
    return max(_DELIMITERS, key=line.count)


def _split(line: str) -> list[str]:
    return [cell.strip(' "\r\n') for cell in line.split(_delimiter(line))]


def _is_plain(line: str) -> bool:
    """Whether the first line is a person and nothing else: `a@b.org` or `Name <a@b.org>`."""
    text = line.strip()
    if text.endswith(">") and "<" in text:
        return True
    return "@" in text and not any(one in text for one in _DELIMITERS)


def _rows(below: Iterator[Line], delimiter: str | None, width: int) -> Iterator[Row]:
    waiting: deque[Line] = deque()
    for line in _with(waiting, below):
        number, at, text, fault = line
        if fault:
            yield Row(number, at, [], fault)
        elif not text.strip():
            continue
        elif delimiter is None:
            yield Row(number, at, [text.strip()])
        elif '"' in text:
            yield _quoted(line, waiting, below, delimiter, width)
        else:
            cells = text.rstrip("\r\n").split(delimiter)
            if any(cells) and any(cell.strip() for cell in cells):
                yield Row(number, at, cells)


def _with(waiting: deque[Line], below: Iterator[Line]) -> Iterator[Line]:
    """The lines in order, those first that were looked at and not used."""
    while True:
        while waiting:
            yield waiting.popleft()
        line = next(below, None)
        if line is None:
            return
        yield line


def _quoted(
    line: Line, waiting: deque[Line], below: Iterator[Line], delimiter: str, width: int
) -> Row:
    """A row with quotes, which may run over its line; lines not used go back to `waiting`."""
    used: list[Line] = []

    def whole(text: str) -> bool:
        cells = [cell.strip(' "') for cell in text.strip().split(delimiter)]
        return len(cells) == width and any(map(PERSON.fullmatch, cells))

    reach = _until_a_person(line, waiting, below, used, whole=whole)
    reader = csv.reader(reach, delimiter=delimiter, strict=True)
    try:
        cells = next(reader)
        if len(used) > 1 and width and len(cells) > width:
            raise csv.Error("a quoted cell reaches over its line")
    except csv.Error as err:
        waiting.extendleft(reversed(used[1:]))
        return Row(line.number, line.at, [], _quoting(err, len(used)))
    return Row(line.number, line.at, cells)


def _until_a_person(
    line: Line,
    waiting: deque[Line],
    below: Iterator[Line],
    used: list[Line],
    *,
    whole: Callable[[str], bool],
) -> Iterator[str]:
    """The lines a quoted cell may reach over: up to one that is a whole row with an address."""
    used.append(line)
    yield line.text
    for _ in range(_REACH):
        further = waiting.popleft() if waiting else next(below, None)
        if further is None:
            return
        if further.fault or whole(further.text):
            waiting.appendleft(further)
            return
        used.append(further)
        yield further.text


def _quoting(err: csv.Error, count: int) -> str:
    if count > 1 or "end of data" in str(err):
        return "a quote is opened here and never closed; mend the quotes of this row"
    return f"this row cannot be read as CSV ({err}); mend its quotes"
