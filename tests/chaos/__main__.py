"""`make chaos`: see the card of this room."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from tests.chaos import calamities, hosts, planted, schedulers
from tests.chaos.calamities import Scene, Theatre
from tests.chaos.companions import Nursery, SinkProcess
from tests.chaos.homes import Template
from tests.chaos.hosts import a_bad_day
from tests.chaos.kills import Rounds, Tally
from tests.chaos.machine import CannotHere
from tests.postgres import running_server


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def kills(wanted: argparse.Namespace, base: Path) -> bool:
    """Rounds of kills on each database; True when every promise was kept."""
    clean = True
    for kind in wanted.databases:
        with stage(kind, base, wanted.readers) as theatre:
            rounds = Rounds(
                theatre.template, theatre.sink, theatre.nursery, theatre.base, wanted.seed
            )
            numbers = range(wanted.first, wanted.first + wanted.rounds)
            tally = Tally()
            try:
                rounds.run(numbers, tally, lambda text: say(f"  VIOLATION {text}"))
            finally:
                say(f"kills, {kind}, {wanted.readers} readers: {tally}")
            clean = clean and not tally.faults
    return clean


def befallen(wanted: argparse.Namespace, base: Path) -> bool:
    """Each calamity on each database it can befall."""
    clean = True
    for kind in wanted.databases:
        scenes = calamities.ON_A_SERVER if kind == "postgresql" else calamities.ON_A_FILE
        with stage(kind, base, wanted.readers) as theatre:
            for name, scene in scenes.items():
                if wanted.only in name:
                    clean = _played(f"{name}, {kind}", partial(scene, theatre)) and clean
            if kind == "postgresql" and wanted.only in "two schedulers":
                for number in range(3):
                    scene = partial(schedulers.doubled, theatre, wanted.seed, number)
                    clean = _played("two schedulers", scene) and clean
    return clean


def _played(name: str, scene: Callable[[], Scene]) -> bool:
    began = time.monotonic()
    try:
        done = scene()
    except CannotHere as err:
        say(f"{name}: SKIPPED, {err}")
        return True
    except TimeoutError as err:
        say(f"  VIOLATION {name}: {err}")
        return False
    for fault in done.faults:
        say(f"  VIOLATION {name}: {fault}")
    found = done.verdict
    assert found
    say(
        f"{name}: {found.kept} of {found.readers} kept, lost {len(found.lost)}, doubled "
        f"{len(found.doubled)}, unknown {found.unknown} ({found.unknown_kept} had arrived), "
        f"{done.restarts} restarts, {time.monotonic() - began:.1f} s"
    )
    return not done.faults


def on_hosts(wanted: argparse.Namespace, base: Path) -> bool:
    """Several workers on hosts of their own, twice."""
    clean = True
    try:
        with hosts.town(base, wanted.readers) as town:
            for name, back in (("back in mid-send", 0.7), ("back when all is over", None)):
                clean = _played(f"three hosts, {name}", partial(a_bad_day, town, back)) and clean
    except CannotHere as err:
        say(f"three hosts: SKIPPED, {err}")
    return clean


def see_planted(wanted: argparse.Namespace, base: Path) -> bool:
    """Whether faults that are put in are found."""
    clean = True
    for number, fault in enumerate(planted.FAULTS):
        seen, said = planted.is_seen(fault, base / str(number), wanted.seed)
        say(f"planted: {fault.name}: {'found' if seen else 'NOT FOUND'}: {said}")
        clean = clean and seen
    return clean


@contextmanager
def stage(kind: str, base: Path, readers: int) -> Iterator[Theatre]:
    """Receiver, workers and a template on one database."""
    with ExitStack() as stack:
        server = stack.enter_context(running_server()) if kind == "postgresql" else None
        sink = stack.enter_context(SinkProcess())
        nursery = stack.enter_context(Nursery())
        template = Template(base, readers, server.url if server else None)
        yield Theatre(base, sink, nursery, template, server)


PARTS = {"kills": kills, "calamities": befallen, "hosts": on_hosts, "planted": see_planted}


def main() -> int:
    """1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("part", choices=[*PARTS, "all"], nargs="?", default="all")
    parser.add_argument("--database", choices=["sqlite", "postgresql"])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first round")
    parser.add_argument("--readers", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", default="", help="a part of a calamity's name")
    wanted = parser.parse_args()
    wanted.seed = secrets.randbelow(1_000_000) if wanted.seed is None else wanted.seed
    wanted.databases = [wanted.database] if wanted.database else ["sqlite", "postgresql"]
    say(f"seed {wanted.seed}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    base = Path(tempfile.mkdtemp(prefix="newsletter-chaos-"))
    base.chmod(0o755)  # a database server of another user lives in it
    clean = True
    for name, part in PARTS.items():
        if wanted.part in (name, "all"):
            clean = part(wanted, base / name) and clean
    say("every promise was kept" if clean else f"PROMISES WERE BROKEN; see {base}")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
