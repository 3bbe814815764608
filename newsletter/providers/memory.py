"""A provider that keeps everything in memory: for tests and for trying things out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from newsletter.providers.base import Envelope, Watch
from newsletter.providers.carrying import one_by_one


class MemoryProvider:
    """Accepts every message and keeps it in `messages`, in the order of acceptance."""

    name = "memory"
    takes_return_path = True
    repeats_safely_for = None

    def __init__(self) -> None:
        self.messages: list[Envelope] = []

    def connect(self) -> MemoryConnection:
        """A line that never fails."""
        return MemoryConnection(self.messages)


class MemoryConnection:
    """Appends; `list.append` is atomic, so several threads may share the list."""

    def __init__(self, messages: list[Envelope]) -> None:
        self._messages = messages

    def submit(self, envelope: Envelope, before_body: Callable[[], None]) -> str:
        """Keep the message."""
        before_body()
        self._messages.append(envelope)
        return "250 2.0.0 kept in memory"

    def carry(self, envelopes: Iterator[Envelope], watch: Watch) -> None:
        """One after the other."""
        one_by_one(self, envelopes, watch)

    def close(self) -> None:
        """Nothing to end."""
