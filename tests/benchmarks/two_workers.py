"""Two worker processes on PostgreSQL against one, to a sink that is not the limit.

`python -m tests.benchmarks two_workers [MESSAGES]`
"""

from __future__ import annotations

import statistics
from functools import partial

from newsletter.app import Services
from tests.benchmarks.figures import Figure, at_least, interleaved, ratio
from tests.benchmarks.sinks import fast_sink
from tests.benchmarks.whole_way import ready, send

MESSAGES = 30_000
_CONNECTIONS = 10
"""Of each worker."""


def measure(messages: int = MESSAGES, rounds: int = 3) -> list[Figure]:
    """Interleaved rounds of one worker and of two."""
    with (
        fast_sink() as sink,
        ready("postgresql", sink.port, messages, _CONNECTIONS) as services,
    ):
        deeds = {f"{n}": partial(_rate, services, n) for n in (1, 2)}
        rates = interleaved(deeds, rounds)
        assert sink.taken() == 2 * rounds * messages
    found = [Figure(f"{n} workers", f"{statistics.median(rates[n]):,.0f}/s") for n in rates]
    return [*found, at_least("two workers to one", ratio(rates["2"], rates["1"]), 1.6)]


def _rate(services: Services, workers: int) -> float:
    return send(services, workers=workers).rate
