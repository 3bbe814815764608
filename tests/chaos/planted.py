"""Would these proofs see a fault? One line at a time is made wrong, in a copy of the program, and
the kills must say what is wrong with it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.companions import CODE

_COPIED = ("newsletter", "subscribers", "templates", "config", "tests", "pyproject.toml")
_DELIVERY = Path("newsletter/delivery")


@dataclass(frozen=True)
class Fault:
    """`old` becomes `new` in one file; the proofs must then say `seen`."""

    name: str
    file: Path
    old: str
    new: str
    seen: str


FAULTS = (
    Fault(
        "the recorder is told after the body instead of before",
        _DELIVERY / "turns.py",
        "        self._strip.leaving(number)\n",
        "",
        "doubled",
    ),
    Fault(
        "the mark is not moved before the messages leave",
        _DELIVERY / "groups.py",
        "    mark = max([asked.mark, *(one.delivery_id for one in ready)])\n",
        "    mark = asked.mark\n",
        "doubled",
    ),
    Fault(
        "what may have left is planned again",
        _DELIVERY / "recovering.py",
        "        case Noted.LEAVING:\n            return State.UNKNOWN\n",
        "        case Noted.LEAVING:\n            return State.PLANNED\n",
        "doubled",
    ),
    Fault(
        "what never left is believed to have arrived",
        _DELIVERY / "recovering.py",
        "        case _:\n            return State.PLANNED\n",
        "        case _:\n            return State.SUBMITTED\n",
        "lost",
    ),
    Fault(
        "the recorder is not believed",
        _DELIVERY / "recovering.py",
        "    if noted is None:\n",
        "    if noted or not noted:\n",
        "flew",
    ),
)


def plant(fault: Fault, base: Path) -> Path:
    """A copy of the program with this fault in it; ValueError when its line is no more."""
    for name in _COPIED:
        source = CODE / name
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, base / name)
    file = base / fault.file
    text = file.read_text(encoding="utf-8")
    if text.count(fault.old) != 1:
        raise ValueError(f"'{fault.name}' cannot be planted any more: look at {fault.file}")
    file.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
    return base


def is_seen(fault: Fault, base: Path, seed: int, rounds: int = 10) -> tuple[bool, str]:
    """Whether the kills find it, and the first thing they say."""
    base.mkdir(parents=True)
    code = plant(fault, base)
    words = ["kills", "--database", "sqlite", "--readers", "400"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *words, f"--rounds={rounds}", f"--seed={seed}"],
        cwd=code,
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stdout.splitlines() if "VIOLATION" in line]
    found = [line for line in said if fault.seen in line]
    shutil.rmtree(base)
    if done.returncode == 1 and found:
        return True, f"{len(said)} violations, such as: {found[0].split('VIOLATION')[1].strip()}"
    return False, (said or [done.stderr[-500:] or "nothing was said"])[0]
