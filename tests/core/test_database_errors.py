"""A database that refuses is a sentence with the place and the remedy, and never a password."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from newsletter import migrations
from newsletter.app import initialise, open_services
from newsletter.core.database_errors import address
from newsletter.core.db import open_engine, reading, writing
from newsletter.core.errors import ConfigurationError, InputError, NewsletterError


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 2 MB, which only the superuser can make."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small disk (root)")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def _fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("ab") as file:
        file.write(b"\0" * shutil.disk_usage(disk).free)
    return filler


def test_full_disk_in_the_midst_of_a_step(small_disk: Path) -> None:
    engine = open_engine(f"sqlite:///{small_disk / 'newsletter.db'}")
    with writing(engine) as session:
        session.execute(text("CREATE TABLE large (filling BLOB)"))
    with pytest.raises(ConfigurationError, match="the disk is full"), writing(engine) as session:
        session.execute(text("INSERT INTO large VALUES (zeroblob(3000000))"))
    engine.dispose()


def test_full_disk_at_opening(small_disk: Path) -> None:
    initialise(small_disk / "home").close()
    _fill(small_disk)
    for again in (open_services, initialise):
        with pytest.raises(ConfigurationError, match=r"the disk is full .*make room"):
            again(small_disk / "home")


def test_init_on_a_full_disk_can_be_repeated(small_disk: Path) -> None:
    filler = _fill(small_disk)
    for room in (0, 4096, 3 * 4096, 10 * 4096):
        os.truncate(filler, filler.stat().st_size - room)
        with pytest.raises(NewsletterError, match="full"):
            initialise(small_disk / "home")
    filler.unlink()
    initialise(small_disk / "home").close()


def test_half_a_key_is_never_left_behind(small_disk: Path, tmp_path: Path) -> None:
    home = small_disk / "home"
    home.mkdir()
    elsewhere = {"database": {"url": f"sqlite:///{tmp_path / 'newsletter.db'}"}}
    filler = _fill(small_disk)
    with pytest.raises(ConfigurationError, match="the disk is full"):
        initialise(home, elsewhere)
    assert list(home.iterdir()) == []
    filler.unlink()
    initialise(home, elsewhere).close()


def test_disk_that_may_only_be_read(small_disk: Path) -> None:
    home = small_disk / "home"
    initialise(home).close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for again in (open_services, initialise):
        with pytest.raises(ConfigurationError, match=f"the home {home} cannot be written"):
            again(home)


def test_damaged_file_is_named(home: Path) -> None:
    initialise(home).close()
    (home / "newsletter.db").write_bytes(b"garbage" * 999)
    for again in (open_services, initialise):
        with pytest.raises(ConfigurationError, match=r"newsletter\.db is damaged; .* backup"):
            again(home)


def test_server_that_refuses_is_named_without_the_password(postgres_url: str) -> None:
    good = make_url(postgres_url)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    absent = good.set(password="secret")
    for url, said in (
        (absent.set(host="127.0.0.1", port=port), f"127.0.0.1:{port} does not answer"),
        (absent.set(database="nowhere"), "has no database 'nowhere'"),
        (absent.set(host="no-such-host.invalid"), "no-such-host.invalid:"),
    ):
        engine = open_engine(url.render_as_string(hide_password=False))
        with pytest.raises(ConfigurationError) as caught:
            migrations.check(engine)
        assert said in str(caught.value)
        assert "secret" not in str(caught.value)
        assert "\n" not in str(caught.value)
        engine.dispose()


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_both_names_of_postgres_are_taken(scheme: str) -> None:
    found = address(f"{scheme}://u:secret@db.example.org/news")
    assert (found.drivername, found.host) == ("postgresql+psycopg", "db.example.org")


@pytest.mark.parametrize("url", ["mysql://u:secret@db/x", "nonsense secret", "postgresql://h:p/x"])
def test_address_of_no_database_we_know(url: str) -> None:
    with pytest.raises(InputError, match=r"sqlite:////PATH.*postgresql://") as caught:
        open_engine(url)
    assert caught.value.field == "database.url"
    assert "secret" not in str(caught.value)


def test_session_that_ends_badly_is_a_sentence_too(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(ConfigurationError, match="no tables yet"), reading(engine) as session:
        session.execute(text("SELECT 1 FROM absent"))
    engine.dispose()
