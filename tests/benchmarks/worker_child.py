"""A worker in a process of its own: `python -m tests.benchmarks.worker_child HOME [PROFILE]`.

Says "ready", waits for a line, works until no issue is `sending` or its input ends, and says as
JSON what that took. With a second word it writes down where its threads were, every 5 ms.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from sqlalchemy import func, select

from newsletter.app import Services, open_services
from newsletter.core import log
from newsletter.core.db import reading
from newsletter.editorial.models import Issue
from newsletter.editorial.states import Status
from newsletter.worker import Worker
from tests.benchmarks.memory import megabytes


def main(words: list[str]) -> None:
    """Send, and tell."""
    home = Path(words[0])
    log.configure("WARNING", file=home / "worker.log", to_stderr=False)
    services = open_services(home)
    stop = threading.Event()
    _say("ready")
    sys.stdin.readline()
    watchers = [threading.Thread(target=_until_sent, args=(services, stop), daemon=True)]
    watchers.append(threading.Thread(target=_until_told, args=(stop,), daemon=True))
    places: Counter[str] = Counter()
    if len(words) > 1:
        watchers.append(threading.Thread(target=_look, args=(stop, places), daemon=True))
    start, used = time.perf_counter(), _cpu()
    for watcher in watchers:
        watcher.start()
    Worker(services).run(stop)
    taken, cpu = time.perf_counter() - start, _cpu() - used
    _say(json.dumps({"seconds": taken, "cpu": cpu, "peak": megabytes("VmHWM")}))
    if places:
        text = "\n".join(f"{count:6d} {place}" for place, count in places.most_common(60))
        Path(words[1]).write_text(text, "utf-8")
    services.close()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _until_sent(services: Services, stop: threading.Event) -> None:
    sending = select(func.count()).where(Issue.status == Status.SENDING)
    while not stop.wait(0.02):
        with reading(services.engine) as session:
            if not session.scalar(sending):
                stop.set()


def _until_told(stop: threading.Event) -> None:
    os.read(0, 1)  # nothing comes but the end
    stop.set()


def _look(stop: threading.Event, places: Counter[str]) -> None:
    """Where each thread is, by its innermost frames."""
    while not stop.wait(0.005):
        for frame in sys._current_frames().values():
            names: list[str] = []
            at: FrameType | None = frame
            while at and len(names) < 3:
                name = Path(at.f_code.co_filename).stem
                names.append(f"{name}.{at.f_code.co_name}:{at.f_lineno}")
                at = at.f_back
            places[" < ".join(names)] += 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
