"""The real alarm clock rings for real slots, catches up, hears of new ones, and stops at once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.editorial import issues, publications
from newsletter.schedule import lease, slots
from newsletter.schedule.clock import Clock
from newsletter.schedule.firing import Fired
from subscribers import directory
from tests.editorial.making import a_publication, an_approved_issue
from tests.system import PATIENCE


class _Ear:
    def __init__(self) -> None:
        self.heard: list[Fired] = []
        self.rang = threading.Event()

    def __call__(self, fired: list[Fired]) -> None:
        self.heard += fired
        self.rang.set()


def _plan(services: Services, seconds: float) -> None:
    with writing(services.engine) as session:
        publication = publications.get(session, None)
        issue = issues.latest(session, publication)
        assert issue is not None
        at = now() + timedelta(seconds=seconds)
        slots.schedule(session, publication, issue, at=at, now=min(at, now()))


@pytest.fixture
def planned(any_services: Services) -> Services:
    with writing(any_services.engine) as session:
        publication = a_publication(session)
        an_approved_issue(session, publication, "2099-W01")
        directory.add(
            session,
            any_services.sealer,
            publication_id=publication.id,
            address="a@example.org",
            edition="en",
            how="editor",
            wording="asked for it",
            now=now(),
        )
    return any_services


def test_rings_at_the_slot_and_stops_cleanly(planned: Services) -> None:
    ear = _Ear()
    _plan(planned, 1)
    clock = Clock(planned.engine, "here", ear, resync_seconds=3600)
    clock.start()
    try:
        assert not ear.rang.is_set()
        assert ear.rang.wait(PATIENCE)
    finally:
        clock.stop()
    assert [(f.issue_number, f.kind, f.reason) for f in ear.heard] == [(1, "send", "on time")]
    with reading(planned.engine) as session:
        issue = issues.get(session, publications.get(session, None), 1)
        assert issue.status == "sending"
    assert not [t for t in threading.enumerate() if "APScheduler" in t.name]
    with writing(planned.engine) as session:
        assert lease.hold(session, "clock", "another", 1, now())


def test_start_catches_up_what_was_missed(planned: Services) -> None:
    ear = _Ear()
    _plan(planned, -30)
    clock = Clock(planned.engine, "here", ear, resync_seconds=3600)
    clock.start()
    clock.stop()
    assert [f.kind for f in ear.heard] == ["send"]


def test_hears_of_what_another_process_plans(planned: Services) -> None:
    ear = _Ear()
    clock = Clock(planned.engine, "here", ear, resync_seconds=0.2)
    clock.start()
    try:
        _plan(planned, 0.5)
        assert ear.rang.wait(PATIENCE)
    finally:
        clock.stop()


def test_without_the_lease_it_keeps_still_and_stops_at_any_moment(services: Services) -> None:
    ear = _Ear()
    with writing(services.engine) as session:
        an_approved_issue(session, a_publication(session), "2099-W01")
        assert lease.hold(session, "clock", "another", 3600, now())
    _plan(services, -30)
    for _ in range(20):
        clock = Clock(services.engine, "here", ear, resync_seconds=0.01)
        clock.start()
        stopping = threading.Thread(target=clock.stop, daemon=True)
        stopping.start()
        stopping.join(PATIENCE)
        assert not stopping.is_alive()
    assert ear.heard == []
