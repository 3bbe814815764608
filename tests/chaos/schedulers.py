"""Two schedulers beside two workers; one scheduler is killed about when the slot is due."""

from __future__ import annotations

import os
import random
import signal
import time
from datetime import timedelta
from pathlib import Path

from newsletter.app import initialise
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.editorial.models import Issue
from newsletter.schedule import slots
from tests.chaos.calamities import Scene, Theatre
from tests.chaos.homes import Home, configure, create_database, names_of
from tests.delivery import newsroom

_READERS = 60
_DUE_SECONDS = 2.0


def _installation(theatre: Theatre, path: Path) -> Home:
    """An approved issue whose slot is due in a moment."""
    assert theatre.server
    url = create_database(theatre.server.url, path.name.replace("-", "_"))
    overrides: dict[str, dict[str, object]] = {
        "delivery": {"provider": "memory"},
        "public": {"url": "https://news.example.org"},
        "database": {"url": url},
    }
    services = initialise(path, overrides)
    issue_id = newsroom.publish(services, _READERS)
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        due = now() + timedelta(seconds=_DUE_SECONDS)
        slots.schedule(session, issue.publication, issue, at=due, now=now())
    with reading(services.engine) as session:
        names = names_of(session, services.sealer)
    services.close()
    configure(path, url, theatre.sink.host, theatre.sink.port)
    return Home(path, url, issue_id, names)


def doubled(theatre: Theatre, seed: int, number: int) -> Scene:
    """The slot fires once and everybody gets one message, whenever the scheduler dies."""
    draw = random.Random(f"{seed} scheduler {number}")
    home = _installation(theatre, theatre.base / f"scheduled-{number}")
    log = theatre.base / f"received-scheduled-{number}.txt"
    theatre.sink.begin(log)
    scene = Scene(home, theatre.sink, theatre.nursery, log, _READERS, theatre.server)
    other = home.twin(home.path.with_name(f"{home.path.name}-other"))
    clocks = [scene.nursery.worker(one.path, "clock") for one in (home, other)]
    workers = [scene.nursery.worker(one.path) for one in (home, other)]
    time.sleep(draw.uniform(0.5 * _DUE_SECONDS, 1.2 * _DUE_SECONDS))
    os.kill(clocks[draw.randrange(2)], signal.SIGKILL)
    scene.finish(*workers)
    for clock in clocks:
        if scene.nursery.is_over(clock) is None:
            os.kill(clock, signal.SIGTERM)
            scene.expect("a scheduler does not end", when=scene.nursery.ended(clock) == 0)
    fired = home.says("fired.txt") + other.says("fired.txt")
    scene.expect(f"fired more than once: {fired}", when=fired.count("'send'") <= 1)
    return scene
