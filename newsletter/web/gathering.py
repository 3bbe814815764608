"""One transaction for all who come at the same moment: a burst of webhooks would else be as many.

Whoever finds the turn free takes all that wait along; the others find theirs done. Each is answered
only when its own is stored.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from newsletter.core.errors import ConfigurationError

T = TypeVar("T")


@dataclass(eq=False)
class _Item(Generic[T]):
    value: T
    done: bool = False
    error: Exception | None = None


class Gathering(Generic[T]):
    """Keeps values by `store`, which takes several and keeps all of them or none."""

    def __init__(self, store: Callable[[Sequence[T]], None]) -> None:
        self._store = store
        self._turn = threading.Lock()
        self._door = threading.Lock()
        self._waiting: list[_Item[T]] = []

    def keep(self, value: T) -> None:
        """Returns when it is kept, and raises what kept it from being so."""
        item = _Item(value)
        with self._door:
            self._waiting.append(item)
        with self._turn:
            if not item.done:
                self._keep_all()
        if item.error is not None:
            raise item.error

    def _keep_all(self) -> None:
        with self._door:
            batch, self._waiting = self._waiting, []
        self._attempt(batch)
        # One that cannot be stored takes no other with it; a database that is away takes all.
        together = len(batch) > 1 and batch[0].error is not None
        if together and not isinstance(batch[0].error, ConfigurationError):
            for item in batch:
                self._attempt([item])

    def _attempt(self, batch: list[_Item[T]]) -> None:
        error: Exception | None = None
        try:
            self._store([item.value for item in batch])
        except Exception as err:  # noqa: BLE001 - raised again where each is waited for
            error = err
        for item in batch:
            item.done, item.error = True, error
