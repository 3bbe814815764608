"""Transactions: whole or not at all, aware times only, and no 'locked' among many writers."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from newsletter.app import Services
from newsletter.core.db import open_engine, reading, writing
from newsletter.core.errors import ConfigurationError
from newsletter.schedule.models import Lease

AT = datetime(2026, 11, 23, 9, 0, tzinfo=timezone(timedelta(hours=6, minutes=30)))


def test_an_instant_comes_back_as_the_same_instant(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        session.add(Lease(name="a", owner="x", until_at=AT))
    with reading(any_services.engine) as session:
        found = session.scalars(select(Lease.until_at)).one()
    assert found == AT
    assert found.tzinfo == UTC


def test_a_naive_time_is_refused(any_services: Services) -> None:
    with pytest.raises(StatementError, match="without a zone"), writing(any_services.engine) as s:
        s.add(Lease(name="a", owner="x", until_at=AT.replace(tzinfo=None)))


def test_an_error_leaves_nothing_behind(any_services: Services) -> None:
    with pytest.raises(RuntimeError), writing(any_services.engine) as session:
        session.add(Lease(name="a", owner="x", until_at=AT))
        session.flush()
        raise RuntimeError
    with reading(any_services.engine) as session:
        assert session.scalar(select(func.count()).select_from(Lease)) == 0


def test_many_writers_that_read_first_all_succeed(services: Services) -> None:
    with writing(services.engine) as session:
        session.add(Lease(name="count", owner="0", until_at=AT))
    errors: list[BaseException] = []

    def write() -> None:
        try:
            for _ in range(20):
                with writing(services.engine) as session:
                    row = session.get_one(Lease, "count")
                    row.owner = str(int(row.owner) + 1)
        except BaseException as err:  # noqa: BLE001
            errors.append(err)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with reading(services.engine) as session:
        assert session.get_one(Lease, "count").owner == "160"


def test_full_disk_is_a_sentence_and_stores_nothing(services: Services) -> None:
    with services.engine.connect() as connection:
        pages = connection.scalar(text("PRAGMA page_count"))
    with pytest.raises(ConfigurationError, match="disk is full"), writing(services.engine) as s:
        s.execute(text(f"PRAGMA max_page_count={pages}"))
        for number in range(2000):
            s.add(Lease(name=f"{number:032d}", owner="x" * 64, until_at=AT))
        s.flush()
    with reading(services.engine) as session:
        assert session.scalar(select(func.count()).select_from(Lease)) == 0


def test_an_error_of_the_database_tells_no_values(any_services: Services) -> None:
    secret = "aye@example.org"
    with pytest.raises(IntegrityError) as caught, writing(any_services.engine) as session:
        for _ in range(2):
            session.execute(
                text("INSERT INTO leases (name, owner, until_at) VALUES (:n, 'x', :at)"),
                {"n": secret, "at": "2026-11-23 02:30:00"},
            )
    assert secret not in str(caught.value).replace(str(caught.value.orig), "")


def test_every_line_and_every_page_finds_a_connection(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'many.db'}")
    with ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(engine.connect())
    engine.dispose()
