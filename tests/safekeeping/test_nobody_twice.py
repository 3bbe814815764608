"""The promise of a restore: what went out after the backup does not go out again.

A real worker sends over real SMTP; the backup is taken in the midst of it, the first
installation goes on to its end, and the restored one is let loose for a while.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.delivery import settling
from newsletter.delivery.ledger import doubtful
from newsletter.delivery.pausing import resume
from newsletter.editorial import checks, issues
from newsletter.editorial.models import Issue
from newsletter.schedule import slots
from newsletter.schedule.firing import fire_due
from newsletter.schedule.models import Slot
from newsletter.worker import Worker
from tests.conftest import fresh_database
from tests.delivery import front_desk, newsroom
from tests.safekeeping import safe
from tests.smtp_server import ScriptedServer
from tests.system import PATIENCE

READERS = 40
BEFORE = 15
"""Messages the server holds when the backup begins; the last of them has no answer yet."""


@pytest.fixture(params=["sqlite", "postgresql"])
def other_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield ""
        return
    with fresh_database(request.getfixturevalue("postgres_url")) as url:
        yield url


class Gate:
    """Stops the server with the n-th message in its hands until the backup is made."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def kept(self, count: int) -> None:
        if count == BEFORE:
            self.reached.set()
            self.open.wait(PATIENCE)


def sending_to(services: Services, server: ScriptedServer) -> Services:
    sending = newsroom.over_smtp(services, server.port)
    patient = sending.settings.smtp.model_copy(update={"timeout": 30, "final_timeout": 30})
    return replace(sending, settings=sending.settings.model_copy(update={"smtp": patient}))


@contextmanager
def working(services: Services, issue_id: int) -> Iterator[None]:
    """A worker in a thread of its own, until the issue is sent."""
    stop = threading.Event()
    thread = threading.Thread(target=Worker(services).run, args=(stop, 0.05))
    thread.start()
    try:
        yield
        for _ in range(600):
            if newsroom.status(services, issue_id)[0] == "sent":
                break
            thread.join(0.05)
    finally:
        stop.set()
        thread.join(PATIENCE)


def test_backed_up_in_the_midst_of_sending(
    any_services: Services, other_url: str, tmp_path: Path
) -> None:
    gate, file = Gate(), tmp_path / "weekly.age"
    with ScriptedServer(on_kept=gate.kept) as server:
        first = sending_to(any_services, server)
        issue_id = newsroom.publish(first, READERS)
        newsroom.start(first, issue_id)
        with working(first, issue_id):
            assert gate.reached.wait(PATIENCE)
            answered = newsroom.counts(first, issue_id).submitted
            saved = safe.back_up(first, file)
            gate.open.set()
        assert newsroom.status(first, issue_id)[0] == "sent"
        assert len(server.kept) == READERS
        place = safe.target(tmp_path, first, other_url)
        ran = place.restore(file, "--json")
        assert ran.code == 0, ran
        assert ran.json["doubtful"] == READERS - answered, "all that had no answer in it"
        assert ran.json["tables"] == saved.tables
        restored = place.services(first)
        let_loose(restored)
        twice = [who for who, n in Counter(m.recipient for m in server.kept).items() if n > 1]
        assert twice == []
        assert len(server.kept) == READERS
        found = newsroom.counts(restored, issue_id)
        assert found.balanced
        assert (found.submitted, found.unknown) == (answered, READERS - answered)
        with reading(restored.engine) as session:
            listed = doubtful(session, issue_id)
        assert len(listed) == found.unknown
        assert all("restored from a backup of" in row["answer"] for row in listed)
        place.accept()
        settled_and_resumed(restored, issue_id, [row["delivery"] for row in listed])
        newsroom.work_off(restored)
        assert newsroom.status(restored, issue_id)[0] == "sent"
        assert len(server.kept) == READERS
        restored.close()


def let_loose(services: Services) -> None:
    """Worker and clock, now and through the next two weeks."""
    at = now()
    for hours in (0, 1, 24, 24 * 7, 24 * 14):
        with writing(services.engine) as session:
            fired = fire_due(session, at + timedelta(hours=hours))
        assert [one for one in fired if one.kind == "send"] == []
        newsroom.work_off(services)


def settled_and_resumed(services: Services, issue_id: int, ids: list[int]) -> None:
    assert newsroom.status(services, issue_id)[0] == "paused"
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        for delivery in ids:
            settling.settle(session, issue, delivery, "submitted", now())
        resume(session, issue, now())


def test_a_slot_that_the_first_one_fired_later(
    any_services: Services, other_url: str, tmp_path: Path
) -> None:
    """Approved and scheduled at the backup, sent by the first one at its time."""
    first, file = any_services, tmp_path / "weekly.age"
    issue_id = newsroom.publish(first, 3)
    due = now() + timedelta(hours=2)
    with writing(first.engine) as session:
        issue = session.get_one(Issue, issue_id)
        slots.schedule(session, issue.publication, issue, at=due, now=now())
    safe.back_up(first, file)
    with writing(first.engine) as session:
        assert [one.kind for one in fire_due(session, due) if one.issue_number] == ["send"]
    place = safe.target(tmp_path, first, other_url)
    assert place.restore(file, "--json").json["held"] == [1]
    restored = place.services(first)
    let_loose(restored)
    assert newsroom.counts(restored, issue_id).total == 0
    with reading(restored.engine) as session:
        issue = session.get_one(Issue, issue_id)
        assert issue.status == "held"
        assert (issue.held_reason or "").startswith("restored from a backup of ")
    restored.close()


def test_a_slot_that_passed_before_the_restore(services: Services, tmp_path: Path) -> None:
    """Also approved anew within the hours in which a late issue may still go out by itself."""
    file = tmp_path / "weekly.age"
    issue_id = newsroom.publish(services, 3, at=now() - timedelta(days=2))
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        issue.publication.stale_minutes = 7 * 24 * 60
        at = now() - timedelta(minutes=5)
        slots.schedule(session, issue.publication, issue, at=at, now=now() - timedelta(minutes=30))
    safe.back_up(services, file)
    place = safe.target(tmp_path, services)
    assert place.restore(file, "--json").json["slots"] == 1
    restored = place.services(services)
    with writing(restored.engine) as session:
        issue = session.get_one(Issue, issue_id)
        problems = checks.check(issue, issue.publication)
        issues.approve(session, issue, problems, now=now())
    let_loose(restored)
    assert newsroom.counts(restored, issue_id).total == 0
    with reading(restored.engine) as session:
        outcome = session.scalar(select(Slot.outcome).where(Slot.issue_id == issue_id))
    assert outcome is not None
    assert outcome.startswith("held: it passed before the restore")
    restored.close()


def test_message_ids_of_the_lost_days_do_not_come_back(
    any_services: Services, other_url: str, tmp_path: Path
) -> None:
    """A mailbox drops a second message of an id it knows, so the next issue would be lost."""
    file = tmp_path / "weekly.age"
    issue_id = newsroom.publish(any_services, 3)
    newsroom.start(any_services, issue_id)
    safe.back_up(any_services, file)
    place = safe.target(tmp_path, any_services, other_url)
    assert place.restore(file).code == 0
    restored = place.services(any_services)
    with writing(restored.engine) as session:
        old = session.get_one(Issue, issue_id)
        newer = issues.create(session, old.publication, day=old.date, now=now())
        for text in old.editorials:
            issues.set_editorial(
                session, newer, text.language, title=text.title, body=text.body, now=now()
            )
        issues.approve(session, newer, checks.check(newer, newer.publication), now=now())
        newer_id = newer.id
    place.accept()
    newsroom.start(restored, newer_id)
    before = max(row.id for row in newsroom.rows(restored, issue_id))
    after = min(row.id for row in newsroom.rows(restored, newer_id))
    assert after - before > 1_000_000
    restored.close()


def test_confirmation_mails_are_not_doubled_and_their_links_work(
    any_services: Services, other_url: str, tmp_path: Path
) -> None:
    """Planned at the backup and sent by the first one afterwards."""
    file = tmp_path / "weekly.age"
    with ScriptedServer() as server:
        first = sending_to(any_services, server)
        publication = front_desk.open_publication(first)
        front_desk.sign_up(first, publication)
        safe.back_up(first, file)
        newsroom.work_off(first)
        (kept,) = server.kept
        mail = front_desk.read(kept.data)
        place = safe.target(tmp_path, first, other_url)
        assert place.restore(file, "--json").json["confirmations"] == 1
        restored = place.services(first)
        let_loose(restored)
        assert len(server.kept) == 1
        assert front_desk.press(restored, mail) == "confirmed"
        restored.close()
