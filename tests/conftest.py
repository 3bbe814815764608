"""Homes, databases and services for the tests. Real ones; only loopback may be reached."""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import create_engine, text

from newsletter import migrations
from newsletter.app import Services, initialise
from newsletter.core.db import open_engine
from tests import postgres
from tests.system import require, require_font

for _name in list(os.environ):
    if _name.startswith("NEWSLETTER_"):
        del os.environ[_name]

# How long an example takes says nothing on a machine that does other work too.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

_OVERRIDES: dict[str, dict[str, object]] = {
    "delivery": {"provider": "memory"},
    "public": {"url": "http://127.0.0.1:8080"},
}
_LOOPBACK = ("127.", "::1", "localhost")
_CHROMIUM = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.fixture(autouse=True)
def _only_loopback(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may speak to another machine, but those for which somebody gave keys."""
    if request.node.get_closest_marker("live"):
        return
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))


def _guarded(real: Callable[..., object]) -> Callable[..., object]:
    def only_here(self: socket.socket, *args: object) -> object:
        address = args[-1]
        if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
            raise AssertionError(f"a test wanted to reach {address[0]}")
        return real(self, *args)

    return only_here


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A directory for all state of one test."""
    return tmp_path / "home"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A running PostgreSQL server for the whole run."""
    with postgres.cluster(hasty=True) as url:
        yield url


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file at HEAD with nothing in it: copied, because making all tables anew for each
    test takes most of what an installation takes. test_migrations.py makes them step by step."""
    path = tmp_path_factory.mktemp("tables") / "newsletter.db"
    _make_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_tables(postgres_url: str) -> Iterator[str]:
    """The name of a database at HEAD with nothing in it, on the server of the whole run."""
    made = fresh_database(postgres_url)
    with made as url:
        _make_tables(url)
        yield made.name


def _make_tables(url: str) -> None:
    engine = open_engine(url)
    migrations.upgrade(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, started once for the whole run: each start costs seconds of a core."""
    program = require("chromium", "chromium")
    require_font()
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=program, args=_CHROMIUM)
        yield made
        made.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--database postgresql`: what usually runs on SQLite alone runs on a server."""
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite")


@pytest.fixture
def services(request: pytest.FixtureRequest, home: Path) -> Iterator[Services]:
    """An empty installation with the memory provider, on SQLite unless asked otherwise."""
    yield from _installation(request, home, request.config.getoption("--database"))


@pytest.fixture
def file_services(request: pytest.FixtureRequest, home: Path) -> Iterator[Services]:
    """An empty installation on SQLite whatever was asked: the test looks into its files."""
    yield from _installation(request, home, "sqlite")


@pytest.fixture(params=["sqlite", "postgresql"])
def any_services(request: pytest.FixtureRequest, home: Path) -> Iterator[Services]:
    """An empty installation on each database in turn."""
    yield from _installation(request, home, request.param)


def _installation(request: pytest.FixtureRequest, home: Path, kind: str) -> Iterator[Services]:
    if kind == "sqlite":
        home.mkdir(mode=0o700, exist_ok=True)
        shutil.copy(request.getfixturevalue("tables"), home)
        made = initialise(home, _OVERRIDES)
        yield made
        made.close()
        return
    server, like = map(request.getfixturevalue, ("postgres_url", "postgres_tables"))
    with fresh_database(server, like) as url:
        made = initialise(home, {**_OVERRIDES, "database": {"url": url}})
        yield made
        made.close()


class fresh_database:  # noqa: N801
    """A database of its own on a running server, empty or `like` another, dropped afterwards."""

    def __init__(self, server_url: str, like: str = "template1") -> None:
        self.server = create_engine(server_url, isolation_level="AUTOCOMMIT")
        self.name, self.like = f"t{uuid.uuid4().hex}", like

    def __enter__(self) -> str:
        with self.server.connect() as connection:
            version = connection.dialect.server_version_info or (0,)
            how = "STRATEGY file_copy" if version >= (15,) else ""  # older ones know no other
            connection.execute(text(f"CREATE DATABASE {self.name} TEMPLATE {self.like} {how}"))
        return str(self.server.url.set(database=self.name).render_as_string(hide_password=False))

    def __exit__(self, *_: object) -> None:
        with self.server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {self.name} WITH (FORCE)"))
        self.server.dispose()
