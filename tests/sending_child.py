"""A worker process of its own, for tests that kill it: `python -m tests.sending_child HOME`.

Works until SIGTERM, or until every issue is sent; exits with 0 then.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from newsletter.app import Services, open_services
from newsletter.core import log
from newsletter.core.db import reading
from newsletter.core.errors import ConfigurationError
from newsletter.editorial.models import Issue
from newsletter.editorial.states import Status
from newsletter.schedule.clock import Clock
from newsletter.schedule.firing import Fired
from newsletter.worker import Worker


def _stop_when_sent(services: Services, stop: threading.Event) -> None:
    while not stop.wait(0.05):
        try:
            with reading(services.engine) as session:
                statuses = set(session.scalars(select(Issue.status)))
        except (ConfigurationError, SQLAlchemyError):
            continue  # the database is away for a moment; the worker itself decides what to do
        if statuses == {Status.SENT}:
            stop.set()


def _opened(home: Path) -> tuple[Services, threading.Event]:
    log.configure("WARNING", file=home / "worker.log", to_stderr=False)
    services = open_services(home)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    return services, stop


def main(home: Path) -> int:
    """Send; 1 when the home cannot be opened or the worker gives up, with the sentence."""
    try:
        services, stop = _opened(home)
        watcher = threading.Thread(target=_stop_when_sent, args=(services, stop), daemon=True)
        watcher.start()
        Worker(services).run(stop, idle=0.05)
        stop.set()
        watcher.join()
        services.close()
    except ConfigurationError as err:
        with suppress(OSError), (home / "said.txt").open("a", encoding="utf-8") as said:
            said.write(f"{err}\n")
        return 1
    return 0


def keep_time(home: Path) -> int:
    """The weekly clock alone, until SIGTERM; each slot that fired is a line in `fired.txt`."""
    services, stop = _opened(home)
    with (home / "fired.txt").open("a", encoding="utf-8") as lines:

        def fired(slots: list[Fired]) -> None:
            for slot in slots:
                lines.write(f"{slot}\n")
            lines.flush()

        clock = Clock(services.engine, f"clock:{os.getpid()}", fired, resync_seconds=0.2)
        clock.start()
        stop.wait()
        clock.stop()
    services.close()
    return 0


def with_a_clock_that_is_set(home: Path) -> int:
    """A worker whose clock goes back an hour at SIGUSR1 and on an hour at SIGUSR2."""
    with time_machine.travel(datetime.now(UTC), tick=True) as traveller:
        for told, hours in ((signal.SIGUSR1, -1), (signal.SIGUSR2, 1)):
            signal.signal(told, lambda *_, by=hours: traveller.shift(timedelta(hours=by)))
        return main(home)


KINDS: Mapping[str, Callable[[Path], int]] = {
    "worker": main,
    "worker with a clock": with_a_clock_that_is_set,
    "clock": keep_time,
}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
