"""The alarm clock of `serve` and `scheduler`: wakes the firing in time. APScheduler's only door.

What is due is decided by rows, not here: a second alarm (a weekly cron rings twice when clocks
go back), a missed one or a restart changes nothing. Of several clocks one fires, the holder of a
lease; the others look every few seconds whether it still lives, and take over when it does not.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from newsletter import migrations
from newsletter.core.clock import zone
from newsletter.core.db import database_now, reading, writing
from newsletter.core.log import logger
from newsletter.core.patience import AWAY
from newsletter.editorial.models import Publication
from newsletter.schedule import lease, slots
from newsletter.schedule.firing import Fired, Proof, fire_due

_LEASE = "clock"
_BEAT_SECONDS = {"sqlite": 10.0, "postgresql": 2.0}
"""How often the holder says that it lives, and the others look. A file has one host, where the
next `serve` takes over at once; there each look would only wear the disk."""
_BEATS_MISSED = 3
"""After which the lease is another's: on a server within 8 seconds of a death."""
_CUT_OFF_SECONDS = 30
"""After which a server gives up a firing whose client is not heard any more, and its locks with
it. A host that lost its network could otherwise hold up all others for hours."""

_log = logger("clock")


class Clock:
    """Fires slots when they are due, in threads of its own, while it is the one that may.

    `owner` names this process among others that share the database; `on_fired` hears of slots
    that have fired, after that was committed, in the clock's thread. Slots planned by other
    processes are heard of within `resync_seconds` (2 on PostgreSQL, 10 on SQLite). An issue that
    does not pass `proof` is held. Once the database is of another version it fires nothing more,
    and `over` says why; whoever started it must look there.
    """

    def __init__(
        self,
        engine: Engine,
        owner: str,
        on_fired: Callable[[list[Fired]], None],
        resync_seconds: float | None = None,
        proof: Proof | None = None,
    ) -> None:
        self._engine = engine
        self._owner = owner
        self._on_fired = on_fired
        self._resync_seconds = resync_seconds or _BEAT_SECONDS[engine.dialect.name]
        self._lease_seconds = _BEAT_SECONDS[engine.dialect.name] * _BEATS_MISSED
        self._proof = proof
        self.holds: bool | None = None
        """Whether it is the one that fires; None before its first look."""
        self.over: Exception | None = None
        self._one_at_a_time = threading.Lock()
        self._stopped = False
        self._set: dict[str, object] = {}
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "misfire_grace_time": 3600, "max_instances": 1},
        )
        # A launch may outlast a beat: that the next look is left out then is nothing to tell.
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)

    def start(self) -> None:
        """Catch up what was missed, then keep time until `stop`."""
        self._resync()
        every = IntervalTrigger(seconds=self._resync_seconds, timezone=UTC)
        self._scheduler.add_job(self._resync, every, id="resync")
        self._scheduler.start()

    def stop(self) -> None:
        """End after what is being fired just now; another process may take over at once.

        Not to be called from `on_fired`.
        """
        with self._one_at_a_time:
            self._stopped = True
            if self._scheduler.running:
                # APScheduler locks its jobs while it waits for running ones, and trips over a
                # job that falls due just then: leave it none.
                self._scheduler.pause()
                self._scheduler.remove_all_jobs()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
        with writing(self._engine) as session:
            lease.release(session, _LEASE, self._owner)

    def _resync(self) -> None:
        """Other processes plan slots and change rules: look again."""
        with self._one_at_a_time:
            if not self._stopped and self._fire_due():
                self._set_alarms()

    def _ring(self) -> None:
        with self._one_at_a_time:
            if not self._stopped:
                self._fire_due()

    def _fire_due(self) -> bool:
        """Whether it is for this clock to fire; then what is due has fired."""
        try:
            with writing(self._engine) as session:
                migrations.require_same(session)
                _bound(session)
                now = database_now(session)
                mine = lease.hold(session, _LEASE, self._owner, self._lease_seconds, now)
                fired = fire_due(session, now, proof=self._proof) if mine else []
        except AWAY as err:
            # Whoever is at fault outside may mend it: heard of, and tried again at the next look.
            _log.warning("clock_waits", reason=str(err))
            return False
        except Exception as err:  # noqa: BLE001 - handed to whoever started the clock
            self.over = err
            return False
        if mine != self.holds:
            _log.info("clock_held" if mine else "clock_stands_by", owner=self._owner)
            self.holds = mine
        if fired:
            self._on_fired(fired)
        return mine

    def _set_alarms(self) -> None:
        wanted = self._alarms()
        for name in self._set.keys() - wanted.keys():
            if self._scheduler.get_job(name):
                self._scheduler.remove_job(name)
        for name, (meaning, trigger) in wanted.items():
            if self._set.get(name) != meaning:
                self._scheduler.add_job(self._ring, trigger, id=name, replace_existing=True)
        self._set = {name: meaning for name, (meaning, _) in wanted.items()}

    def _alarms(self) -> dict[str, tuple[object, CronTrigger | DateTrigger]]:
        with reading(self._engine) as session:
            found: dict[str, tuple[object, CronTrigger | DateTrigger]] = {}
            for publication in session.scalars(select(Publication)):
                rule = slots.rule_of(publication)
                found[f"weekly-{publication.id}"] = (
                    rule,
                    _weekly(rule.weekday, rule.time, rule.zone),
                )
            for slot in slots.pending(session):
                found[f"slot-{slot.id}"] = (slot.due_at, _once(slot.due_at))
        return found


def _bound(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        limit = f"SET LOCAL idle_in_transaction_session_timeout = '{_CUT_OFF_SECONDS}s'"
        session.execute(text(limit))


def _weekly(weekday: int, time: str, zone_name: str) -> CronTrigger:
    hour, _, minute = time.partition(":")
    return CronTrigger(
        day_of_week=weekday - 1, hour=int(hour), minute=int(minute), timezone=zone(zone_name)
    )


def _once(at: datetime) -> DateTrigger:
    return DateTrigger(run_date=at, timezone=UTC)
