"""U18: leaving while the database is read-only, locked, in the middle of an upgrade, or away."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from newsletter.app import Services
from newsletter.core.db import open_engine
from newsletter.core.tokens import Purpose
from subscribers import spool
from tests.system import PATIENCE
from tests.web.conftest import Site, running

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
GONE = ("ended", "my", ["given editor", "withdrawn one_click"])
Trouble = Callable[[Services], AbstractContextManager[Services]]

_HOLDER = """
import sys
from sqlalchemy import create_engine
engine = create_engine(sys.argv[1])
with engine.connect() as connection:
    if engine.dialect.name == "sqlite":
        connection.connection.driver_connection.isolation_level = None
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
    else:
        connection.exec_driver_sql("LOCK TABLE subscriptions IN ACCESS EXCLUSIVE MODE")
    print("held", flush=True)
    sys.stdin.read()
"""


def _url(services: Services) -> str:
    return services.engine.url.render_as_string(hide_password=False)


def _on_server(services: Services, statement: str) -> None:
    """As another session of the same server, in another database."""
    other = create_engine(
        make_url(_url(services)).set(database="postgres"), isolation_level="AUTOCOMMIT"
    )
    with other.connect() as connection:
        connection.execute(text(statement.format(services.engine.url.database)))
    other.dispose()


@contextmanager
def _read_only(services: Services) -> Iterator[Services]:
    """As root no mode of a file stops SQLite, so the file is opened for reading only."""
    if services.engine.dialect.name == "sqlite":
        engine = open_engine(f"sqlite:///file:{services.engine.url.database}?mode=ro&uri=true")
        yield replace(services, engine=engine)
        engine.dispose()
        return
    services.engine.dispose()
    _on_server(services, "ALTER DATABASE {} SET default_transaction_read_only = on")
    yield services
    _on_server(services, "ALTER DATABASE {} RESET default_transaction_read_only")
    services.engine.dispose()


@contextmanager
def _locked(services: Services) -> Iterator[Services]:
    """By another process, as an upgrade or a backup would."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, _url(services)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout
    assert holder.stdout.readline() == b"held\n"
    yield services
    holder.communicate(b"")


@contextmanager
def _upgraded(services: Services) -> Iterator[Services]:
    """The tables are not those this program knows."""
    for old, new in (("subscriptions", "moved"), ("moved", "subscriptions")):
        if old == "moved":
            yield services
        with services.engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


@contextmanager
def _away(services: Services) -> Iterator[Services]:
    """Nothing answers there."""
    if services.engine.dialect.name == "sqlite":
        file = Path(services.engine.url.database or "")
        services.engine.dispose()
        file.rename(file.with_suffix(".away"))
        yield services
        file.unlink(missing_ok=True)  # an empty one that SQLite made
        file.with_suffix(".away").rename(file)
        services.engine.dispose()
        return
    _on_server(services, "ALTER DATABASE {} WITH ALLOW_CONNECTIONS false")
    _on_server(
        services,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
    )
    yield services
    _on_server(services, "ALTER DATABASE {} WITH ALLOW_CONNECTIONS true")


TROUBLES = [_read_only, _locked, _upgraded, _away]


def _waiting(site: Site) -> int:
    place = site.services.settings.home / "spool" / "leaving"
    return len(list(place.glob("*.json"))) if place.exists() else 0


@pytest.mark.parametrize("trouble", TROUBLES)
def test_u18_one_click_is_answered_and_kept(
    any_site: Site, client: httpx.Client, trouble: Trouble
) -> None:
    path = f"/u/{any_site.token(Purpose.UNSUBSCRIBE)}"
    with trouble(any_site.services) as services, running(services) as server:
        for _ in range(2):
            began = time.monotonic()
            answer = client.post(server.url + path, data=ONE_CLICK)
            assert time.monotonic() - began < 30
            assert answer.status_code == 200
            assert len(answer.content) < 200
        assert _waiting(any_site) == 1
    assert spool.drain(any_site.services.engine, any_site.services.settings.home) == 1
    assert any_site.standing() == GONE
    assert _waiting(any_site) == 0


@pytest.mark.parametrize("trouble", TROUBLES)
def test_u18_the_page_works_too_and_says_calmly_that_it_is_noted(
    any_site: Site, client: httpx.Client, trouble: Trouble
) -> None:
    path = f"/u/{any_site.token(Purpose.UNSUBSCRIBE)}?l=en"
    with trouble(any_site.services) as services, running(services) as server:
        began = time.monotonic()
        page = client.get(server.url + path)
        assert page.status_code == 200
        assert "<button" in page.text
        noted = client.post(server.url + path, data={"leave": "1"})
        assert time.monotonic() - began < 30
        assert noted.status_code == 200
        again = client.get(server.url + path)
        for answer in (noted, again):
            assert "Your wish to leave has been noted" in answer.text
            assert "<form" not in answer.text
    spool.drain(any_site.services.engine, any_site.services.settings.home)
    assert any_site.standing()[0] == "ended"
    assert "You have been unsubscribed" in client.get(any_site.url + path).text


def test_u18_a_crowd_at_a_locked_database_is_answered_as_fast(any_site: Site) -> None:
    """Right after an issue hundreds may press; they must not wait in a row for one another."""
    path = f"/u/{any_site.token(Purpose.UNSUBSCRIBE)}"
    with _locked(any_site.services) as services, running(services) as server:

        def press(_: int) -> float:
            began = time.monotonic()
            answer = httpx.post(
                server.url + path, data=ONE_CLICK, trust_env=False, timeout=PATIENCE
            )
            assert answer.status_code == 200
            return time.monotonic() - began

        press(0)
        with ThreadPoolExecutor(100) as pool:
            slowest = max(pool.map(press, range(200)))
        assert sum(thread.name == "within" for thread in threading.enumerate()) < 80
    assert slowest < 10  # two hundred in a row would take three seconds for every forty
    assert _waiting(any_site) == 1
    spool.drain(any_site.services.engine, any_site.services.settings.home)
    assert any_site.standing() == GONE


def test_u18_a_bad_link_stays_one_in_trouble(any_site: Site, client: httpx.Client) -> None:
    bad = any_site.token(Purpose.UNSUBSCRIBE)[:-4] + "AAAA"
    with _read_only(any_site.services) as services, running(services) as server:
        for fields in (ONE_CLICK, {"leave": "1"}):
            assert client.post(f"{server.url}/u/{bad}", data=fields).status_code == 400
    assert _waiting(any_site) == 0


def test_u18_when_the_disk_refuses_too_nobody_is_told_they_left(
    site: Site, client: httpx.Client
) -> None:
    (site.services.settings.home / "spool").write_text("this is no directory")
    path = f"/u/{site.token(Purpose.UNSUBSCRIBE)}?l=en"
    with _read_only(site.services) as services, running(services) as server:
        for fields in (ONE_CLICK, {"leave": "1"}):
            answer = client.post(server.url + path, data=fields)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
            assert "You are still on the list" in answer.text
            assert "You have been unsubscribed" not in answer.text
    assert site.standing()[0] == "active"
