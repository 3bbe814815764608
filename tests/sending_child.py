"""A worker process of its own, for tests that kill it: `python -m tests.sending_child HOME`.

Works until SIGTERM, or until the only issue is sent; exits with 0 then.
"""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from sqlalchemy import select

from newsletter.app import Services, open_services
from newsletter.core import log
from newsletter.core.db import reading
from newsletter.editorial.models import Issue
from newsletter.editorial.states import Status
from newsletter.worker import Worker


def _stop_when_sent(services: Services, stop: threading.Event) -> None:
    while not stop.wait(0.05):
        with reading(services.engine) as session:
            if session.scalar(select(Issue.status)) == Status.SENT:
                stop.set()


def main(home: Path) -> None:
    """Send."""
    log.configure("WARNING", file=home / "worker.log", to_stderr=False)
    services = open_services(home)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=_stop_when_sent, args=(services, stop), daemon=True).start()
    Worker(services).run(stop, idle=0.05)
    services.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
