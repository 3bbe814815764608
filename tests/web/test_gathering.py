"""Many at once in one transaction: each is told the truth about its own."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest

from newsletter.core.errors import ConfigurationError
from newsletter.web.gathering import Gathering
from tests.system import PATIENCE


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads take turns as often as the interpreter allows, so that none is spared."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def at_once(lines: int, deed: Callable[[int], None]) -> None:
    """The same deed in many threads."""
    threads = [threading.Thread(target=deed, args=(number,)) for number in range(lines)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.usefixtures("hasty")
def test_whoever_is_told_yes_is_stored_and_nobody_twice() -> None:
    kept: Counter[int] = Counter()
    told: set[int] = set()
    gathering = Gathering[int](kept.update)

    def come(line: int) -> None:
        for number in range(300):
            gathering.keep(line * 1000 + number)
            assert line * 1000 + number in kept
            told.add(line * 1000 + number)

    at_once(12, come)
    assert set(kept) == told
    assert len(told) == 3600
    assert set(kept.values()) == {1}


def together(store: Callable[[Sequence[int]], None]) -> tuple[set[int], set[int]]:
    """0 has its turn, and 1 to 9 come meanwhile; who of them all was told yes, and who no."""
    yes: set[int] = set()
    no: set[int] = set()
    begun, go_on = threading.Event(), threading.Event()

    def slowly(values: Sequence[int]) -> None:
        begun.set()
        go_on.wait(PATIENCE)
        store(values)

    gathering = Gathering[int](slowly)

    def come(number: int) -> None:
        try:
            gathering.keep(number)
        except (ValueError, ConfigurationError):
            no.add(number)
        else:
            yes.add(number)

    first = threading.Thread(target=come, args=(0,))
    first.start()
    begun.wait(PATIENCE)
    others = [threading.Thread(target=come, args=(n,)) for n in range(1, 10)]
    for thread in others:
        thread.start()
    while len(gathering._waiting) < 9:
        pass
    go_on.set()
    for thread in (first, *others):
        thread.join()
    return yes, no


def test_who_waits_goes_along_with_the_next_in_one_turn() -> None:
    turns: list[list[int]] = []
    assert together(lambda values: turns.append(sorted(values))) == ({*range(10)}, set())
    assert turns == [[0], [*range(1, 10)]]


def test_one_that_cannot_be_stored_takes_no_other_with_it() -> None:
    def store(values: Sequence[int]) -> None:
        if 7 in values:
            raise ValueError

    assert together(store) == ({*range(10)} - {7}, {7})


def test_a_database_that_is_away_is_told_to_all_and_asked_once_a_turn() -> None:
    turns: list[int] = []

    def store(values: Sequence[int]) -> None:
        turns.append(len(values))
        raise ConfigurationError("the database is locked")

    assert together(store) == (set(), {*range(10)})
    assert turns == [1, 9]
