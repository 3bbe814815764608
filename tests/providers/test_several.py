"""Several providers by name, and one that allows fewer connections than there are lines."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.core.addresses import Address
from newsletter.core.errors import ProviderError
from newsletter.core.settings import load
from newsletter.providers.base import Connection, Envelope, NotConnected, Watch
from newsletter.providers.carrying import one_by_one
from newsletter.providers.memory import MemoryProvider
from newsletter.providers.pooling import Pooled
from newsletter.providers.registry import Registry
from newsletter.providers.smtp import SmtpProvider


def test_each_name_is_one_provider_that_says_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(
        '[providers.a]\nkind = "memory"\n[providers.b]\nkind = "memory"\nconnections = 2\n'
        '[providers.post]\nkind = "postmark"\n'
    )
    found = Registry(load(tmp_path, {}))
    assert list(found) == ["smtp", "a", "b", "post"]
    assert [found[name].name for name in found] == list(found), "deliveries record it"
    assert isinstance(found["smtp"], SmtpProvider)
    assert isinstance(found["a"], MemoryProvider)
    assert isinstance(found["b"], Pooled)
    assert found["a"] is found["a"]
    assert "ses" not in found
    with pytest.raises(KeyError):
        found["ses"]
    with pytest.raises(NotConnected, match=r"providers.post.key is not set; see \[providers.post"):
        found["post"].connect()


class Counted:
    """A provider whose messages take until three lines wait, and which counts its connections."""

    name = "counted"
    takes_return_path = True
    repeats_safely_for: timedelta | None = timedelta(hours=1)

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.open = self.most_open = self.busy = self.most_busy = self.taken = 0
        self.fails = False

    def connect(self) -> Connection:
        """One more, or none at all."""
        if self.fails:
            raise NotConnected("no line")
        with self.lock:
            self.open += 1
            self.most_open = max(self.open, self.most_open)
        return CountedConnection(self)


class CountedConnection:
    """One of them."""

    def __init__(self, provider: Counted) -> None:
        self._provider = provider
        self._used = threading.Lock()

    def submit(self, envelope: Envelope, before_body: Callable[[], None]) -> str:
        """Taken, unless another thread is using this very connection."""
        assert self._used.acquire(blocking=False), "two threads on one connection"
        before_body()
        with self._provider.lock:
            self._provider.busy += 1
            self._provider.most_busy = max(self._provider.busy, self._provider.most_busy)
        with self._provider.lock:
            self._provider.busy -= 1
            self._provider.taken += 1
        self._used.release()
        return "250 ok"

    def carry(self, envelopes: Iterator[Envelope], watch: Watch) -> None:
        """One after the other."""
        one_by_one(self, envelopes, watch)

    def close(self) -> None:
        """One fewer."""
        with self._provider.lock:
            self._provider.open -= 1


class Heard:
    """What became of each message."""

    def __init__(self) -> None:
        self.taken_ids: list[int] = []

    def leaving(self, envelope: Envelope) -> None:
        """Nothing is noted."""

    def taken(self, envelope: Envelope, answer: str) -> None:
        """It was."""
        self.taken_ids.append(envelope.delivery_id)

    def failed(self, envelope: Envelope, error: ProviderError) -> None:
        """It must not be."""
        raise AssertionError(error)


def _letters(first: int, count: int) -> Iterator[Envelope]:
    for number in range(first, first + count):
        yield Envelope(number, "desk@news.example", Address("aye@example.org"), b"Subject: x\r\n")


def test_many_lines_take_turns_on_few_connections() -> None:
    inner = Counted()
    pool = Pooled(inner, 2)
    assert (pool.name, pool.repeats_safely_for) == ("counted", timedelta(hours=1))
    lines = [pool.connect() for _ in range(8)]
    heard = [Heard() for _ in lines]

    def work(place: int) -> None:
        for part in range(5):
            first = place * 1000 + part * 100
            lines[place].carry(_letters(first, 20), heard[place])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert inner.taken == 8 * 5 * 20
    assert all(len(one.taken_ids) == 100 for one in heard)
    assert inner.most_open <= 2
    assert inner.most_busy <= 2
    for line in lines:
        assert inner.open > 0
        line.close()
        line.close()
    assert inner.open == 0, "with the last line the connections end"


def test_a_connection_that_cannot_be_had_is_told_and_blocks_nobody() -> None:
    inner = Counted()
    inner.fails = True
    pool = Pooled(inner, 1)
    for _ in range(3):
        with pytest.raises(NotConnected):
            pool.connect()
    inner.fails = False
    line, heard = pool.connect(), Heard()
    line.carry(_letters(1, 2), heard)
    assert heard.taken_ids == [1, 2]
    line.close()
    inner.fails = True
    with pytest.raises(NotConnected) as again:
        pool.connect()
    assert "no line" in str(again.value)
