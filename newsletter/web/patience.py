"""Waits for the database only so long: a mail program that unsubscribes hangs up soon."""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from newsletter.core.errors import ConfigurationError

T = TypeVar("T")


class TooLate(Exception):
    """There was no answer in time; the deed may still come to its end."""


TROUBLE = (SQLAlchemyError, ConfigurationError, TooLate)
"""A database that is read-only, full, locked, away, or in the middle of an upgrade."""


def within(seconds: float, deed: Callable[[], T]) -> T:
    """What the deed returns or raises, or TooLate while it goes on by itself.

    In a thread, because only that bounds all of it: the wait for a free connection, for a
    server that does not answer, for a lock. So it must be a deed that may also happen later.
    """
    answer: SimpleQueue[tuple[T, None] | tuple[None, BaseException]] = SimpleQueue()

    def run() -> None:
        try:
            answer.put((deed(), None))
        except BaseException as err:  # noqa: BLE001 - raised again where it is waited for
            answer.put((None, err))

    Thread(target=run, name="within", daemon=True).start()
    try:
        value, error = answer.get(timeout=seconds)
    except Empty:
        raise TooLate from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value]
