"""A list of readers taken in by the command: time, time of the processor, and memory.

`python -m tests.benchmarks.list_import [ROWS] [--again]` for one of another length, such as
1000000 (wanted: under 60 s and 200 MB on SQLite), and the same list once more.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Found:
    """What one run of the command took."""

    seconds: float
    processor: float
    megabytes: float


def write_list(path: Path, rows: int) -> Path:
    """So many made-up readers, in no order, with a name that is not taken."""
    chance = random.Random(7)
    domains = ("example.org", "mail.example.com", "post.example.net")
    with path.open("w", encoding="utf-8") as file:
        file.write("Email,Language,Name\n")
        for row in range(rows):
            local = f"reader.{chance.randrange(10**9)}.{row}"
            edition = chance.choice(("en", "my", "both", ""))
            file.write(f"{local}@{chance.choice(domains)},{edition},Name {row}\n")
    return path


def measure(base: Path, rows: int = ROWS, *, again: bool = False) -> list[Found]:
    """Import into an empty installation on SQLite, and perhaps the same once more."""
    home = base / f"lists-{rows}"
    _run(home, "init", "--yes")
    file = write_list(base / f"list-{rows}.csv", rows)
    return [_run(home, "subscribers", "import", str(file)) for _ in range(2 if again else 1)]


def _run(home: Path, *words: str) -> Found:
    command = [sys.executable, "-m", "newsletter", "--home", str(home), *words]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"'newsletter {' '.join(words)}' ended with {process.returncode}")
    seconds = time.perf_counter() - start
    return Found(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000)


def main() -> None:
    """Measure and print."""
    rows = next((int(word) for word in sys.argv[1:] if word.isdecimal()), ROWS)
    with tempfile.TemporaryDirectory() as name:
        for run, found in enumerate(measure(Path(name), rows, again="--again" in sys.argv), 1):
            print(  # noqa: T201
                f"run {run}, {rows:,} rows: {found.seconds:.1f} s, {found.processor:.1f} s of the "
                f"processor, {found.megabytes:.0f} MB"
            )


if __name__ == "__main__":
    main()
