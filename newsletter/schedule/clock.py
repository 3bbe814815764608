"""The alarm clock inside `serve`: wakes the firing in time. APScheduler's only door.

What is due is decided by rows, not here: a second alarm (a weekly cron rings twice when clocks
go back), a missed one or a restart changes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import Engine, select

from newsletter.core.clock import zone
from newsletter.core.db import database_now, reading, writing
from newsletter.editorial.models import Publication
from newsletter.schedule import lease, slots
from newsletter.schedule.firing import Fired, Proof, fire_due

_LEASE = "clock"
_LEASE_SECONDS = 25


class Clock:
    """Fires slots when they are due, in threads of its own, while it is the one that may.

    `owner` names this process among others that share the database; `on_fired` hears of slots
    that have fired, after that was committed, in the clock's thread. Slots planned by other
    processes are heard of within `resync_seconds`. An issue that does not pass `proof` is held.
    """

    def __init__(
        self,
        engine: Engine,
        owner: str,
        on_fired: Callable[[list[Fired]], None],
        resync_seconds: float = 10,
        proof: Proof | None = None,
    ) -> None:
        self._engine = engine
        self._owner = owner
        self._on_fired = on_fired
        self._resync_seconds = resync_seconds
        self._proof = proof
        self._one_at_a_time = threading.Lock()
        self._stopped = False
        self._set: dict[str, object] = {}
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "misfire_grace_time": 3600, "max_instances": 1},
        )

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
            if not self._stopped:
                self._fire_due()
                self._set_alarms()

    def _ring(self) -> None:
        with self._one_at_a_time:
            if not self._stopped:
                self._fire_due()

    def _fire_due(self) -> None:
        with writing(self._engine) as session:
            now = database_now(session)
            mine = lease.hold(session, _LEASE, self._owner, _LEASE_SECONDS, now)
            fired = fire_due(session, now, proof=self._proof) if mine else []
        if fired:
            self._on_fired(fired)

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


def _weekly(weekday: int, time: str, zone_name: str) -> CronTrigger:
    hour, _, minute = time.partition(":")
    return CronTrigger(
        day_of_week=weekday - 1, hour=int(hour), minute=int(minute), timezone=zone(zone_name)
    )


def _once(at: datetime) -> DateTrigger:
    return DateTrigger(run_date=at, timezone=UTC)
