"""Patience with a database that is away for a while: restarted, cut off, locked, its disk full."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from newsletter.core.errors import DatabaseAway

AWAY = (DatabaseAway, OperationalError, InterfaceError, NoConnectionFree)
"""What a database that may come back makes SQLAlchemy say, and our sentence for it."""
SECONDS = 60.0
"""How long nothing but failures is borne before whoever works here ends and says why."""


class Patience:
    """Of one thread that tries the same thing again and again."""

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = SECONDS if seconds is None else seconds
        self._since: float | None = None

    @contextmanager
    def tried(self) -> Iterator[None]:
        """One try: a database that is away is borne, until it was so for too long."""
        try:
            yield
        except AWAY:
            at = time.monotonic()
            self._since = self._since or at
            if at - self._since >= self._seconds:
                raise
        else:
            self._since = None
