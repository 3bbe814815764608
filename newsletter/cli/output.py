"""What the command prints: plain sentences, tables and JSON; colour only on a terminal.

NO_COLOR (no-color.org) is honoured, and nothing but text goes into a pipe. Titles and file
names come from outside, so control characters are taken out before a terminal sees them.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from textwrap import indent
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PIPE_WIDTH = 160
_WHOLE = ("id", "date", "category", "issue", "week", "number", "status", "UTC", "delivery")
LEVELS = {"error": "red", "warning": "yellow", "hint": "cyan", "ok": "green"}


def clean(text: str) -> str:
    """The text without anything a terminal would obey."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


def console(*, stderr: bool = False) -> Console:
    """A console on the present standard output or error; wide and plain when it is a pipe.

    COLUMNS says how wide it is to be, on a terminal and in a pipe.
    """
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    told = stream.isatty() or os.environ.get("COLUMNS", "").isdigit()
    width = None if told else _PIPE_WIDTH
    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Console(
        file=stream,
        width=width,
        color_system=colours,
        highlight=False,
        markup=False,
        emoji=False,
    )


def say(text: str, style: str | None = None) -> None:
    """One line (or several) on standard output."""
    console().print(clean(text), style=style, soft_wrap=True)


def hanging(place: Console, start: str, text: str, style: str | None = None) -> None:
    """A sentence whose further lines stand under its first word, not under its mark."""
    from rich.cells import cell_len
    from rich.text import Text

    indent = cell_len(start)
    lines = Text(clean(text)).wrap(place, max(20, place.width - indent))
    for number, line in enumerate(lines):
        line.rstrip()
        front = " " * indent if number else start
        place.print(Text(front).append_text(line), style=style, soft_wrap=True)


def note(text: str) -> None:
    """One line on standard error: for people, out of the way of what is piped."""
    console(stderr=True).print(clean(text), soft_wrap=True)


def emit(value: Any) -> None:
    """JSON for machines on standard output, and nothing else."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")
    sys.stdout.flush()


def emit_rows(head: dict[str, Any], name: str, rows: Iterable[Any]) -> None:
    """The JSON of `head` with the list `rows` as its last key, written while they come."""
    start = json.dumps({**head, name: []}, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write(start.removesuffix("]\n}"))
    between = "\n"
    for row in rows:
        text = json.dumps(row, ensure_ascii=False, indent=2, default=str)
        sys.stdout.write(f"{between}{indent(text, '    ')}")
        between = ",\n"
    sys.stdout.write("]\n}\n" if between == "\n" else "\n  ]\n}\n")
    sys.stdout.flush()


def tables(columns: Sequence[str], rows: Iterable[Sequence[object]], length: int = 500) -> None:
    """One table after the other, so that of a long list only so many rows are held at once."""
    waiting = iter(rows)
    while page := list(islice(waiting, length)):
        table(columns, page)


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    title: str = "",
    *,
    below: Sequence[str] = (),
    width: int = 100,
) -> None:
    """A table of these rows, or nothing at all when there is no row.

    On a console narrower than `width` the columns named in `below` stand under their row.
    """
    cells = [[clean(_cell(value)) for value in row] for row in rows]
    place = console()
    if not cells:
        return
    if below and place.width < width:
        _in_two_lines(place, columns, cells, title, below)
    else:
        place.print(_grid(columns, cells, title))


def _grid(columns: Sequence[str], cells: list[list[str]], title: str = "") -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    grid = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for name in columns:
        grid.add_column(name, overflow="fold", no_wrap=name in _WHOLE)
    for row in cells:
        grid.add_row(*row)
    return grid


def _in_two_lines(
    place: Console, columns: Sequence[str], cells: list[list[str]], title: str, below: Sequence[str]
) -> None:
    from rich.cells import cell_len, set_cell_size

    firm = [index for index, name in enumerate(columns) if name not in below]
    sizes = {i: max(cell_len(row[i]) for row in (columns, *cells)) for i in firm}
    if title:
        place.print(title, style="italic")
    for row in (list(columns), *cells):
        line = "  ".join(set_cell_size(row[i], sizes[i]) for i in firm).rstrip()
        place.print(line, style="bold" if row == list(columns) else None, soft_wrap=True)
        under = [f"{n}: {row[i]}" for i, n in enumerate(columns) if n in below and row[i] != "-"]
        if under and row != list(columns):
            hanging(place, "    ", "; ".join(under))
    place.print()


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def minute(instant: str) -> str:
    """An instant of UTC in ISO form as the command shows every time: 2026-11-23 09:00 UTC."""
    return f"{instant[:16].replace('T', ' ')} UTC"


def listed(words: Iterable[str]) -> str:
    """a, b and c."""
    found = list(words)
    if len(found) < 2:
        return "".join(found)
    return f"{', '.join(found[:-1])} and {found[-1]}"


def counted(number: int, noun: str) -> str:
    """1 note, 2 notes, no notes."""
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number or 'no'} {noun if number == 1 else plural}"
