"""Kill -9 at random instants, again and again; each round is then finished by a fresh process."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.companions import Nursery, SinkProcess
from tests.chaos.homes import CONNECTIONS, Home, Template, keep, sql
from tests.chaos.verdict import Verdict, equation, judge
from tests.chaos.weather import ROUGH

_STAGES = ("begun", "kept", "answered")
_ROUGH_EVERY = 5
"""In every so-manieth round the receiver misbehaves too."""

_HURRY = (
    "UPDATE deliveries SET not_before_at = changed_at WHERE state = 'planned'"
    " AND not_before_at > changed_at AND EXISTS (SELECT 1 FROM chunks WHERE chunks.state = 'open'"
    " AND deliveries.id BETWEEN chunks.first_id AND chunks.last_id)",
    "UPDATE chunks SET not_before_at = changed_at WHERE state = 'open'"
    " AND not_before_at > changed_at",
)
"""Hours pass: what waits for a better moment is due."""


@dataclass(frozen=True)
class Kill:
    """When a worker dies: at a message, or so many seconds after it began to live."""

    nth: int
    stage: str
    delay: float
    after: float | None = None


@dataclass
class Tally:
    """What came of many rounds."""

    rounds: int = 0
    kills: int = 0
    """That struck: a worker may be done before its moment comes."""
    kept: int = 0
    lost: int = 0
    doubled: int = 0
    unknown: int = 0
    unknown_kept: int = 0
    unanswered: int = 0
    most_unknown: int = 0
    """The most doubts that one kill left, on average over its round."""
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def add(self, verdict: Verdict, kills: int) -> None:
        """One more round."""
        self.rounds += 1
        self.kills += kills
        self.kept += verdict.kept
        self.lost += len(verdict.lost)
        self.doubled += len(verdict.doubled)
        self.unknown += verdict.unknown
        self.unknown_kept += verdict.unknown_kept
        self.unanswered += verdict.unanswered
        self.most_unknown = max(self.most_unknown, verdict.unknown - verdict.unanswered)

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds, {self.kills} kills, {self.kept} messages: lost {self.lost}, "
            f"doubled {self.doubled}, unknown {self.unknown} (of which {self.unknown_kept} had "
            f"arrived; {self.unanswered} by the receiver's own silence; at most "
            f"{self.most_unknown} by the kills of one round), {self._pace:.1f} s a round"
        )

    @property
    def _pace(self) -> float:
        return self.seconds / max(1, self.rounds)


def plan(seed: int, kind: str, number: int, readers: int) -> list[Kill]:
    """The kills of one round, the same for the same seed."""
    draw = random.Random(f"{seed} {kind} {number}")
    kills = []
    reached = 0
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        reached = draw.randint(reached + 1, max(reached + 1, readers - 1))
        after = draw.uniform(0.0, 0.6) if draw.random() < 0.15 else None
        delay = draw.choice((0.0, draw.uniform(0, 0.05)))
        kills.append(Kill(reached, draw.choice(_STAGES), delay, after))
    return kills


class Rounds:
    """One sink, one nursery, one template, and round after round."""

    def __init__(
        self, template: Template, sink: SinkProcess, nursery: Nursery, logs: Path, seed: int
    ) -> None:
        self._template = template
        self._sink = sink
        self._nursery = nursery
        self._logs = logs
        self._seed = seed

    def run(self, numbers: range, tally: Tally, told: Callable[[str], None]) -> None:
        """All of them; faults are told at once, with what brings them back."""
        began = time.monotonic()
        for number in numbers:
            for fault in self._round(number, tally):
                again = f"--seed {self._seed} --database {self._template.kind} --first {number}"
                tally.faults.append(f"round {number}: {fault}   ({again} --rounds 1)")
                told(tally.faults[-1])
            tally.seconds = time.monotonic() - began

    def _round(self, number: int, tally: Tally) -> list[str]:
        rough = number % _ROUGH_EVERY == _ROUGH_EVERY - 1
        log = self._logs / f"{self._template.kind}-{number}.txt"
        self._sink.begin(log, ROUGH if rough else None, f"{self._seed} {number}")
        faults: list[str] = []
        with self._template.home(self._sink.host, self._sink.port) as home:
            kills = plan(self._seed, self._template.kind, number, self._template.readers)
            struck = sum(self._strike(home, kill, faults) for kill in kills)
            self._finish(home, faults, rough=rough)
            verdict = judge(home, log)
            tally.add(verdict, struck)
            faults += verdict.faults(unknown_at_most=CONNECTIONS * struck)
            if faults:
                keep(home)
            else:
                log.unlink()
        return faults

    def _strike(self, home: Home, kill: Kill, faults: list[str]) -> bool:
        worker = self._nursery.worker(home.path)
        self._sink.disarm()
        if kill.after is None:
            self._sink.trap(kill.nth, worker, stage=kill.stage, delay=kill.delay)
            code = self._over(worker, home)
        else:
            code = self._killed_after(worker, kill.after)
        if code not in (0, -signal.SIGKILL):
            faults.append(f"a worker ended with {code}: {home.says('said.txt')}")
        said = equation(home)
        if said:
            faults.append(said)
        return code == -signal.SIGKILL

    def _killed_after(self, worker: int, seconds: float) -> int:
        time.sleep(seconds)
        code = self._nursery.is_over(worker)
        if code is None:
            os.kill(worker, signal.SIGKILL)
            code = self._nursery.ended(worker)
        return code

    def _over(self, worker: int, home: Home) -> int:
        """Its end; in rough weather time has to pass for what was put off."""
        for _ in range(300):
            try:
                return self._nursery.ended(worker, 0.3)
            except TimeoutError:
                sql(home, *_HURRY)
        raise TimeoutError(f"worker {worker} does not end: {home.says()}")

    def _finish(self, home: Home, faults: list[str], *, rough: bool) -> None:
        self._sink.disarm()
        code = self._over(self._nursery.worker(home.path), home)
        if code != 0:
            faults.append(f"the last worker ended with {code}: {home.says('said.txt')}")
