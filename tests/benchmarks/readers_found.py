"""Finding, listing, counting and exporting among many readers, on SQLite and on PostgreSQL.

`python -m tests.benchmarks.readers_found [HOW_MANY] [postgresql]`: figures to compare on one
machine, never a test. Memory is what this process took beyond its start, at its highest.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from newsletter.app import Services, initialise
from newsletter.core.db import reading, writing
from newsletter.editorial import publications
from subscribers import exporting, growth, listing, story
from subscribers.listing import Wanted
from subscribers.models import Consent, Subscriber, Subscription
from tests import postgres
from tests.benchmarks.memory import forget_peak, megabytes
from tests.conftest import fresh_database

START = datetime(2024, 1, 1, 3, 0, tzinfo=UTC)
EDITIONS = ("en", "my", "en+my")
_BATCH = 20_000


def fill(services: Services, number: int) -> None:
    """So many active readers, who came over two years."""
    with writing(services.engine) as session:
        publications.create(session, publications.default(), now=START)
    numbers = iter(range(1, number + 1))
    while batch := list(islice(numbers, _BATCH)):
        texts = [f"reader{n}@example.org" for n in batch]
        sealed = services.sealer.seal_many(texts)
        came = [START + timedelta(seconds=n * 63_000_000 // number) for n in batch]
        people, held, proofs = [], [], []
        for n, text, value, at in zip(batch, texts, sealed, came, strict=True):
            index = services.sealer.blind_index(text)
            people.append(_row(id=n, public_id=UUID(int=n), sealed_address=value,
                               seal_key_id=services.sealer.key_id, address_index=index,
                               created_at=at))  # fmt: skip
            held.append(_row(id=n, subscriber_id=n, publication_id=1, state="active",
                             edition=EDITIONS[n % 3], created_at=at, text_only=False))  # fmt: skip
            proofs.append(_row(subscription_id=n, kind="given", how="import",
                               wording="a list of 2024", at=at))  # fmt: skip
        with writing(services.engine) as session:
            for table, rows in ((Subscriber, people), (Subscription, held), (Consent, proofs)):
                session.execute(insert(table), rows)


def _row(**values: Any) -> dict[str, Any]:
    return values


def look_up(services: Services, number: int) -> tuple[float, float]:
    """Median and slowest of 500 look-ups of one address, in milliseconds."""
    taken = []
    for n in random.Random(7).choices(range(1, number + 1), k=500):
        start = time.perf_counter()
        with reading(services.engine) as session:
            found = story.find(session, services.sealer, f"Reader{n}@Example.org")
        taken.append((time.perf_counter() - start) * 1000)
        assert found.person
        assert found.person.subscriber_id == n
    return statistics.median(taken), max(taken)


def deeds(services: Services, number: int) -> Iterator[tuple[str, Callable[[Any], object]]]:
    """What an editor asks of a whole list."""
    now = START + timedelta(days=800)
    before = START + timedelta(days=365)
    yield "count by state and edition", lambda s: listing.census(s, 1)
    yield "first 20 of the list", lambda s: list(listing.rows(s, Wanted(1), 20))
    yield "first 20 active", lambda s: list(listing.rows(s, Wanted(1, state="active"), 20))
    yield "count those of old consent", lambda s: listing.count(s, Wanted(1, consent_before=before))
    yield "growth by week", lambda s: growth.growth(s, 1, by="week", zone=UTC, now=now)
    yield "whole list, streamed", lambda s: sum(1 for _ in listing.rows(s, Wanted(1)))
    yield "export as CSV", lambda s: sum(map(len, exporting.lines(s, services.sealer, Wanted(1))))


@contextmanager
def installation(words: Sequence[str]) -> Iterator[tuple[Services, int]]:
    """A new one with as many readers as the words of the command line say."""
    number = next((int(word) for word in words if word.isdecimal()), 1_000_000)
    with ExitStack() as held:
        home = Path(held.enter_context(tempfile.TemporaryDirectory())) / "home"
        overrides: dict[str, dict[str, object]] = {"delivery": {"provider": "memory"}}
        if "postgresql" in words:
            server = held.enter_context(postgres.cluster())
            overrides["database"] = {"url": held.enter_context(fresh_database(server))}
        services = initialise(home, overrides)
        held.callback(services.close)
        start = time.perf_counter()
        fill(services, number)
        say(f"{number} readers filled in {time.perf_counter() - start:.0f} s (pid {os.getpid()})")
        yield services, number


def timed(
    services: Services, name: str, deed: Callable[[Any], object], *, write: bool = False
) -> object:
    """Do it in a transaction of its own; print how long it took and how much memory it needed."""
    before, start = forget_peak(), time.perf_counter()
    with (writing if write else reading)(services.engine) as session:
        result = deed(session)
    taken, grown = time.perf_counter() - start, megabytes("VmHWM") - before
    say(f"{name}: {taken:.2f} s, {grown:+.0f} MB")
    return result


def main() -> None:
    """Fill, measure, print."""
    with installation(sys.argv[1:]) as (services, number):
        median, slowest = look_up(services, number)
        say(f"look-up of one address: median {median:.2f} ms, slowest {slowest:.2f} ms")
        for name, deed in deeds(services, number):
            timed(services, name, deed)


def say(line: str) -> None:
    """A figure, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
