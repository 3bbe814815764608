"""Of several clocks on one server one fires, and whatever becomes of it another goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from newsletter import migrations
from newsletter.app import Services, initialise
from newsletter.core.clock import now
from newsletter.core.db import open_engine, reading, writing
from newsletter.core.errors import ConfigurationError
from newsletter.delivery.models import Delivery
from newsletter.editorial.models import Issue
from newsletter.schedule import clock as clock_module
from newsletter.schedule import lease, slots
from newsletter.schedule.clock import Clock
from newsletter.schedule.models import Slot
from tests.conftest import fresh_database
from tests.delivery import newsroom
from tests.schedule.test_clock import _Ear
from tests.system import PATIENCE


@pytest.fixture
def shared(postgres_url: str, home: object) -> Iterator[Services]:
    """An installation on a server with an approved issue for two readers."""
    with fresh_database(postgres_url) as url:
        settings = {"database": {"url": url}, "public": {"url": "http://127.0.0.1:8080"}}
        made = initialise(home, settings)  # type: ignore[arg-type]
        newsroom.publish(made, 2)
        yield made
        made.close()


@contextmanager
def keeping(services: Services, owner: str, ear: _Ear) -> Iterator[Clock]:
    """A clock as another host has it: with connections of its own."""
    with ExitStack() as stack:
        engine = open_engine(services.settings.database_url)
        stack.callback(engine.dispose)
        clock = Clock(engine, owner, ear, resync_seconds=0.1)
        clock.start()
        stack.callback(clock.stop)
        yield clock


def due(services: Services) -> None:
    with writing(services.engine) as session:
        issue = session.scalars(select(Issue)).one()
        at = now() - timedelta(seconds=1)
        slots.schedule(session, issue.publication, issue, at=at, now=at)


def launched(services: Services) -> int:
    with reading(services.engine) as session:
        return session.scalar(select(func.count()).select_from(Delivery)) or 0


def test_who_stands_by_takes_over_when_the_lease_runs_out(shared: Services) -> None:
    ear = _Ear()
    with writing(shared.engine) as session:  # by a process that was killed since
        assert lease.hold(session, "clock", "dead", 1.5, now())
    due(shared)
    with keeping(shared, "next", ear) as clock:
        assert (clock.holds, ear.heard) == (False, [])
        assert ear.rang.wait(PATIENCE)
        assert clock.holds
    assert launched(shared) == 2


def test_its_rhythm_lets_another_take_over_within_eight_seconds() -> None:
    beat = clock_module._BEAT_SECONDS["postgresql"]
    assert beat * clock_module._BEATS_MISSED + beat <= 8


def test_a_firing_that_is_not_heard_any_more_holds_nobody_up(
    shared: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that lost its network in the midst of it keeps its connection, and so its locks."""
    monkeypatch.setattr(clock_module, "_CUT_OFF_SECONDS", 1)
    silent, goes_on, ear = threading.Event(), threading.Event(), _Ear()

    def cut_off(*_: object) -> None:
        silent.set()
        assert goes_on.wait(PATIENCE)

    due(shared)
    lost = Clock(shared.engine, "lost", ear, resync_seconds=3600, proof=cut_off)
    failed: list[BaseException] = []
    thread = threading.Thread(target=lambda: _started(lost, failed))
    thread.start()
    assert silent.wait(PATIENCE)
    with keeping(shared, "next", ear):
        assert ear.rang.wait(PATIENCE)
        assert launched(shared) == 2
        goes_on.set()
        thread.join(PATIENCE)
    assert failed == []
    assert lost.over is None, "it goes on, as one of those that stand by"
    assert launched(shared) == 2
    assert len(ear.heard) == 1


def _started(clock: Clock, failed: list[BaseException]) -> None:
    try:
        clock.start()
    except Exception as err:  # noqa: BLE001  (looked at by the test)
        failed.append(err)
    with suppress(ConfigurationError):
        clock.stop()


def test_it_fires_nothing_in_a_database_of_another_version(shared: Services) -> None:
    ear = _Ear()
    with keeping(shared, "old", ear) as clock:
        with shared.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        due(shared)
        clock._resync()
        assert isinstance(clock.over, migrations.OtherVersion)
    assert ear.heard == []
    with reading(shared.engine) as session:
        assert session.scalar(select(Slot.id).where(Slot.fired_at.is_not(None))) is None
