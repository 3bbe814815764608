"""All judges, or those named: `python -m tests.judges [names]`; ends with 1 when one disagrees.

A judge that is not there fails, unless UNAVAILABLE names it with the reason.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.judges import lab
from tests.judges.bench import PICTURES, Bench, CannotJudge
from tests.judges.roll import JUDGES, UNAVAILABLE
from tests.judges.ruling import Judge, Ruling


def main() -> int:
    """Hear every judge; print what each says."""
    wanted = sys.argv[1:] or list(JUDGES)
    if unknown := set(wanted) - set(JUDGES):
        _say(f"There is no judge {', '.join(sorted(unknown))}; there are: {', '.join(JUDGES)}")
        return 2
    lab.enter()
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="judges-") as scratch:
        Path(scratch).chmod(0o755)
        bench = Bench(Path(scratch))
        _say(f"{len(bench.samples)} messages: " + ", ".join(s.name for s in bench.samples))
        with lab.network(Path(scratch), bench.zone):
            heard = {name: _hear(name, JUDGES[name], bench) for name in wanted}
    failed = [name for name, good in heard.items() if not good]
    _say(f"Pictures to look at: {PICTURES}")
    _say(f"{len(heard) - len(failed)} of {len(heard)} judges agree" + _list(failed))
    return 1 if failed else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _list(failed: list[str]) -> str:
    return f"; not {', '.join(failed)}" if failed else ""


def _hear(name: str, judge: Judge, bench: Bench) -> bool:
    start = time.monotonic()
    try:
        ruling = judge(bench)
    except CannotJudge as err:
        reason = UNAVAILABLE.get(name)
        _say(f"{'LEFT OUT' if reason else 'MISSING '} {name}: {reason or err}")
        return bool(reason)
    _say(_line(name, ruling, time.monotonic() - start))
    for fault in ruling.faults[:20]:
        _say(f"           {fault}")
    if len(ruling.faults) > 20:
        _say(f"           … and {len(ruling.faults) - 20} more")
    return ruling.stands


def _line(name: str, ruling: Ruling, seconds: float) -> str:
    bad = f"refused ({ruling.refused[:90]})" if ruling.refused else "NOT REFUSED"
    ours = f"{len(ruling.faults)} faults" if ruling.faults else "passed"
    verdict = "agrees  " if ruling.stands else "DISAGREES"
    return (
        f"{verdict} {name} {ruling.version}: bad sample {bad}; ours {ours}"
        + (f"; {ruling.figures}" if ruling.figures else "")
        + f" [{seconds:.1f} s]"
    )


if __name__ == "__main__":
    sys.exit(main())
