"""What importing any list needs: its options, a bar of progress, and the report of its rows."""

from __future__ import annotations

import csv
import gc
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from newsletter.cli.output import console, counted, note, say

if TYPE_CHECKING:
    from subscribers.reading import Progress, Reading

ListFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="A CSV, or a plain list of one address a line.")
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="WHAT=NAME",
        help="Which column: email=…, edition=…, status=… (a name or a number).",
    ),
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Take nothing when any row is broken.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what would happen and store nothing.")
]
ReportOption = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write every row with its answer as CSV."),
]

_Chunk = TypeVar("_Chunk")
_SHOWN = 50
_QUIET = ("new", "there")
_STEPS = {"read": "reading", "compare": "comparing", "store": "storing"}


@contextmanager
def progress() -> Iterator[Progress]:
    """A bar on standard error for each step, when somebody looks on; else nothing."""
    # What is loaded stays anyway; looking through it again and again takes a tenth of the time.
    gc.freeze()
    try:
        with _bar() if sys.stderr.isatty() else nullcontext(_silent) as tell:
            yield tell
    finally:
        gc.unfreeze()


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(_STEPS[step], total=total)
            bar.update(tasks[step], completed=done, total=total)

        yield tell


def _silent(_step: str, _done: int, _total: int) -> None:
    """Nobody looks on."""


def require_free(report: Path | None) -> None:
    """InputError when the report would write over a file; said before anything is stored."""
    from newsletter.core.errors import InputError

    if report is not None and report.exists():
        raise InputError("--report", f"there is something at {report} already; name a new file")


@contextmanager
def stoppable(done: Callable[[], int], total: int, *, what: str = "rows") -> Iterator[None]:
    """Let nothing that breaks off the storing pass without saying how much is stored."""
    again = "the rest is not; the same command again goes on with it"
    try:
        yield
    except BaseException as err:
        note(f"stopped: {done():,} of {total:,} {what} are stored, {again}")
        if isinstance(err, KeyboardInterrupt):
            raise typer.Exit(1) from err
        raise


def store_all(
    reading: Reading,
    telling: Progress,
    chunks: Iterable[_Chunk],
    keep: Callable[[_Chunk], int],
) -> None:
    """Let `keep` store each chunk and say how many rows it was; told and stoppable in between."""
    total, done = reading.to_store, 0
    with stoppable(lambda: done, total):
        for chunk in chunks:
            done += keep(chunk)
            telling("store", done, total)


def answer(
    reading: Reading,
    head: Mapping[str, Any],
    *,
    stored: bool,
    report: Path | None,
    as_json: bool,
) -> None:
    """Say what became of each row, in the way that was asked for."""
    write_report(reading, report)
    if as_json:
        emit_rows({**head, "stored": stored}, reading)
    else:
        tell(reading, reading.name, stored=stored, report=report)


def write_report(reading: Reading, path: Path | None) -> None:
    """Every row with its line, outcome and reason; no address stands in it."""
    from newsletter.core.errors import InputError

    if path is None:
        return
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("line", "outcome", "reason"))
            rows.writerows((row.line, row.outcome, row.reason) for row in reading.reports())
    except OSError as err:
        reason = (err.strerror or "it cannot be written").lower()
        raise InputError(str(path), f"the report cannot be written: {reason}") from err


def emit_rows(head: Mapping[str, Any], reading: Reading) -> None:
    """One JSON object for machines, written row by row, so that a million need no memory."""
    write = sys.stdout.write
    members = {**head, "counts": reading.tally.counts()}
    write("{\n")
    for key, value in members.items():
        write(f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},\n")
    write('  "rows": [')
    comma = "\n    "
    for row in reading.reports():
        entry = {"line": row.line, "outcome": row.outcome, "reason": row.reason}
        write(comma + json.dumps(entry, ensure_ascii=False))
        comma = ",\n    "
    write(f'\n  ],\n  "notes": {json.dumps(reading.notes, ensure_ascii=False)}\n}}\n')
    sys.stdout.flush()


def tell(reading: Reading, name: str, *, stored: bool, report: Path | None) -> None:
    """The rows that need somebody's eye, the remarks, and the sum of it."""
    from subscribers.tally import OUTCOMES

    seen = 0
    for row in reading.reports([one for one in OUTCOMES if one not in _QUIET]):
        seen += 1
        if seen <= _SHOWN:
            style = "red" if row.outcome == "broken" else "yellow"
            say(f"{name}:{row.line}: {_worded(row.outcome)}: {row.reason}", style)
    if seen > _SHOWN:
        where = f"all are in {report}" if report else "--report FILE writes all of them"
        say(f"… and {counted(seen - _SHOWN, 'more such row')}; {where}")
    for remark in reading.notes:
        say(f"  · {remark}")
    counts = reading.tally.counts()
    sums = ", ".join(f"{count:,} {_worded(one)}" for one, count in counts.items() if count)
    kept = "" if stored else "  Nothing was stored: this was a dry run."
    say(f"{counted(len(reading.tally), 'row')}: {sums or 'nothing to take'}.{kept}")


def _worded(outcome: str) -> str:
    return outcome.replace("_", " ")
