"""Homes with a launched issue, made once and copied for every round: a file, or a template
database."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, make_url, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from newsletter.app import initialise
from newsletter.core.db import open_engine, reading
from newsletter.core.sealing import Sealer
from subscribers.models import Subscriber
from tests.delivery import newsroom

CONNECTIONS = 4


@dataclass(frozen=True)
class Home:
    """One round's installation."""

    path: Path
    url: str
    """Of its database."""
    issue_id: int
    names: dict[int, str]
    """Subscriber's number → address, as it was before anything was sent."""

    def says(self, name: str = "worker.log") -> str:
        """The last lines of one of its files."""
        file = self.path / name
        return file.read_text(encoding="utf-8")[-2000:] if file.exists() else ""

    def twin(self, path: Path) -> Home:
        """Another host's home of the same installation: same keys, same database."""
        shutil.copytree(self.path, path, ignore=shutil.ignore_patterns("flight", "*.log", "*.lock"))
        return Home(path, self.url, self.issue_id, self.names)


class Template:
    """An installation with a launched issue for so many readers, ready to be copied."""

    def __init__(self, base: Path, readers: int, server_url: str | None = None) -> None:
        self.kind = "postgresql" if server_url else "sqlite"
        self.readers = readers
        self._base = base / self.kind
        self._server_url = server_url
        self._number = 0
        self._made = self._make()

    def _make(self) -> Home:
        path = self._base / "template"
        overrides: dict[str, dict[str, object]] = {
            "delivery": {"provider": "memory"},
            "public": {"url": "https://news.example.org"},
        }
        if self._server_url:
            overrides["database"] = {"url": create_database(self._server_url, "seeded")}
        services = initialise(path, overrides)
        issue_id = newsroom.publish(services, self.readers)
        newsroom.start(services, issue_id)
        with reading(services.engine) as session:
            names = names_of(session, services.sealer)
        url = services.settings.database_url
        services.close()
        return Home(path, url, issue_id, names)

    @contextmanager
    def home(self, host: str, port: int, **delivery: object) -> Iterator[Home]:
        """A fresh copy that sends to this server; both stay when an error leaves."""
        self._number += 1
        path = self._base / f"home-{self._number}"
        shutil.copytree(self._made.path, path)
        if self._server_url is None:
            url = f"sqlite:///{path / 'newsletter.db'}"
        else:
            url = create_database(self._server_url, f"r{self._number}", "seeded")
        configure(path, url if self._server_url else "", host, port, **delivery)
        yield Home(path, url, self._made.issue_id, self._made.names)
        if self._server_url is not None:
            in_server(self._server_url, f"DROP DATABASE r{self._number} WITH (FORCE)")
        shutil.rmtree(path)


def names_of(session: Session, sealer: Sealer) -> dict[int, str]:
    """Every reader's number and address."""
    found = session.execute(select(Subscriber.id, Subscriber.sealed_address))
    return {id_: sealer.open(sealed) for id_, sealed in found}


def in_server(url: str, command: str) -> None:
    """One command outside any transaction."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(command))
    engine.dispose()


def create_database(url: str, name: str, template: str = "template1") -> str:
    """A database on this server; its address."""
    in_server(url, f"CREATE DATABASE {name} TEMPLATE {template}")
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def configure(path: Path, url: str, host: str, port: int, **delivery: object) -> None:
    """Write the home's settings file."""
    sending: dict[str, object] = {
        "provider": "smtp",
        "connections": CONNECTIONS,
        "lease_seconds": 5,
        "pause_after_errors": 1000,
        **delivery,
    }
    lines = [
        f'[smtp]\nhost = "{host}"\nport = {port}\nsecurity = "none"\nallow_plain = true',
        'helo = "sender.example"\ntimeout = 15\nfinal_timeout = 20\nmax_per_connection = 300',
        "[delivery]",
        *(f"{name} = {_toml(value)}" for name, value in sending.items()),
        f'[database]\nurl = "{url}"\n[public]\nurl = "https://news.example.org"\n',
    ]
    (path / "newsletter.toml").write_text("\n".join(lines), encoding="utf-8")


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def sql(home: Home, *statements: str) -> None:
    """Say something to the database behind the back of every worker."""
    engine = open_engine(home.url)
    with engine.begin() as connection:
        _each(connection, statements)
    engine.dispose()


def _each(connection: Connection, statements: tuple[str, ...]) -> None:
    for statement in statements:
        connection.execute(text(statement))


def keep(home: Home) -> None:
    """For whoever looks into what went wrong: the directory, and every row of the ledger."""
    kept = home.path.with_name(f"{home.path.name}-faulty")
    shutil.copytree(home.path, kept)
    engine = open_engine(home.url)
    with engine.begin() as connection:
        for table in ("chunks", "deliveries"):
            rows = connection.execute(text(f"SELECT * FROM {table} ORDER BY id"))
            lines = [" ".join(map(str, row)) for row in (rows.keys(), *rows)]
            (kept / f"{table}.txt").write_text("\n".join(lines), encoding="utf-8")
    engine.dispose()
