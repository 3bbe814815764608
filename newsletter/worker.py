"""The worker: lines that claim and send, and a keeper that renews, recovers and finishes.

Kill it at any moment: the next one finds every delivery either certainly not sent, and sends
it, or possibly sent, and lists it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from newsletter import migrations
from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import empty_log, reading, writing
from newsletter.core.errors import ConfigurationError
from newsletter.core.log import logger
from newsletter.core.memory import settle
from newsletter.core.patience import Patience
from newsletter.delivery import chunks, claiming, flight, recovering
from newsletter.delivery.crew import Crew, Lease, Streak, elapsed
from newsletter.delivery.desk import Desk
from newsletter.delivery.finishing import finish
from newsletter.delivery.press import Press
from newsletter.delivery.sending import Line
from newsletter.delivery.traffic import Traffic
from newsletter.schedule.clerk import Clerk
from subscribers import hygiene

STOP_SECONDS = 30.0
"""How long a clean stop waits for answers that are still out."""
_TICK = 0.05
_CLERK_SECONDS = 10.0
_CLEAN_EVERY = timedelta(minutes=1)

_log = logger("worker")


class WorkerLock:
    """On SQLite: the proof that no other worker lives, given up by the system at any death.

    With it whatever another worker left is taken over at once instead of after its lease.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def hold(self) -> None:
        """ConfigurationError when another process holds it."""
        if self._file is not None:
            return
        file = self._path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            file.close()
            raise ConfigurationError(
                f"another process is already sending from {self._path.parent}; stop it first, "
                "or use PostgreSQL for several workers"
            ) from err
        self._file = file

    def let_go(self) -> None:
        """Make room for another."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


class Worker:
    """Sends whatever issue is `sending`, over `delivery.connections` lines."""

    def __init__(self, services: Services, owner: str | None = None) -> None:
        self._services = services
        host = socket.gethostname()[:32]
        self.owner = owner or f"{host}:{os.getpid()}:{secrets.token_hex(4)}"
        self._alone = services.engine.dialect.name == "sqlite"
        self._lock = WorkerLock(services.settings.home / "worker.lock")
        self._press = Press(services)
        delivery = services.settings.delivery
        self._streak = Streak(delivery.pause_after_errors)
        self._lease = Lease(delivery.lease_seconds)
        self._traffic = Traffic(services.settings, services.providers)
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._crew: Crew | None = None
        self._stepping: tuple[Desk, Line] | None = None
        self._cleaned_at: datetime | None = None

    def step(self) -> bool:
        """One round in this thread: recover, claim, send, record, finish issues.

        True if something was claimed, so that there may be more to do. Never waits between
        errors. Call `close` after the last step.
        """
        self._keep()
        if self._stepping is None:
            crew = self._assemble(1, patient=False)
            self._stepping = (Desk(crew), Line(crew))
        desk, line = self._stepping
        worked = desk.round() or line.round()
        self._finish()
        return worked

    def close(self) -> None:
        """End what `step` began: hang up, hand everything back, let others work."""
        if self._stepping is not None:
            for part in self._stepping:
                part.hang_up()
            self._stepping = None
        self._leave()

    def run(self, stop: threading.Event, idle: float = 1.0) -> None:
        """Work until `stop` is set, then finish what is in the air and hand the rest back.

        Looks for new work every `idle` seconds. Waits up to 30 s for the last answers; what is
        not answered by then is `unknown`. Raises what a line could not deal with.
        """
        self._stop.clear()
        settle()
        self._keep()
        count = self._services.settings.delivery.connections
        crew = self._assemble(count, patient=True)
        crew.idle = idle
        parts: list[Desk | Line] = [Desk(crew), *(Line(crew) for _ in range(count))]
        clerk = Clerk(self._services, self._press, self._failed)
        threads = [
            threading.Thread(target=self._work, args=(part, idle), name=f"line-{n}", daemon=True)
            for n, part in enumerate(parts)
        ]
        for thread in threads:
            thread.start()
        clerk.start()
        try:
            self._watch(stop, idle)
        finally:
            self._stop.set()
            self._join(threads)
            self._leave()
            clerk.close(_CLERK_SECONDS)
        if self._failure is not None:
            raise self._failure

    def _assemble(self, lines: int, *, patient: bool) -> Crew:
        recorder = flight.Recorder(self._services.settings.home, self.owner, lines)
        self._crew = Crew(
            needs=self._services,
            press=self._press,
            traffic=self._traffic,
            owner=self.owner,
            streak=self._streak,
            stop=self._stop,
            lease=self._lease,
            recorder=recorder,
            patient=patient,
        )
        return self._crew

    def _watch(self, stop: threading.Event, idle: float) -> None:
        """The keeper: holds the leases and closes issues, until told to stop or a line fails."""
        every = self._services.settings.delivery.lease_seconds / 3
        patience = Patience()
        kept_at = time.monotonic()
        while not (self._is_stopped(stop, min(idle, every)) or self._stop.is_set()):
            with patience.tried():
                if time.monotonic() - kept_at >= every:
                    self._keep()
                    kept_at = time.monotonic()
                self._finish()

    def _is_stopped(self, stop: threading.Event, seconds: float) -> bool:
        """Waits, but no longer than until a line has nothing more to do."""
        until = time.monotonic() + seconds
        while not stop.wait(max(0.0, min(_TICK, until - time.monotonic()))):
            if self._crew is not None and self._crew.emptied.is_set():
                self._crew.emptied.clear()
                return False
            if time.monotonic() >= until or self._stop.is_set():
                return False
        return True

    def _keep(self) -> None:
        if self._alone:
            self._lock.hold()
        home, lease = self._services.settings.home, self._services.settings.delivery.lease_seconds
        asked_at = elapsed()
        with writing(self._services.engine) as session:
            migrations.require_same(session)
            held = self._crew.held if self._crew is not None else set()
            claiming.renew(session, self.owner, tuple(held), lease)
        self._lease.renewed(asked_at)
        with writing(self._services.engine) as session:
            found = recovering.recover(session, home, me=self.owner, alone=self._alone)
            if self._crew is not None:
                noted = self._crew.recorder.read()
                found += recovering.forgotten(session, self.owner, held, noted)
            settled, over = recovering.resolve(session, home, me=self.owner)
            found += settled
        for owner in over:
            flight.forget(home, owner)
        if found != recovering.Recovered():
            _log.warning(
                "recovered",
                planned=found.planned,
                submitted=found.submitted,
                unknown=found.unknown,
            )
        self._clean(now())

    def _clean(self, at: datetime) -> None:
        """Forget what has run out, once a minute; a clock that was put back does not stop it.

        Then what was erased, also by others who could not wait for readers, leaves the log.
        """
        if self._cleaned_at is not None and abs(at - self._cleaned_at) < _CLEAN_EVERY:
            return
        self._cleaned_at = at
        with writing(self._services.engine) as session:
            gone = hygiene.clean(session, at)
        empty_log(self._services.engine)
        if gone.confirmations:
            _log.info("forgotten", confirmations=gone.confirmations, subscribers=gone.subscribers)

    def _finish(self) -> None:
        with writing(self._services.engine) as session:
            migrations.require_same(session)
            done = finish(session, now())
        for number in done:
            _log.info("issue_sent", number=number)
        if self._is_anything_uncounted():
            with writing(self._services.engine) as session:
                chunks.count_resting(session, now())

    def _is_anything_uncounted(self) -> bool:
        with reading(self._services.engine) as session:
            return chunks.is_anything_uncounted(session)

    def _work(self, part: Desk | Line, idle: float) -> None:
        patience = Patience()
        try:
            while not self._stop.is_set():
                worked = False
                with patience.tried():
                    worked = part.round()
                if not worked:
                    part.hang_up()
                    self._stop.wait(idle)
        except BaseException as err:  # noqa: BLE001 - handed to `run`, which raises it
            self._failed(err)
        finally:
            part.hang_up()

    def _failed(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._stop.set()

    def _join(self, threads: list[threading.Thread]) -> None:
        """Wait for the lines: their leases are longer than this."""
        until = time.monotonic() + STOP_SECONDS
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _leave(self) -> None:
        """First nothing more may leave; then what did is read, and written down."""
        crew, self._crew = self._crew, None
        noted = {}
        if crew is not None:
            crew.abandoned.set()
            noted = crew.recorder.read()
        kept = False
        try:
            with writing(self._services.engine) as session:
                left = recovering.leave(session, self.owner, noted)
            kept = True
        finally:
            if crew is not None:
                crew.recorder.close(forget=kept)
            self._lock.let_go()
        if left.unknown:
            _log.warning("left_unanswered", unknown=left.unknown)
