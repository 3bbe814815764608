"""`worker`, `scheduler` and `web` as processes, several of them on one database."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select, text

from newsletter.app import Services, initialise
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.tokens import Claim, Purpose
from newsletter.delivery.models import Delivery
from newsletter.editorial import issues
from newsletter.editorial.models import Issue
from newsletter.schedule import slots
from newsletter.schedule.models import Slot
from subscribers import spool
from subscribers.models import Subscriber, Subscription
from tests.cli.command import Command
from tests.cli.running import Running, running
from tests.conftest import fresh_database
from tests.delivery import newsroom
from tests.system import PATIENCE

TAKE_OVER_SECONDS = 15
"""By its own rhythm 8; the rest is for a machine that does other things too."""


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    """A database that several hosts share."""
    with fresh_database(postgres_url) as found:
        yield found


@pytest.fixture
def shared(url: str, home: Path) -> Iterator[Services]:
    """An installation on it, which sends to memory only."""
    made = initialise(home, {"database": {"url": url}, "public": {"url": "http://127.0.0.1:8080"}})
    yield made
    made.close()


def on(services: Services, home: Path | None = None) -> Command:
    """The command on this installation, in its home or on another host's."""
    settings = {
        "NEWSLETTER_PUBLIC__URL": "http://127.0.0.1:8080",
        "NEWSLETTER_DATABASE__URL": services.settings.database.url,
        "NEWSLETTER_DELIVERY__PROVIDER": "memory",
    }
    return Command(home or services.settings.home, settings)


def elsewhere(services: Services, home: Path) -> Command:
    """The command on another host: it has the key, and nothing else of the first home."""
    home.mkdir(mode=0o700)
    (home / "keys.json").write_bytes(services.settings.key_path.read_bytes())
    return on(services, home)


def plan(services: Services, issue_id: int, seconds: float) -> None:
    """Give the issue a time so many seconds from now."""
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        at = now() + timedelta(seconds=seconds)
        slots.schedule(session, issue.publication, issue, at=at, now=min(at, now()))


def fired(services: Services, seconds: float) -> float:
    """Wait until the issue's slot has fired; after how many seconds that was."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        with reading(services.engine) as session:
            if session.scalar(select(Slot.id).where(Slot.fired_at.is_not(None))):
                return time.monotonic() - began
        time.sleep(0.05)  # another process does it
    raise AssertionError("the slot did not fire")


def test_when_the_scheduler_is_killed_the_other_fires_the_slot_once(
    shared: Services, tmp_path: Path
) -> None:
    issue_id = newsroom.publish(shared, 3)
    other = elsewhere(shared, tmp_path / "other")
    with running(on(shared), "scheduler") as first:
        first.hears("keeping the clock")
        with running(other, "scheduler") as second, running(other, "scheduler") as third:
            for waiting in (second, third):
                waiting.hears("standing by")
            first.stop(signal.SIGKILL)
            plan(shared, issue_id, -1)  # missed while nobody keeps the clock
            assert fired(shared, 30) < TAKE_OVER_SECONDS
            ends = [one.stop() for one in (second, third)]
            assert ends == [0, 0], [second.said, third.said]
            said = [*second.said, *third.said]
    assert sum("slot fired" in line for line in said) == 1
    assert any("clock_held" in line for line in said)
    assert [second.said[-1], third.said[-1]] == ["Stopped.", "Stopped."]
    ledger = newsroom.counts(shared, issue_id)
    assert (ledger.planned, ledger.balanced) == (3, True)


def test_a_scheduler_that_stops_leaves_the_clock_to_the_next_at_once(shared: Services) -> None:
    with running(on(shared), "scheduler") as first, running(on(shared), "scheduler") as second:
        for one in (first, second):
            one.hears("Scheduling for")
        keeper, waiting = (first, second) if "keeping" in first.said[-1] else (second, first)
        assert keeper.stop(signal.SIGINT) == 0, keeper.said
        waiting.hears("Now keeping the clock", TAKE_OVER_SECONDS)


def test_workers_on_one_server_start_and_stop_cleanly(shared: Services, tmp_path: Path) -> None:
    newsroom.publish(shared, 1)
    other = elsewhere(shared, tmp_path / "other")
    with ExitStack() as stack:
        crowd = [stack.enter_context(running(one, "worker")) for one in (on(shared), other)]
        for one in crowd:
            assert "test:@" not in one.hears("Sending from")
        ends = [one.stop(number) for one, number in zip(crowd, (2, 15), strict=True)]
        assert ends == [0, 0], [one.said for one in crowd]
        assert [one.said[-1] for one in crowd] == ["Stopped.", "Stopped."]


def test_on_a_file_a_second_worker_is_refused(home: Path, newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    sending = replace(
        newsletter,
        environment={**newsletter.environment, "NEWSLETTER_DELIVERY__PROVIDER": "memory"},
    )
    with running(sending, "worker") as first:
        first.hears("Sending from")
        _holds(home)
        ran = sending.apart("worker")
        assert ran.code == 1
        assert "another process is already sending from" in ran.err
        assert "Sending from" not in ran.err
        assert first.stop() == 0, first.said


def _holds(home: Path) -> None:
    """Wait until somebody sends from this home."""
    from newsletter.cli.outgoing import _another_sends

    until = time.monotonic() + PATIENCE
    while not _another_sends(home):
        assert time.monotonic() < until
        time.sleep(0.02)


def _page(services: Services, web: Running) -> str:
    """Where the first reader's link to leave leads on these pages."""
    where = web.hears("Pages of").rpartition(" at ")[2].split()[0]
    with reading(services.engine) as session:
        who = session.scalars(select(Subscriber.public_id).order_by(Subscriber.id)).first()
    return f"{where}/u/{services.signer.sign(Claim(who or uuid4(), 1, Purpose.UNSUBSCRIBE))}"


def _left(services: Services) -> int:
    with reading(services.engine) as session:
        ended = select(Subscription.id).where(Subscription.state == "ended")
        return len(session.scalars(ended).all())


ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def test_readers_leave_by_the_pages_while_nobody_sends(shared: Services, tmp_path: Path) -> None:
    newsroom.publish(shared, 2)
    with running(elsewhere(shared, tmp_path / "other"), "web", "--port", "0") as web:
        link = _page(shared, web)
        assert "<button" in httpx.get(link).text
        assert httpx.post(link, data=ONE_CLICK).status_code == 200
        assert _left(shared) == 1
        assert web.stop() == 0, web.said
    assert web.said[-1] == "Stopped."


def test_a_wish_on_the_disk_of_a_host_with_pages_only_is_applied(
    shared: Services, tmp_path: Path
) -> None:
    newsroom.publish(shared, 1)
    other = elsewhere(shared, tmp_path / "other")
    with reading(shared.engine) as session:
        who = session.scalars(select(Subscriber.public_id)).one()
    spool.keep(other.home, spool.Leaving(who, 1, "one_click", "noted in trouble", now()))
    with running(other, "web", "--port", "0") as web:
        web.hears("Pages of")
        until = time.monotonic() + PATIENCE
        while not _left(shared):
            assert time.monotonic() < until, web.said
            time.sleep(0.05)
        assert web.stop() == 0


def test_pages_move_to_no_other_port(shared: Services) -> None:
    with running(on(shared), "web", "--port", "0") as web:
        port = web.hears("Pages of").rpartition(" at ")[2].split()[0].rpartition(":")[2]
        ran = on(shared).apart("web", "--port", port)
    assert (ran.code, f"port {port} is in use by another program" in ran.err) == (1, True), ran


def test_whatever_runs_ends_or_closes_when_the_database_is_changed_beneath_it(
    shared: Services,
) -> None:
    issue_id = newsroom.publish(shared, 1)
    with (
        running(on(shared), "scheduler") as scheduler,
        running(on(shared), "web", "--port", "0") as web,
    ):
        link = _page(shared, web)
        scheduler.hears("keeping the clock")
        with shared.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        plan(shared, issue_id, -1)
        assert scheduler.ended() == 1
        web.hears("brought to another version (9999)")
        base = link.partition("/u/")[0]
        assert httpx.get(f"{base}/healthz").status_code == 503
        assert httpx.get(f"{base}/archive/weekly").status_code == 503
        answer = httpx.post(link, data=ONE_CLICK)
        assert answer.status_code == 200
        assert web.stop() == 0
    assert "brought to another version (9999)" in "".join(scheduler.said)
    assert len(spool.waiting(shared.settings.home)) == 1
    assert _left(shared) == 0
    with reading(shared.engine) as session:
        assert session.scalar(select(Slot.id).where(Slot.fired_at.is_not(None))) is None
        assert session.scalar(select(Delivery.id)) is None
    for role in ("worker", "scheduler", "web"):
        ran = on(shared)(role)
        assert (ran.code, "install the newer version" in ran.err) == (1, True), ran


def test_a_host_without_the_image_says_so_and_sends_nothing(
    shared: Services, tmp_path: Path
) -> None:
    issue_id = newsroom.publish(shared, 1)
    with writing(shared.engine) as session:
        issue = session.get_one(Issue, issue_id)
        issue.image_name, issue.image_width, issue.image_height = f"{'0a' * 16}.jpg", 9, 9
        issue.image_alts = {"en": "A road", "my": "လမ်း"}
        issue.content_hash = issues.content_hash(issue)
    other = elsewhere(shared, tmp_path / "other")
    with running(other, "worker") as one:
        one.hears("warning: the image of issue 1 is neither in the database nor in")
        one.hears("Sending from")
        assert one.stop() == 0
    with running(other, "scheduler") as one:
        one.hears("keeping the clock")
        plan(shared, issue_id, -1)
        fired(shared, 30)
        assert one.stop() == 0
    status, _ = newsroom.status(shared, issue_id)
    assert status == "held"
    with reading(shared.engine) as session:
        assert "is neither in the database nor in" in str(
            session.get_one(Issue, issue_id).held_reason
        )
        assert session.scalar(select(Delivery.id)) is None
