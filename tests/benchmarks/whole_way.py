"""The whole way of an issue, durable: launched, claimed, made, handed over, written down.

`python -m tests.benchmarks whole_way [MESSAGES]`: 46 kB, 20 connections, to Postfix's smtp-sink,
on SQLite and PostgreSQL, in rounds with Postfix's own smtp-source; and once to a faster sink.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import IO

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.delivery.launching import launch
from newsletter.delivery.ledger import ledger
from newsletter.editorial.models import Issue
from tests.benchmarks.figures import Figure, at_least, at_most, interleaved, ratio
from tests.benchmarks.issues_made import approved, enrol, installation, over_smtp
from tests.benchmarks.sinks import fast_sink, smtp_sink, smtp_source

MESSAGES = 20_000
SIZE = 46_000
CONNECTIONS = 20
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Sent:
    """How one issue went out."""

    messages: int
    seconds: float
    cpu: float
    peak: float

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def cost(self) -> float:
        """Milliseconds of processor for a message, in all workers together."""
        return self.cpu / self.messages * 1000


class Child:
    """A worker process that waits for its word."""

    def __init__(self, services: Services, profile: str = "") -> None:
        words = [sys.executable, "-m", "tests.benchmarks.worker_child", str(services.settings.home)]
        self._process = subprocess.Popen(
            [*words, *([profile] if profile else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answers.readline() == "ready\n"

    @property
    def _answers(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    def go(self) -> None:
        """Begin to work."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def stop(self) -> None:
        """Ask it to end politely."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def result(self) -> dict[str, float]:
        """Waits until no issue is being sent any more."""
        found: dict[str, float] = json.loads(self._answers.readline())
        self._process.wait(60)
        self._answers.close()
        return found


def send(services: Services, *, workers: int = 1, profile: str = "") -> Sent:
    """A new issue to all readers; from the launch until every worker has ended."""
    issue_id = approved(services, SIZE)
    children = [Child(services, profile) for _ in range(workers)]
    start, used = time.perf_counter(), time.process_time()
    with writing(services.engine) as session:
        launch(session, session.get_one(Issue, issue_id), now())
    launched = time.process_time() - used
    for child in children:
        child.go()
    results = [child.result() for child in children]
    seconds = time.perf_counter() - start
    messages = _submitted(services, issue_id)
    cpu = sum(result["cpu"] for result in results) + launched
    return Sent(messages, seconds, cpu, max(result["peak"] for result in results))


def _submitted(services: Services, issue_id: int) -> int:
    """All of them, or this measured something else."""
    with reading(services.engine) as session:
        found = ledger(session, issue_id)
    assert found.balanced
    assert found.submitted == found.audience > 0, found
    return found.submitted


@contextmanager
def ready(kind: str, port: int, readers: int, connections: int = CONNECTIONS) -> Iterator[Services]:
    """An installation with readers that sends to this port."""
    with installation(kind, **over_smtp(port, connections)) as services:
        approved(services, SIZE)
        enrol(services, readers)
        yield services


def measure(messages: int = MESSAGES, rounds: int = _ROUNDS) -> list[Figure]:
    """Both databases against smtp-source in every round, then to the fast sink."""
    with ExitStack() as held:
        port = held.enter_context(smtp_sink())
        sides = {k: held.enter_context(ready(k, port, messages)) for k in ("sqlite", "postgresql")}
        sent: dict[str, list[Sent]] = {kind: [] for kind in sides}

        def rate(kind: str) -> float:
            sent[kind].append(send(sides[kind]))
            return sent[kind][-1].rate

        deeds = {kind: partial(rate, kind) for kind in sides}
        source = partial(smtp_source, port, messages, SIZE, CONNECTIONS)
        rates = interleaved({"smtp-source": source, **deeds}, rounds)
    found = [Figure("smtp-source", f"{statistics.median(rates['smtp-source']):,.0f}/s")]
    for kind, runs in sent.items():
        found += _figures(kind, runs, ratio(rates[kind], rates["smtp-source"]))
    return found + _fast(messages)


def _figures(kind: str, runs: Sequence[Sent], times: float) -> list[Figure]:
    name = f"whole way, {kind}"
    return [
        Figure(name, f"{statistics.median(run.rate for run in runs):,.0f}/s"),
        at_least(f"{name}, to smtp-source", times, 1.0),
        at_most(f"{name}, processor", statistics.median(r.cost for r in runs), 0.12, "ms/message"),
        at_most(f"{name}, memory", max(run.peak for run in runs), 90, "MB"),
    ]


def _fast(messages: int) -> list[Figure]:
    found = []
    with fast_sink() as sink:
        for kind in ("sqlite", "postgresql"):
            with ready(kind, sink.port, messages) as services:
                run = send(services)
            text = f"{run.rate:,.0f}/s, {run.cost:.3f} ms/message"
            found.append(Figure(f"whole way, {kind}, fast sink", text))
        assert sink.taken() == 2 * messages
    return found
