"""Waits for the database only so long: a mail program that unsubscribes hangs up soon."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Thread
from time import monotonic
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from newsletter.core.errors import ConfigurationError

T = TypeVar("T")
_AT_ONCE = 24
"""Deeds under way; more than the connections there are would only queue behind one another."""
_WARY_SECONDS, _WARY_WAIT = 10.0, 0.3


class TooLate(Exception):
    """There was no answer in time; the deed may still come to its end."""


TROUBLE = (SQLAlchemyError, ConfigurationError, TooLate)
"""A database that is read-only, full, locked, away, or in the middle of an upgrade."""


class Patience:
    """So many seconds for each deed, and hardly any for a while after one was too late.

    In a thread, because only that bounds all of it: the wait for a free connection, for a server
    that does not answer, for a lock. So it must be a deed that may also happen later. When many
    ask while nothing answers, they are not made to wait in a row one after the other.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._room = BoundedSemaphore(_AT_ONCE)
        self._late_at = float("-inf")

    def within(self, deed: Callable[[], T]) -> T:
        """What the deed returns or raises, or TooLate while it goes on by itself."""
        began = monotonic()
        wary = began - self._late_at < _WARY_SECONDS
        until = began + (min(_WARY_WAIT, self._seconds) if wary else self._seconds)
        answer: SimpleQueue[tuple[T, None] | tuple[None, BaseException]] = SimpleQueue()

        def run() -> None:
            try:
                answer.put((deed(), None))
            except BaseException as err:  # noqa: BLE001 - raised again where it is waited for
                answer.put((None, err))
            finally:
                self._room.release()

        if not self._room.acquire(timeout=until - began):
            raise self._late()
        Thread(target=run, name="within", daemon=True).start()
        try:
            value, error = answer.get(timeout=max(0.0, until - monotonic()))
        except Empty:
            raise self._late() from None
        if error is not None:
            raise error
        return value  # type: ignore[return-value]

    def _late(self) -> TooLate:
        self._late_at = monotonic()
        return TooLate()
