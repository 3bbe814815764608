"""Which providers are down (`Outage`): told to all workers by the database, known for a second.

After its pause a provider is tried with one message, the probe, by one worker. When that is taken
the outage ends; when it is not, a longer pause begins; when nothing is heard of it, somebody else
tries after `PROBE`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsletter.delivery.models import Outage
from newsletter.delivery.pacing import SKEW, paused_for

PROBE = timedelta(seconds=30)
"""How long others wait for what becomes of a probe."""
_KNOWN_FOR = 1.0
"""Seconds in which the database is not asked again."""
_OWN_PROBE = timedelta(seconds=2)
_LONGEST = timedelta(minutes=15) + SKEW
"""A pause that ends later than this was set by a clock that has been set back since."""
_FAR = datetime.max.replace(tzinfo=UTC)
_NOT_MAPPED = {"synchronize_session": False}


def _is_over(until: datetime, now: datetime) -> bool:
    return until <= now or until - now > _LONGEST


@dataclass(frozen=True, slots=True)
class Down:
    """An outage as it is known now; `may_probe` is given to one caller alone."""

    until: datetime
    reason: str
    may_probe: bool = False


class Outages:
    """What one worker knows of outages; used by all its lines at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, Down] = {}
        self._asked_at: float | None = None
        self._probing: set[str] = set()

    def standing(self, session: Session, names: frozenset[str], now: datetime) -> dict[str, Down]:
        """Of these providers those that are down; the probes that are due go to this caller."""
        found = {}
        for name in sorted(names & self._read(session).keys()):
            down = self._standing(session, name, now)
            if down is not None:
                found[name] = down
        return found

    def _standing(self, session: Session, name: str, now: datetime) -> Down | None:
        down = self._known.get(name)
        if down is None or not _is_over(down.until, now):
            # A probe of this very worker is heard of soon.
            soon = now + _OWN_PROBE if name in self._probing else _FAR
            return down and replace(down, until=min(down.until, soon))
        if self._claim(session, name, now):
            return Down(now + PROBE, down.reason, may_probe=True)
        self._forget()  # somebody else tries it at this moment, or it is over
        down = self._read(session).get(name)
        return down and replace(down, until=max(down.until, now + _OWN_PROBE))

    def begin(self, session: Session, provider: str, reason: str, now: datetime) -> None:
        """It cannot be reached: begin a pause, or a longer one after a probe that failed."""
        query = select(Outage.since_at, Outage.until_at).where(Outage.provider == provider)
        row = session.execute(query.with_for_update()).one_or_none()
        with self._lock:
            probed = provider in self._probing
            self._probing.discard(provider)
        if row is None:
            self._insert(session, provider, reason, now)
        elif probed or _is_over(row.until_at, now):
            since = min(row.since_at, now)
            ended = row.until_at - PROBE if probed else row.until_at
            until = now + paused_for(max(timedelta(), min(ended, now) - since))
            self._change(session, provider, reason=reason, since_at=since, until_at=until)
        self._forget()

    def end(self, session: Session, provider: str) -> None:
        """A message was taken: after a probe the outage is over; else nothing is to be done.

        An answer to something that left before the outage began ends nothing.
        """
        if provider not in self._probing:
            return
        with self._lock:
            self._probing.discard(provider)
        gone = delete(Outage).where(Outage.provider == provider)
        session.execute(gone, execution_options=_NOT_MAPPED)
        self._forget()

    def _insert(self, session: Session, provider: str, reason: str, now: datetime) -> None:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        made = dialect.insert(Outage).values(
            provider=provider, reason=reason, since_at=now, until_at=now + paused_for(None)
        )
        session.execute(made.on_conflict_do_nothing())

    def _change(self, session: Session, provider: str, **values: object) -> None:
        changed = update(Outage).where(Outage.provider == provider).values(**values)
        session.execute(changed, execution_options=_NOT_MAPPED)

    def _read(self, session: Session) -> dict[str, Down]:
        at = self._clock()
        with self._lock:
            if self._asked_at is not None and at - self._asked_at < _KNOWN_FOR:
                return self._known
        rows = session.execute(select(Outage.provider, Outage.until_at, Outage.reason))
        known = {row.provider: Down(row.until_at, row.reason) for row in rows}
        with self._lock:
            self._known, self._asked_at = known, at
        return known

    def _claim(self, session: Session, provider: str, now: datetime) -> bool:
        over = or_(Outage.until_at <= now, Outage.until_at > now + _LONGEST)
        claimed = update(Outage).where(Outage.provider == provider, over)
        claimed = claimed.values(until_at=now + PROBE).returning(Outage.provider)
        won = bool(session.execute(claimed, execution_options=_NOT_MAPPED).all())
        if won:
            with self._lock:
                self._probing.add(provider)
            self._forget()
        return won

    def _forget(self) -> None:
        """Ask the database next time, whose transaction may not be through before."""
        with self._lock:
            self._asked_at = None
