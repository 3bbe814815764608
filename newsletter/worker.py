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

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import empty_log, writing
from newsletter.core.errors import ConfigurationError
from newsletter.core.log import logger
from newsletter.delivery import claiming, recovering
from newsletter.delivery.finishing import finish
from newsletter.delivery.press import Press
from newsletter.delivery.sending import Line, Streak
from subscribers import hygiene

STOP_SECONDS = 30.0
"""How long a clean stop waits for answers that are still out."""
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
        self._streak = Streak(services.settings.delivery.pause_after_errors)
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._stepping: Line | None = None
        self._cleaned_at: datetime | None = None

    def step(self) -> bool:
        """One round in this thread: recover, claim, send, record, finish issues.

        True if something was claimed, so that there may be more to do. Never waits between
        errors. Call `close` after the last step.
        """
        self._keep()
        if self._stepping is None:
            self._stepping = self._line(patient=False)
        worked = self._stepping.round()
        self._finish()
        return worked

    def close(self) -> None:
        """End what `step` began: hang up, hand everything back, let others work."""
        if self._stepping is not None:
            self._stepping.hang_up()
            self._stepping = None
        self._leave()

    def run(self, stop: threading.Event, idle: float = 1.0) -> None:
        """Work until `stop` is set, then finish what is in the air and hand the rest back.

        Looks for new work every `idle` seconds. Waits up to 30 s for the last answers; what is
        not answered by then is `unknown`. Raises what a line could not deal with.
        """
        self._stop.clear()
        self._keep()
        lines = [
            threading.Thread(target=self._work, args=(idle,), name=f"line-{n}", daemon=True)
            for n in range(self._services.settings.delivery.connections)
        ]
        for line in lines:
            line.start()
        try:
            self._watch(stop, idle)
        finally:
            self._stop.set()
            self._join(lines)
            self._leave()
        if self._failure is not None:
            raise self._failure

    def _watch(self, stop: threading.Event, idle: float) -> None:
        """The keeper: holds the leases and closes issues, until told to stop or a line fails."""
        every = self._services.settings.delivery.lease_seconds / 3
        kept_at = time.monotonic()
        while not (stop.wait(min(idle, every)) or self._stop.is_set()):
            if time.monotonic() - kept_at >= every:
                self._keep()
                kept_at = time.monotonic()
            self._finish()

    def _keep(self) -> None:
        if self._alone:
            self._lock.hold()
        lease = self._services.settings.delivery.lease_seconds
        with writing(self._services.engine) as session:
            claiming.renew(session, self.owner, lease)
            found = recovering.recover(session, me=self.owner, alone=self._alone)
        if found.planned or found.unknown:
            _log.warning("recovered", planned=found.planned, unknown=found.unknown)
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
            done = finish(session, now())
        for number in done:
            _log.info("issue_sent", number=number)

    def _line(self, *, patient: bool) -> Line:
        return Line(
            self._services,
            self._press,
            self.owner,
            streak=self._streak,
            stop=self._stop,
            patient=patient,
        )

    def _work(self, idle: float) -> None:
        line = self._line(patient=True)
        try:
            while not self._stop.is_set():
                if not line.round():
                    line.hang_up()
                    self._stop.wait(idle)
        except BaseException as err:  # noqa: BLE001 - handed to `run`, which raises it
            self._failure = err
            self._stop.set()
        finally:
            line.hang_up()

    def _join(self, lines: list[threading.Thread]) -> None:
        """Wait for the lines: their leases are longer than this."""
        until = time.monotonic() + STOP_SECONDS
        for line in lines:
            line.join(max(0.0, until - time.monotonic()))

    def _leave(self) -> None:
        try:
            with writing(self._services.engine) as session:
                left = recovering.leave(session, self.owner)
        finally:
            self._lock.let_go()
        if left.unknown:
            _log.warning("left_unanswered", unknown=left.unknown)
