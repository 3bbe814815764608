"""What nobody confirmed is forgotten whole; what else we hold of a person stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from newsletter.app import Services
from newsletter.core.addresses import parse
from newsletter.core.db import Base, reading, writing
from newsletter.delivery import transactional
from newsletter.delivery.models import Delivery
from newsletter.editorial import publications
from newsletter.worker import Worker
from subscribers import hygiene, optin
from subscribers.hygiene import Cleaned
from subscribers.models import Confirmation, Consent, SignupMark, Subscriber, Subscription
from tests.subscribers.conftest import NOW, Add

DAYS = timedelta(days=1)
LIMITS = optin.Limits(1, 3, 1000, 7)


def ask(
    services: Services, publication_id: int, address: str = "reader@example.org", at: datetime = NOW
) -> Any:
    with writing(services.engine) as session:
        due = optin.subscribe(
            session, services.sealer, publication_id=publication_id, address=parse(address),
            edition="en", wording="Subscribe", limits=LIMITS, now=at,
        )  # fmt: skip
        assert due is not None
        transactional.plan(session, due, at)
        return due.public_id


def press(services: Services, publication_id: int, public_id: Any, at: datetime) -> None:
    with writing(services.engine) as session:
        asked = {"public_id": public_id, "publication_id": publication_id, "now": at}
        assert optin.confirm(session, wording="Confirm", **asked) == "confirmed"


def clean(services: Services, at: datetime) -> Cleaned:
    with writing(services.engine) as session:
        return hygiene.clean(session, at)


def left(services: Services) -> dict[str, int]:
    tables: list[type[Base]] = [
        Subscriber, Subscription, Confirmation, Consent, Delivery, SignupMark,
    ]  # fmt: skip
    with reading(services.engine) as session:
        found = {t.__name__: session.scalar(select(func.count()).select_from(t)) for t in tables}
        return {name: count for name, count in found.items() if count}


def test_the_unconfirmed_are_forgotten_whole_after_seven_days(
    any_services: Services, publication_id: int
) -> None:
    ask(any_services, publication_id)
    assert clean(any_services, NOW + 7 * DAYS - timedelta(seconds=1)) == Cleaned(0, 0, 0, 0)
    assert clean(any_services, NOW + 7 * DAYS) == Cleaned(1, 1, 1, 0)
    assert left(any_services) == {"SignupMark": 1}
    assert clean(any_services, NOW + 30 * DAYS) == Cleaned(0, 0, 0, 1)
    assert left(any_services) == {}


def test_the_worker_leaves_no_trace_of_them_in_the_journal(file_services: Services) -> None:
    """SQLite keeps it while somebody reads older pages; the round after that empties it."""
    services = file_services
    home = services.settings.home
    with writing(services.engine) as session:
        made = publications.create(session, publications.default(), now=NOW)
        session.flush()
        publication_id = made.id
    address = services.sealer.blind_index("reader@example.org")
    ask(services, publication_id)

    def traces() -> set[str]:
        return {path.name for path in home.glob("newsletter.db*") if address in path.read_bytes()}

    worker = Worker(services)
    with reading(services.engine) as looking:
        assert looking.scalar(select(func.count()).select_from(Subscriber)) == 1
        worker._clean(NOW + 8 * DAYS)
        assert left(services) == {"SignupMark": 1}
        assert traces() >= {"newsletter.db-wal"}
    worker._clean(NOW + 8 * DAYS + timedelta(minutes=2))
    assert traces() == set()
    worker.close()


def test_a_newer_sign_up_keeps_them(any_services: Services, publication_id: int) -> None:
    ask(any_services, publication_id)
    again = ask(any_services, publication_id, at=NOW + 5 * DAYS)
    assert clean(any_services, NOW + 8 * DAYS) == Cleaned(1, 0, 0, 0)
    press(any_services, publication_id, again, NOW + 9 * DAYS)
    assert clean(any_services, NOW + 13 * DAYS) == Cleaned(1, 0, 0, 0)
    assert left(any_services) == {"Subscriber": 1, "Subscription": 1, "Consent": 1, "SignupMark": 2}


def test_readers_and_those_who_left_stay(
    any_services: Services, publication_id: int, add: Add
) -> None:
    with writing(any_services.engine) as session:
        add(session, "reader@example.org")
        add(session, "gone@example.org")
        for held in session.scalars(select(Subscription).where(Subscription.id == 2)):
            held.state, held.ended_at = "ended", NOW - DAYS
    ask(any_services, publication_id)
    ask(any_services, publication_id, "gone@example.org")
    assert clean(any_services, NOW + 7 * DAYS) == Cleaned(2, 0, 0, 0)
    assert left(any_services)["Subscriber"] == 2


def test_a_reader_of_another_newsletter_keeps_that(
    any_services: Services, publication_id: int, add: Add
) -> None:
    with writing(any_services.engine) as session:
        add(session, "reader@example.org")
        wanted = publications.default()
        wanted.slug = "another"
        other = publications.create(session, wanted, now=NOW).id
    ask(any_services, other)
    assert clean(any_services, NOW + 7 * DAYS) == Cleaned(1, 1, 0, 0)
    assert left(any_services)["Subscription"] == 1


def test_many_go_in_batches(
    any_services: Services, publication_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hygiene, "BATCH", 4)
    for number in range(10):
        ask(any_services, publication_id, f"r{number}@example.org")
    sizes = [clean(any_services, NOW + 31 * DAYS).confirmations for _ in range(4)]
    assert sizes == [4, 4, 2, 0]
    assert left(any_services) == {}


def test_a_sign_up_that_is_being_stored_is_left_alone(
    any_services: Services, publication_id: int
) -> None:
    """Not waited for, and not taken for one that nobody asks for any more."""
    if any_services.engine.dialect.name == "sqlite":
        return  # one writer at a time: there is no such moment
    ask(any_services, publication_id)
    later = NOW + 8 * DAYS
    with writing(any_services.engine) as storing:
        due = optin.subscribe(
            storing, any_services.sealer, publication_id=publication_id,
            address=parse("reader@example.org"), edition="en", wording="Subscribe",
            limits=LIMITS, now=later,
        )  # fmt: skip
        assert due is not None
        with writing(any_services.engine) as cleaning:
            cleaning.execute(text("SET LOCAL lock_timeout = '5s'"))
            assert hygiene.clean(cleaning, later) == Cleaned(0, 0, 0, 0)
    assert clean(any_services, later) == Cleaned(1, 0, 0, 0)
    press(any_services, publication_id, due.public_id, later)


def test_whoever_signs_up_at_that_moment_is_kept(
    any_services: Services, publication_id: int
) -> None:
    """The row that is about to go is not found, or is kept: no sign-up is lost in between."""
    names = [f"r{number}@example.org" for number in range(40)]
    for name in names:
        ask(any_services, publication_id, name)
    later = NOW + 8 * DAYS

    def work(number: int) -> None:
        if number % 4 == 0:
            clean(any_services, later)
        else:
            ask(any_services, publication_id, names[number], later)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))
    clean(any_services, later)
    with reading(any_services.engine) as session:
        live = (
            select(func.count()).select_from(Confirmation).where(Confirmation.created_at == later)
        )
        assert session.scalar(live) == 30
        assert session.scalar(select(func.count()).select_from(Subscription)) == 30
        assert session.scalar(select(func.count()).select_from(Delivery)) == 30
