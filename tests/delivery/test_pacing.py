"""How fast and how much: whatever the clock does, never more than time gives, and not for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery.pacing import SKEW, Bucket, Limit, paused_for

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class Store:
    """A bucket that is stored after each look at it, as the database does."""

    limit: Limit
    bucket: Bucket

    def take(self, wanted: int, now: datetime) -> int:
        """How many of so many messages may go."""
        self.look(now)
        taken = 0
        while taken < wanted and not self.bucket.is_spent and not self.bucket.is_empty:
            self.bucket.take()
            taken += 1
        return taken

    def look(self, now: datetime) -> Bucket:
        """As it is by now; written down only where the real one would be."""
        old = self.bucket
        found = Bucket.of(
            self.limit,
            now,
            tokens=old.tokens,
            refilled_at=old.refilled_at,
            day=old.day,
            count=old.count,
        )
        self.bucket = found
        return found


def _store(limit: Limit, now: datetime = NOON) -> Store:
    return Store(limit, Bucket.full(limit, now))


STEPS = st.lists(st.tuples(st.floats(0, 30), st.integers(0, 600)), max_size=20)


@given(st.floats(0.01, 500), STEPS)
def test_never_more_than_a_second_and_the_time_since_give(
    rate: float, steps: list[tuple[float, int]]
) -> None:
    store, now = _store(Limit(per_second=rate)), NOON
    went: list[tuple[datetime, int]] = []
    for seconds, wanted in steps:
        now += timedelta(seconds=seconds)
        went.append((now, store.take(wanted, now)))
    for place, (begin, _) in enumerate(went):  # in whichever span of time one looks
        for last in range(place, len(went)):
            passed = (went[last][0] - begin).total_seconds()
            taken = sum(count for _, count in went[place : last + 1])
            assert taken <= max(1, rate) + passed * rate + 1e-6


@given(st.floats(0.01, 500), st.lists(st.floats(-30, 30), max_size=40))
def test_two_clocks_that_lie_apart_do_not_make_tokens(rate: float, jumps: list[float]) -> None:
    store, taken = _store(Limit(per_second=rate)), 0
    for jump in jumps:  # they read that; the true time stands still
        taken += store.take(1000, NOON + timedelta(seconds=jump))
    assert taken <= max(1, rate) + max([0, *jumps]) * rate + 1e-6


@given(st.floats(0.02, 500), st.integers(0, 400), st.integers(1, 400))
def test_whoever_waits_as_long_as_told_finds_a_token(rate: float, used: int, place: int) -> None:
    store = _store(Limit(per_second=rate))
    store.take(used, NOON)
    until = store.bucket.token_at(place)
    assert until >= NOON
    later = until + timedelta(microseconds=2)
    held = store.look(later)
    assert not held.is_empty
    assert held.tokens >= min(place, held.limit.burst) - 1e-3


def test_a_clock_set_back_neither_refills_nor_waits_for_ever() -> None:
    store = _store(Limit(per_second=2), NOON + timedelta(days=365))
    assert store.take(10, NOON + timedelta(days=365)) == 2
    assert store.take(10, NOON) == 0, "no refill from a time that runs back"
    assert store.bucket.changed, "the new time must be stored, or it would wait for a year"
    assert store.bucket.token_at(1) <= NOON + timedelta(seconds=1)
    assert store.take(10, NOON + timedelta(seconds=1)) == 2
    nearly = _store(Limit(per_second=2), NOON)
    nearly.take(2, NOON)
    assert nearly.take(10, NOON - SKEW) == 0
    assert nearly.bucket.token_at(1) <= NOON + timedelta(seconds=1)


def test_a_day_has_its_cap_and_midnight_in_utc_begins_a_new_one() -> None:
    late = datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)
    store = _store(Limit(per_day=100), late)
    assert store.take(80, late) == 80
    assert store.take(80, late) == 20
    assert store.bucket.is_spent
    assert store.bucket.next_day() == datetime(2026, 11, 22, tzinfo=UTC)
    assert store.take(80, store.bucket.next_day()) == 80
    rangoon = datetime.fromisoformat("2026-11-23T03:00:00+06:30")  # still the 22nd in UTC
    assert store.take(80, rangoon) == 20


def test_a_clock_set_back_over_midnight_gives_no_second_day() -> None:
    store = _store(Limit(per_day=10), NOON + timedelta(days=1))
    assert store.take(10, NOON + timedelta(days=1)) == 10
    assert store.take(10, NOON) == 0
    assert store.bucket.next_day() - NOON <= timedelta(days=1), "and nobody waits longer"
    assert store.take(10, store.bucket.next_day()) == 10


@pytest.mark.parametrize(
    ("day", "cap", "step"),
    [
        ("2026-10-20", 50, 1),  # before it begins it is as small as on its first day
        ("2026-11-01", 50, 1),
        ("2026-11-02", 100, 2),
        ("2026-11-03", 500, 3),
        ("2026-11-04", 700, 4),  # the day's own cap is the smaller one
        ("2026-11-05", 700, None),
    ],
)
def test_a_new_sender_warms_up_day_by_day(day: str, cap: int, step: int | None) -> None:
    limit = Limit(None, 700, (50, 100, 500, 2000), date(2026, 11, 1))
    assert limit.cap(date.fromisoformat(day)) == cap
    assert limit.warm_up_day(date.fromisoformat(day)) == step


def test_after_a_warm_up_without_a_cap_nothing_bounds_the_day() -> None:
    limit = Limit(warm_up=(50,), warm_up_from=date(2026, 11, 1))
    assert limit.cap(date(2026, 11, 2)) is None
    assert _store(limit).take(1000, NOON) == 1000


def test_pauses_grow_each_time_it_fails_again() -> None:
    minutes, since, pauses = timedelta(minutes=1), None, []
    for _ in range(5):
        pauses.append(paused_for(since) / minutes)
        since = (since or timedelta()) + pauses[-1] * minutes + timedelta(seconds=5)
    assert pauses == [1, 2, 5, 15, 15]
