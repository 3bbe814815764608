"""Killed at any moment: nobody is lost, nobody is mailed twice, the doubtful are listed.

Real processes, a real SMTP conversation, a receiver that forgets nothing, `kill -9`. The moments
come when so many messages were accepted, not by the clock. Here are the quick ones; `make chaos`
goes on for hundreds of rounds, and has what needs root: full disks, set clocks, pulled cables.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.chaos import calamities
from tests.chaos.calamities import Scene, Theatre
from tests.chaos.companions import Nursery, SinkProcess
from tests.chaos.homes import CONNECTIONS, Template
from tests.chaos.weather import KEPT_IN_SILENCE, LOST_IN_SILENCE
from tests.postgres import running_server

READERS = 240
KILLS = {"sqlite": 8, "postgresql": 5}
STAGES = ("begun", "kept", "answered")

pytestmark = pytest.mark.xdist_group("kill")


@pytest.fixture(scope="module")
def companions() -> Iterator[tuple[SinkProcess, Nursery]]:
    """A receiver, and a nursery of workers."""
    with SinkProcess() as sink, Nursery() as nursery:
        yield sink, nursery


@pytest.fixture(scope="module")
def on_file(
    companions: tuple[SinkProcess, Nursery], tmp_path_factory: pytest.TempPathFactory
) -> Theatre:
    """Launched issues on SQLite."""
    base = tmp_path_factory.mktemp("kill")
    return Theatre(base, *companions, Template(base, READERS))


@pytest.fixture(scope="module")
def on_server(
    companions: tuple[SinkProcess, Nursery], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Theatre]:
    """Launched issues on a PostgreSQL server of our own, which may be stopped at will."""
    base = tmp_path_factory.mktemp("kill")
    with ExitStack() as stack:
        server = stack.enter_context(running_server())
        yield Theatre(base, *companions, Template(base, READERS, server.url), server)


@pytest.fixture(params=["sqlite", "postgresql"])
def theatre(request: pytest.FixtureRequest) -> Theatre:
    """Each database in turn."""
    name = "on_file" if request.param == "sqlite" else "on_server"
    found = request.getfixturevalue(name)
    assert isinstance(found, Theatre)
    return found


def test_killed_again_and_again(theatre: Theatre) -> None:
    draw = random.Random(20261123)
    count = KILLS[theatre.template.kind]
    with theatre.scene() as scene:
        for place, moment in enumerate(sorted(draw.sample(range(1, READERS - 60), count))):
            killed(scene, max(moment, scene.sink.kept() + 1), STAGES[place % len(STAGES)])
        found = scene.finish(scene.fresh(), unknown_at_most=count * CONNECTIONS)
    assert scene.faults == []
    assert found.unknown > 0, "no kill struck between a message and its answer"


def killed(scene: Scene, nth: int, stage: str) -> None:
    worker = scene.nursery.worker(scene.home.path)
    scene.sink.trap(nth, worker, signal.SIGKILL, stage=stage)
    assert scene.nursery.ended(worker) == -signal.SIGKILL
    scene.balanced()


def test_a_doubt_of_its_own_is_no_less_a_doubt_after_a_kill(theatre: Theatre) -> None:
    """The receiver hung up after the dot, the worker wrote `unknown`, and was killed later."""
    with theatre.scene() as scene:
        scene.sink.weather({KEPT_IN_SILENCE: 0.03, LOST_IN_SILENCE: 0.03}, "doubts")
        killed(scene, READERS // 2, "kept")
        scene.sink.weather({})
        found = scene.finish(scene.fresh(), unknown_at_most=CONNECTIONS)
    assert scene.faults == []
    assert found.unanswered > 3


@pytest.mark.parametrize("moment", [1, READERS // 2])
def test_a_polite_stop_leaves_no_doubt(theatre: Theatre, moment: int) -> None:
    assert calamities.told_to_stop(theatre, moment).faults == []


def test_frozen_past_its_lease_it_does_no_harm_and_its_answer_still_counts(
    on_server: Theatre,
) -> None:
    assert calamities.frozen(on_server, connections=1).faults == []


def test_only_one_worker_has_a_home_on_a_file(on_file: Theatre) -> None:
    assert calamities.frozen_alone(on_file).faults == []


def test_the_server_crashes_and_comes_back(on_server: Theatre) -> None:
    assert calamities.server_restarted(on_server).faults == []
