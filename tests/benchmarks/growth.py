"""What it costs when an issue has ten times the readers, and ten times again.

`python -m tests.benchmarks growth [MOST]`: 10,000 and 100,000 recipients of 46 kB, on SQLite and
PostgreSQL, and as many as MOST says (1000000). For each size: how long the audience takes to be
written down, what a message costs, how much memory a worker needs, how long `status` takes while
it sends, and how long the last message leaves after somebody pressed pause.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from newsletter.app import Services
from newsletter.cli.standing import of_issue
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.delivery import pausing
from newsletter.delivery.launching import launch
from newsletter.delivery.ledger import ledger
from newsletter.editorial.models import Issue
from tests.benchmarks.figures import Figure, at_most
from tests.benchmarks.issues_made import approved, enrol, installation, over_smtp
from tests.benchmarks.sinks import FastSink, fast_sink
from tests.benchmarks.whole_way import SIZE, Child

SIZES = (10_000, 100_000)
_FROZEN = {"sqlite": 2.0, "postgresql": 3.0}
"""Seconds for a million; a tenth of them for a tenth."""
_PAUSED = 1.0
_SHOWN_MS = 50.0


@dataclass(frozen=True, slots=True)
class Grown:
    """One size on one database."""

    recipients: int
    frozen: float
    status_ms: float
    paused: float
    cost: float
    rate: float
    peak: float


def measure(most: int = SIZES[-1]) -> list[Figure]:
    """Both databases over all sizes up to the largest."""
    sizes = sorted({*(size for size in SIZES if size < most), most})
    found = []
    for kind in ("sqlite", "postgresql"):
        grown = [_of_size(kind, size) for size in sizes]
        for one in grown:
            found += _told(kind, one)
        found += _compared(kind, grown[0], grown[-1])
    return found


def _told(kind: str, one: Grown) -> list[Figure]:
    name = f"{one.recipients:,} on {kind}"
    # A launch has a fixed part; what is promised for a million is asked of less than that too.
    limit = _FROZEN[kind] * max(0.1, one.recipients / 1_000_000)
    return [
        at_most(f"{name}: audience written down", one.frozen, limit, "s"),
        at_most(f"{name}: status while it sends", one.status_ms, _SHOWN_MS, "ms"),
        at_most(f"{name}: pause", one.paused, _PAUSED, "s"),
        at_most(f"{name}: memory of a worker", one.peak, 90, "MB"),
        Figure(f"{name}: processor", f"{one.cost:.3f} ms/message, {one.rate:,.0f}/s"),
    ]


def _compared(kind: str, small: Grown, large: Grown) -> list[Figure]:
    times = large.recipients / small.recipients
    ratio = large.cost / small.cost
    exponent = 1 + math.log(ratio) / math.log(times) if times > 1 else 1.0
    name = f"{kind}, {small.recipients:,} → {large.recipients:,}"
    return [
        at_most(f"{name}: cost of a message", ratio, 1.2, "×"),
        at_most(f"{name}: exponent of the cost", exponent, 1.05, ""),
    ]


def _of_size(kind: str, recipients: int) -> Grown:
    """Launched, begun, looked at, paused, and then sent to the end by another worker."""
    with ExitStack() as held:
        sink = held.enter_context(fast_sink())
        services = held.enter_context(installation(kind, **over_smtp(sink.port)))
        issue_id = approved(services, SIZE)
        enrol(services, recipients)
        start = time.perf_counter()
        with writing(services.engine) as session:
            launch(session, session.get_one(Issue, issue_id), now())
        frozen = time.perf_counter() - start
        with _working(services) as first:
            _wait_until(sink, recipients // 10)
            status_ms = _status_ms(services, issue_id)
            paused = _pause(services, sink, issue_id)
            first.stop()
        before = sink.taken()
        _resume(services, issue_id)
        child = Child(services)
        start = time.perf_counter()
        child.go()
        result = child.result()
        seconds = time.perf_counter() - start
        left = sink.taken() - before
        with reading(services.engine) as session:
            found = ledger(session, issue_id)
        assert found.submitted == sink.taken() == recipients, found
    cost, rate = result["cpu"] / left * 1000, left / seconds
    return Grown(recipients, frozen, status_ms, paused, cost, rate, result["peak"])


@contextmanager
def _working(services: Services) -> Iterator[Child]:
    child = Child(services)
    child.go()
    yield child
    child.result()


def _wait_until(sink: FastSink, taken: int) -> None:
    while sink.taken() < taken:
        time.sleep(0.02)


def _status_ms(services: Services, issue_id: int) -> float:
    """The median of several looks, as the command makes them, without the start of the command."""
    taken = []
    for _ in range(9):
        start = time.perf_counter()
        with reading(services.engine) as session:
            issue = session.get_one(Issue, issue_id)
            of_issue(session, services, issue.publication, issue)
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def _pause(services: Services, sink: FastSink, issue_id: int) -> float:
    """Seconds from the word to the last message that the sink took."""
    start = time.perf_counter()
    with writing(services.engine) as session:
        pausing.pause(session, session.get_one(Issue, issue_id), "to see how long it takes", now())
    taken, last = sink.taken(), time.perf_counter()
    while time.perf_counter() - last < 1.5:
        time.sleep(0.01)
        if (more := sink.taken()) != taken:
            taken, last = more, time.perf_counter()
    return last - start


def _resume(services: Services, issue_id: int) -> None:
    with writing(services.engine) as session:
        pausing.resume(session, session.get_one(Issue, issue_id), now())
