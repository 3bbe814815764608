"""What the lines of one worker share: services, traffic, the count of errors, the recorder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from newsletter.core.db import writing
from newsletter.core.patience import AWAY
from newsletter.delivery.flight import Recorder
from newsletter.delivery.needs import Needs
from newsletter.delivery.press import Press
from newsletter.delivery.traffic import Traffic

_TRIES = 30
_OURS_IN_A_ROW = 2
"""First tries refused for our sake (5.7.x) after which nobody else is tried."""


class Withdrawn(Exception):
    """Raised before a body leaves: not to be sent now. `reason` skips it, None hands it back.

    `number` is the delivery, where others may have been asked for behind it.
    """

    def __init__(self, reason: str | None, number: int | None = None) -> None:
        self.reason = reason
        self.number = number
        super().__init__(reason)


class Streak:
    """Errors one after the other, counted over all lines of a worker."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self.errors = 0
        self._ours = 0

    def broken(self) -> None:
        """A message was taken: the row of errors ends."""
        if self.errors or self._ours:
            with self._lock:
                self.errors = self._ours = 0

    def is_ours(self) -> bool:
        """Count a first try that was refused for our sake; True when it is no single case."""
        with self._lock:
            self._ours = (self._ours + 1) % _OURS_IN_A_ROW
            return self._ours == 0

    def is_too_long(self) -> bool:
        """Count one more error; True, and counting begins anew, when the limit is reached."""
        with self._lock:
            self.errors += 1
            if self.errors < self._limit:
                return False
            self.errors = 0
            return True


class Lease:
    """Until when this worker may believe that its claims are its own, without asking anybody.

    By a clock that runs on while the process is stopped and the machine sleeps, and that nobody
    can set: the wall clock may jump.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = 0.0

    def renewed(self, asked_at: float) -> None:
        """The database said yes to a question asked then."""
        self._until = max(self._until, asked_at + self.seconds)

    @property
    def is_over(self) -> bool:
        """Others may have taken over."""
        return elapsed() > self._until


def elapsed() -> float:
    """Seconds since some instant, the time asleep included."""
    return time.clock_gettime(_CLOCK)


_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass
class Crew:
    """One worker's lines work from this. `patient` ones wait between errors; tests do not."""

    needs: Needs
    press: Press
    traffic: Traffic
    owner: str
    streak: Streak
    stop: threading.Event
    lease: Lease
    recorder: Recorder
    patient: bool = True
    held: set[int] = field(default_factory=set)
    """The chunks that a line has in hand; all others of this worker's name are nobody's."""

    @contextmanager
    def taking(self) -> Iterator[Callable[[int], None]]:
        """Around the transaction of a claim: what is taken in it is held before anybody can see
        it, and no longer when the commit was not heard of."""
        taken: list[int] = []

        def take(chunk_id: int) -> None:
            taken.append(chunk_id)
            self.held.add(chunk_id)

        try:
            yield take
        except BaseException:
            self.held.difference_update(taken)
            raise

    nothing_due_at: float = 0.0
    """When a line last found nothing to do; the others need not look again at once."""
    idle: float = 0.0
    emptied: threading.Event = field(default_factory=threading.Event)
    """A line that had worked found nothing more: an issue may be over."""

    @property
    def is_idle(self) -> bool:
        """Another line has found nothing due only a moment ago."""
        return elapsed() - self.nothing_due_at < self.idle / 2

    abandoned: threading.Event = field(default_factory=threading.Event)
    """The worker has given up waiting for its lines: nothing may leave any more."""

    def commit(self, deed: Callable[[Session], Any]) -> Any:
        """Carry a deed out in one transaction, again while the database is away or busy.

        It waits also while stopping: what was answered must be written down. Raises what the
        database says when it stays away for too long; the recorder keeps the answers then.
        """
        for left in reversed(range(_TRIES)):
            try:
                with writing(self.needs.engine) as session:
                    return deed(session)
            except AWAY:
                if not left or not self.patient:
                    raise
                time.sleep(1.0)
        return None

    def wait(self, seconds: float) -> None:
        """Rest, unless told to stop."""
        if self.patient and seconds > 0:
            self.stop.wait(seconds)

    @property
    def keyed(self) -> frozenset[str]:
        """Providers that know a message again."""
        every = self.needs.providers.items()
        return frozenset(name for name, one in every if one.repeats_safely_for is not None)

    @property
    def has_a_choice(self) -> bool:
        """More than one provider is there: one that fails need not stop an issue."""
        return len(self.needs.providers) > 1
