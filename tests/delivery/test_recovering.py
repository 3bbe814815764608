"""After a death: leases, fencing, a full disk, and a stop that does not wait for ever."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, update

from newsletter.app import Services
from newsletter.core.db import database_now, writing
from newsletter.core.errors import ConfigurationError
from newsletter.delivery import claiming, flight, outcomes, recovering
from newsletter.delivery.claiming import Claim
from newsletter.delivery.flight import Noted, Recorder, owners
from newsletter.delivery.models import Chunk
from newsletter.delivery.recording import Result, record_late
from newsletter.delivery.recovering import Recovered
from newsletter.providers.memory import MemoryConnection, MemoryProvider
from newsletter.worker import Worker
from tests.delivery import newsroom
from tests.smtp_server import HANG, ScriptedServer, nth
from tests.system import PATIENCE


def claimed(services: Services, owner: str) -> Claim | None:
    """What this owner gets."""
    with writing(services.engine) as session:
        return claiming.claim(session, owner, lease_seconds=60)


def intend(services: Services, mine: Claim, owner: str, mark: int) -> bool:
    """Whether the messages up to this one may leave."""
    with writing(services.engine) as session:
        return claiming.intend(session, mine, owner, mark)


def recover(services: Services, home: Path | None = None) -> Recovered:
    """By lease, as on several machines."""
    with writing(services.engine) as session:
        place = home or services.settings.home
        return recovering.recover(session, place, me="third", alone=False)


def resolve(services: Services) -> Recovered:
    """As a worker that starts where others had died."""
    with writing(services.engine) as session:
        found, over = recovering.resolve(session, services.settings.home, me="third")
    for owner in over:
        flight.forget(services.settings.home, owner)
    return found


def run_out(services: Services) -> None:
    """Let every lease lie in the past."""
    with writing(services.engine) as session:
        past = database_now(session) - timedelta(seconds=1)
        session.execute(update(Chunk).values(lease_until_at=past))


def said_yes(delivery_id: int, subscriber_id: int | None = None) -> Result:
    """An answer as a line heard it."""
    return Result(delivery_id, subscriber_id, 0, outcomes.accepted("250 ok"), "smtp")


def late(services: Services, owner: str, *delivery_ids: int) -> int:
    """Write down answers for a chunk that was lost; how many were still wanted."""
    with writing(services.engine) as session:
        return record_late(session, owner, [said_yes(number) for number in delivery_ids])


def states(services: Services, issue_id: int) -> list[str]:
    """Of all deliveries in order."""
    return [row.state for row in newsroom.rows(services, issue_id)]


def test_a_worker_that_slept_over_its_lease_can_send_nothing_of_it(any_services: Services) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 3)
    newsroom.start(services, issue_id)
    mine = claimed(services, "sleeper")
    assert mine is not None
    assert claimed(services, "other") is None
    first = mine.first_id
    assert intend(services, mine, "sleeper", first)
    assert newsroom.counts(services, issue_id).submitting == 1
    assert newsroom.counts(services, issue_id).claimed == 2
    assert recover(services) == Recovered()
    run_out(services)
    assert recover(services) == Recovered(planned=2, unknown=1)
    theirs = claimed(services, "other")
    assert theirs is not None
    assert theirs.turn == mine.turn + 1
    assert not intend(services, mine, "sleeper", first + 1)
    with writing(services.engine) as session:
        assert not claiming.hold(session, mine, "sleeper", 60)
        assert not claiming.release(session, mine, "sleeper", "sending")
    assert late(services, "sleeper", first + 1) == 0
    assert late(services, "sleeper", first) == 1, "a late true answer settles the doubt"
    assert intend(services, theirs, "other", first + 1)
    assert states(services, issue_id) == ["submitted", "planned", "planned"]
    assert newsroom.counts(services, issue_id).submitting == 1
    with writing(services.engine) as session:
        assert claiming.release(session, theirs, "other", "sending")
    assert newsroom.counts(services, issue_id).planned == 2


def test_a_lease_is_renewed_while_an_answer_is_awaited(any_services: Services) -> None:
    services = any_services
    newsroom.start(services, newsroom.publish(services, 2))
    mine = claimed(services, "patient")
    assert mine is not None
    assert intend(services, mine, "patient", mine.last_id)
    run_out(services)
    with writing(services.engine) as session:
        assert claiming.renew(session, "patient", [mine.chunk_id], 60) == 1
    assert recover(services) == Recovered()


def _died(services: Services, owner: str) -> Claim:
    """A worker that let four leave: the first was taken, the second refused, the third has no
    answer, the fourth had not begun to leave; then it was killed."""
    recorder = Recorder(services.settings.home, owner, 1)
    strip = recorder.strip()
    mine = claimed(services, owner)
    assert mine is not None
    assert intend(services, mine, owner, mine.first_id + 3)
    for place, answer in enumerate([Noted.TAKEN, Noted.NOT_TAKEN, None]):
        strip.leaving(mine.first_id + place)
        if answer is not None:
            strip.answered(mine.first_id + place, answer)
    recorder.close(forget=False)
    run_out(services)
    return mine


def test_the_recorder_tells_what_was_leaving_from_what_was_not(any_services: Services) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 6)
    newsroom.start(services, issue_id)
    _died(services, "dead:1")
    assert recover(services) == Recovered(planned=4, submitted=1, unknown=1)
    assert states(services, issue_id) == ["submitted", "planned", "unknown", *["planned"] * 3]
    newsroom.work_off(services)
    assert len(newsroom.taken(services)) == 4
    assert resolve(services) == Recovered()
    assert owners(services.settings.home) == [], "a file that is no longer needed goes"


def test_another_machine_calls_all_of_it_unknown_until_the_recorder_is_found(
    any_services: Services, tmp_path: Path
) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 6)
    newsroom.start(services, issue_id)
    _died(services, "dead:1")
    assert recover(services, tmp_path / "elsewhere") == Recovered(planned=2, unknown=4)
    assert newsroom.counts(services, issue_id).unknown == 4
    assert resolve(services) == Recovered(planned=2, submitted=1)
    assert states(services, issue_id) == ["submitted", "planned", "unknown", *["planned"] * 3]
    newsroom.work_off(services)
    found = newsroom.counts(services, issue_id)
    assert (found.submitted, found.unknown, found.done) == (5, 1, True)


def test_a_recorder_of_before_the_last_boot_is_not_believed(
    services: Services, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    issue_id = newsroom.publish(services, 6)
    newsroom.start(services, issue_id)
    _died(services, "dead:1")
    boot = tmp_path / "boot_id"
    boot.write_text("another-boot")
    monkeypatch.setattr(flight, "_BOOT", boot)
    assert recover(services) == Recovered(planned=2, unknown=4)
    assert resolve(services) == Recovered()
    assert newsroom.counts(services, issue_id).unknown == 4


def test_the_recorder_of_a_frozen_worker_is_not_believed(services: Services) -> None:
    """It may wake up and go on: what it had been allowed to send may leave at any moment."""
    issue_id = newsroom.publish(services, 3)
    newsroom.start(services, issue_id)
    alive = Recorder(services.settings.home, "frozen:1", 1)
    mine = claimed(services, "frozen:1")
    assert mine is not None
    assert intend(services, mine, "frozen:1", mine.first_id + 1)
    run_out(services)
    assert recover(services) == Recovered(planned=1, unknown=2)
    assert resolve(services) == Recovered()
    alive.close(forget=False)
    assert resolve(services) == Recovered(planned=2)
    assert newsroom.counts(services, issue_id).planned == 3


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
        smtp = newsroom.over_smtp(services, server.port)
        Worker(smtp).run(stop, idle=0.01)
        kept = len(server.kept)
    for thread in threading.enumerate():
        if thread.name.startswith("line-"):
            thread.join(
                PATIENCE
            )  # the server is gone: the line that was left behind comes back too late
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
    newsroom.use(services, _Stumbling())
    with pytest.raises(RuntimeError, match="a bug"):
        Worker(services).run(threading.Event(), idle=0.01)
    assert newsroom.counts(services, issue_id).planned == 30
    newsroom.use(services, MemoryProvider())
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
        assert 0 < len(server.kept) < 60
        assert newsroom.counts(services, issue_id).submitted < len(server.kept), "not stored"
        disk.full = False
        server.on_kept = lambda _count: None
        newsroom.work_off(smtp)
    found = newsroom.counts(services, issue_id)
    assert (found.submitted, found.unknown, found.done) == (60, 0, True), "the recorder knew"
    assert set(Counter(kept.recipient for kept in server.kept).values()) == {1}
    assert len(server.kept) == 60
