"""`make bench`: one table of figures. To compare within one run on one machine, never a test.

`python -m tests.benchmarks [PART …] [NUMBER]` runs some parts only: desk, theme, splice,
dkim_speed, sign_up_page, wire, whole_way, two_workers, growth. A number is how many messages or
recipients the last ones take instead of their own (`growth 1000000`).
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tests.benchmarks import sign_up_page
from tests.benchmarks.figures import Figure

PARTS = (
    *("desk", "theme", "splice", "dkim_speed", "sign_up_page"),
    *("wire", "whole_way", "two_workers", "growth"),
)
_SIZED = {"whole_way", "two_workers", "growth"}


def main(words: Sequence[str]) -> int:
    """Measure and print; 2 when a word is none of the parts."""
    numbers = [int(word) for word in words if word.isdecimal()]
    chosen = [word for word in words if not word.isdecimal()] or list(PARTS)
    if unknown := [word for word in chosen if word not in PARTS]:
        sys.stderr.write(f"there is no part '{unknown[0]}'; there are {', '.join(PARTS)}\n")
        return 2
    table = Table("what", "found", "wanted", "", title=f"{os.cpu_count()} cores, {sys.version[:6]}")
    for part in chosen:
        for figure in _found(part, numbers):
            mark = {True: "yes", False: "NO", None: ""}[figure.met]
            table.add_row(figure.what, figure.found, figure.wanted, mark)
        table.add_section()
    Console().print(table)
    return 0


def _found(part: str, numbers: Sequence[int]) -> list[Figure]:
    if part == "sign_up_page":
        return _sign_up_page()
    measure = importlib.import_module(f"tests.benchmarks.{part}").measure
    found: list[Figure] = measure(*numbers[:1]) if part in _SIZED else measure()
    return found


def _sign_up_page() -> list[Figure]:
    return [
        Figure(
            f"sign-up page, {sign_up_page.CLIENTS} clients, {one.pattern}: p99",
            f"{one.p99:.1f} ms",
            one.wanted,
            one.p99 < 50 if one.wanted else None,
        )
        for one in sign_up_page.measure()
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
