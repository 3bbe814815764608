"""Addresses sealed, opened and found a second on one core, and a rotation of many.

`python -m tests.benchmarks.sealing [HOW_MANY] [postgresql]`: figures to compare on one machine,
never a test.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from newsletter.app import Services, initialise
from newsletter.core.clock import now
from newsletter.core.sealing import Sealer
from subscribers import resealing
from tests import postgres
from tests.benchmarks.readers_found import fill
from tests.conftest import fresh_database

ADDRESSES = 100_000
WANTED = 100_000


def rates(sealer: Sealer, number: int = ADDRESSES, rounds: int = 5) -> dict[str, float]:
    """Addresses a second, the best of several rounds: batches of 1,000, hashes one by one."""
    texts = [f"reader{one}@example.org" for one in range(number)]
    sealed = sealer.seal_many(texts)
    return {
        "sealed": number / _best(lambda: _in_batches(sealer.seal_many, texts), rounds),
        "opened": number / _best(lambda: _in_batches(sealer.open_many, sealed), rounds),
        "blind index": number / _best(lambda: list(map(sealer.blind_index, texts)), rounds),
    }


def _in_batches(deed: Callable[[Sequence[str]], object] | Callable[[Sequence[bytes]], object],
                values: Sequence[object]) -> None:  # fmt: skip
    for start in range(0, len(values), 1000):
        deed(values[start : start + 1000])  # type: ignore[arg-type]


def _best(deed: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        deed()
        taken.append(time.perf_counter() - start)
    return min(taken)


def rotation(services: Services, number: int) -> float:
    """Seconds in which so many addresses went over to a new key."""
    fill(services, number)
    start = time.perf_counter()
    done = resealing.rotate(
        services.engine, services.chain, services.sealer, how="benchmark", now=now()
    )
    assert done.addresses == number
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    words = sys.argv[1:]
    number = next((int(word) for word in words if word.isdecimal()), 100_000)
    with ExitStack() as held:
        home = Path(held.enter_context(tempfile.TemporaryDirectory())) / "home"
        overrides: dict[str, dict[str, object]] = {"delivery": {"provider": "memory"}}
        if "postgresql" in words:
            server = held.enter_context(postgres.cluster())
            overrides["database"] = {"url": held.enter_context(fresh_database(server))}
        services = initialise(home, overrides)
        held.callback(services.close)
        for name, rate in rates(services.sealer).items():
            sys.stdout.write(f"{name}: {rate:,.0f} a second (wanted {WANTED:,})\n")
        taken = rotation(services, number)
        sys.stdout.write(f"rotation of {number:,}: {taken:.1f} s on {services.engine.name}\n")


if __name__ == "__main__":
    main()
