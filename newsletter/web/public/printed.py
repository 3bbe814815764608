"""Keeps the pages made last, because making one takes a hundred times longer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

_KEPT = 64
T = TypeVar("T")


class Printed(Generic[T]):
    """A few finished pages by what they were made from; safe between threads.

    The key must name everything that shows on the page, so that an edit makes a new one.
    """

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._pages: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The page of this key, made now if it was not kept; two may make it at once."""
        with self._lock:
            if key in self._pages:
                self._pages.move_to_end(key)
                return self._pages[key]
        page = make()
        with self._lock:
            self._pages[key] = page
            while len(self._pages) > self._kept:
                self._pages.popitem(last=False)
        return page
