"""After a death: leases, fencing, a full disk, and a stop that does not wait for ever."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, update

from newsletter.app import Services
from newsletter.core.db import database_now, writing
from newsletter.core.errors import ConfigurationError
from newsletter.delivery import claiming, outcomes, recovering
from newsletter.delivery.claiming import Claimed
from newsletter.delivery.models import Delivery
from newsletter.delivery.recording import record
from newsletter.providers.memory import MemoryConnection, MemoryProvider
from newsletter.worker import Worker
from tests.delivery import newsroom
from tests.smtp_server import HANG, ScriptedServer, nth


def claimed(services: Services, owner: str, limit: int) -> list[Claimed]:
    """What this owner gets."""
    with writing(services.engine) as session:
        return claiming.claim(session, owner, limit=limit, lease_seconds=60)


def intend(services: Services, one: Claimed, owner: str) -> bool:
    """Whether it may leave."""
    with writing(services.engine) as session:
        return claiming.intend(session, one, owner)


def recover(services: Services) -> tuple[int, int]:
    """By lease, as on several machines."""
    with writing(services.engine) as session:
        found = recovering.recover(session, me="third", alone=False)
        return found.planned, found.unknown


def run_out(services: Services, owner: str) -> None:
    """Let the lease of this owner lie in the past."""
    with writing(services.engine) as session:
        past = database_now(session) - timedelta(seconds=1)
        session.execute(update(Delivery).where(Delivery.owner == owner).values(lease_until_at=past))


def answered(services: Services, one: Claimed, owner: str) -> bool:
    """Write down a yes."""
    with writing(services.engine) as session:
        return record(session, one, owner, outcomes.accepted("250 ok"), "smtp")


def test_a_worker_that_slept_over_its_lease_can_send_nothing_of_it(any_services: Services) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 3)
    newsroom.start(services, issue_id)
    first, second, third = claimed(services, "sleeper", 20)
    assert claimed(services, "other", 20) == []
    assert intend(services, first, "sleeper")
    assert recover(services) == (0, 0)
    run_out(services, "sleeper")
    assert recover(services) == (2, 1)
    taken_over = claimed(services, "other", 20)
    assert [c.id for c in taken_over] == [second.id, third.id]
    assert not intend(services, second, "sleeper")
    assert not answered(services, second, "sleeper")
    assert answered(services, first, "sleeper"), "a late true answer settles the doubt"
    assert intend(services, taken_over[0], "other")
    assert not answered(services, second, "sleeper")
    with writing(services.engine) as session:
        assert claiming.release(session, "other", [c.id for c in taken_over]) == 1
    states = [row.state for row in newsroom.rows(services, issue_id)]
    assert states == ["submitted", "submitting", "planned"]


def test_a_lease_is_renewed_while_an_answer_is_awaited(any_services: Services) -> None:
    services = any_services
    newsroom.start(services, newsroom.publish(services, 2))
    first, _ = claimed(services, "patient", 20)
    assert intend(services, first, "patient")
    run_out(services, "patient")
    with writing(services.engine) as session:
        assert claiming.renew(session, "patient", 60) == 2
    assert recover(services) == (0, 0)


def test_a_stop_does_not_wait_for_ever_and_says_what_it_left(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.worker.STOP_SECONDS", 0.2)
    issue_id = newsroom.publish(services, 30)
    newsroom.start(services, issue_id)
    stop = threading.Event()

    def at_the_dot(count: int) -> None:
        if count == 5:
            stop.set()

    with ScriptedServer(nth("DOT", 5, HANG), on_kept=at_the_dot) as server:
        smtp = newsroom.over_smtp(services, server.port, final_timeout=60)
        Worker(smtp).run(stop, idle=0.01)
        kept = len(server.kept)
    for thread in threading.enumerate():
        if thread.name.startswith("line-"):
            thread.join(30)  # the server is gone: the line that was left behind comes back too late
    found = newsroom.counts(services, issue_id)
    assert (found.submitted, found.unknown, found.claimed) == (4, 1, 0)
    assert (kept, found.planned) == (5, 25)


class _Stumbling(MemoryProvider):
    """A provider with a bug."""

    def connect(self) -> MemoryConnection:
        raise RuntimeError("a bug")


def test_a_bug_ends_the_worker_loudly_and_holds_nothing_back(services: Services) -> None:
    issue_id = newsroom.publish(services, 30)
    newsroom.start(services, issue_id)
    services.__dict__["provider"] = _Stumbling()
    with pytest.raises(RuntimeError, match="a bug"):
        Worker(services).run(threading.Event(), idle=0.01)
    assert newsroom.counts(services, issue_id).planned == 30
    services.__dict__["provider"] = MemoryProvider()
    newsroom.work_off(services)
    assert newsroom.counts(services, issue_id).done


class Disk:
    """SQLite itself says "disk is full" when the file would have to grow while `full` is set."""

    def __init__(self, engine: Engine) -> None:
        self.full = False
        event.listen(engine, "checkout", self._limit)

    def _limit(self, connection: Any, _record: object, _proxy: object) -> None:
        pages = 1 if self.full else 2**31 - 2  # 1 means: as many as there are
        connection.execute(f"PRAGMA max_page_count={pages}").close()


def test_a_full_disk_doubles_nobody(services: Services) -> None:
    issue_id = newsroom.publish(services, 60)
    newsroom.start(services, issue_id)
    disk = Disk(services.engine)
    wordy = "250 2.0.0 " + "taken " * 80

    def fill(_count: int) -> None:
        disk.full = True

    script = {"DOT": wordy}
    with ScriptedServer(lambda at, _n: script.get(at), on_kept=fill) as server:
        smtp = newsroom.over_smtp(services, server.port)
        with pytest.raises(ConfigurationError, match="the disk is full"):
            newsroom.work_off(smtp)
        found = newsroom.counts(services, issue_id)
        assert 0 < found.submitted < 20
        assert found.submitting + found.unknown == 1, "taken, but the yes could not be stored"
        assert found.submitted + 1 == len(server.kept)
        disk.full = False
        server.on_kept = lambda _count: None
        newsroom.work_off(smtp)
    found = newsroom.counts(services, issue_id)
    assert (found.submitted, found.unknown, found.done) == (59, 1, True)
    assert set(Counter(kept.recipient for kept in server.kept).values()) == {1}
    assert len(server.kept) == 60
