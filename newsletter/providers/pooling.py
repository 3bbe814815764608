"""A provider that allows fewer connections than there are lines: the lines take turns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from newsletter.providers.base import Connection, Envelope, Provider, Watch


class Pooled:
    """The provider itself, with at most `connections` of its connections open in this process.

    A line borrows one while it hands messages over, and waits for one while all are lent.
    """

    def __init__(self, provider: Provider, connections: int) -> None:
        self.name = provider.name
        self.takes_return_path = provider.takes_return_path
        self._provider = provider
        self._free = threading.Semaphore(connections)
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._lines = 0

    @property
    def inner(self) -> Provider:
        """The provider itself, for what needs none of its connections."""
        return self._provider

    @property
    def repeats_safely_for(self) -> timedelta | None:
        """As the provider says."""
        return self._provider.repeats_safely_for

    def connect(self) -> PooledConnection:
        """A line; NotConnected when there is no connection yet and none can be had."""
        if self._free.acquire(blocking=False):
            try:
                self._keep(self._taken())
            finally:
                self._free.release()
        with self._lock:
            self._lines += 1
        return PooledConnection(self)

    @contextmanager
    def lent(self) -> Iterator[Connection]:
        """A connection for one thread, as soon as one is free."""
        with self._free:
            connection = self._taken()
            try:
                yield connection
            finally:
                self._keep(connection)

    def left(self) -> None:
        """A line ends; with the last one all connections do."""
        with self._lock:
            self._lines -= 1
            ended = [] if self._lines else self._idle[:]
            if ended:
                self._idle.clear()
        for connection in ended:
            connection.close()

    def _taken(self) -> Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._provider.connect()

    def _keep(self, connection: Connection) -> None:
        with self._lock:
            self._idle.append(connection)


class PooledConnection:
    """One line's view of the shared connections."""

    def __init__(self, pool: Pooled) -> None:
        self._pool = pool
        self._open = True

    def carry(self, envelopes: Iterator[Envelope], watch: Watch) -> None:
        """As the provider's own, once a connection is free; none was asked for before that."""
        with self._pool.lent() as connection:
            connection.carry(envelopes, watch)

    def submit(self, envelope: Envelope, before_body: Callable[[], None]) -> str:
        """As the provider's own, once a connection is free."""
        with self._pool.lent() as connection:
            return connection.submit(envelope, before_body)

    def close(self) -> None:
        """Leave; never raises, and closing twice hurts nobody."""
        if self._open:
            self._open = False
            self._pool.left()
