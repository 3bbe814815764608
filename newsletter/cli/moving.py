"""`newsletter move`: out of the file in the home into PostgreSQL by one command, and back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.context import JsonOption, desk_of, examples
from newsletter.cli.output import counted, emit, note, say
from newsletter.cli.passphrases import first_line
from newsletter.cli.presence import alone

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from newsletter.core.settings import Settings
    from newsletter.safekeeping.moving import Moved

_DOOR = "command line"
_FILE = "sqlite"
_VARIABLES = ("NEWSLETTER_DATABASE__URL", "NEWSLETTER_DATABASE__URL_FILE")


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(
        epilog=examples(
            "newsletter move --to postgresql://news@db.example.org/newsletter",
            "newsletter move --to sqlite   (the way back)",
        )
    )(move)


def move(
    ctx: typer.Context,
    *,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="URL", help="postgresql://… or sqlite (this home's file)."),
    ] = None,
    to_file: Annotated[
        Path | None,
        typer.Option("--to-file", metavar="FILE", help="A file with the URL and its password."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Move everything into another, empty database, and go on from there.

    Nothing may run meanwhile. Killed half-way, the first database stays in force; run it again.
    """
    from newsletter.core import settings as settings_module

    desk = desk_of(ctx)
    settings = settings_module.load(desk.home)
    _require_newsletter(settings)
    url = _target(settings, to, to_file)
    toml = _toml(settings, "" if to == _FILE else url)
    began = time.monotonic()
    with alone(desk.home), _engines(settings, url) as both:
        moved = _moved(settings, both)
        if toml is not None:
            _switch(settings, toml)
        kept = _set_aside(both.source)
    seconds = round(time.monotonic() - began, 1)
    if as_json:
        emit(_told(moved, kept, seconds) | {"settings_written": toml is not None})
        return
    _tell(settings, moved, kept, seconds)
    if toml is None:
        note(f"Now set {_in_force()} to the new database: it wins over newsletter.toml.")


@dataclass(frozen=True)
class _Both:
    """Where everything lies, and where it shall lie."""

    source: Engine
    target: Engine


def _require_newsletter(settings: Settings) -> None:
    from newsletter.core.errors import ConfigurationError

    if not settings.database.url and not (settings.home / "newsletter.db").is_file():
        raise ConfigurationError(
            f"there is no newsletter in {settings.home}; run 'newsletter init' first"
        )


def _target(settings: Settings, to: str | None, to_file: Path | None) -> str:
    from newsletter.core.database_errors import address
    from newsletter.core.errors import InputError

    if (to is None) == (to_file is None):
        raise InputError("--to", "name the new database here, or in a file with --to-file")
    if to == _FILE:
        if not settings.database.url:
            raise InputError("--to", "the newsletter lies in the file of this home already")
        return f"sqlite:///{settings.home / 'newsletter.db'}"
    url = to or first_line(to_file or Path())
    if address(url).drivername == "sqlite":
        raise InputError("--to", "give postgresql://…, or the one word sqlite for the home's file")
    return url


def _in_force() -> str | None:
    """The variable that names the database, and so wins over newsletter.toml."""
    return next((name for name in _VARIABLES if name in os.environ), None)


def _toml(settings: Settings, url: str) -> str | None:
    """newsletter.toml as it will be; None when the environment names the database.

    InputError before anything is done when the file cannot be changed.
    """
    from newsletter.safekeeping.home_files import SETTINGS
    from newsletter.safekeeping.setting_line import with_setting

    if _in_force():
        return None
    path = settings.home / SETTINGS
    before = path.read_bytes().decode("utf-8-sig") if path.is_file() else ""
    return with_setting(before, "database", "url", url)


@contextmanager
def _engines(settings: Settings, url: str) -> Iterator[_Both]:
    from newsletter.core.db import open_engine

    both = _Both(open_engine(settings.database_url), open_engine(url))
    try:
        yield both
    finally:
        both.source.dispose()
        both.target.dispose()


def _moved(settings: Settings, both: _Both) -> Moved | None:
    """Copy and change over; None when an earlier run had been killed after its copy."""
    from newsletter import migrations
    from newsletter.core.db import writing
    from newsletter.safekeeping import moving

    if migrations.current(both.source) == migrations.MOVED:
        _require_own_copy(both)
        moved = None
    else:
        migrations.check(both.source)
        moved = _copied(settings, both)
    with writing(both.target) as target:
        moving.mark(target, migrations.HEAD)
    return moved


def _require_own_copy(both: _Both) -> None:
    from newsletter import migrations
    from newsletter.core.errors import NotAllowedNow
    from newsletter.safekeeping import moving

    usable = migrations.current(both.target) in (migrations.MOVING, migrations.HEAD)
    if not usable or not moving.same_newsletter(both.source, both.target):
        raise NotAllowedNow(
            "this newsletter was moved before, and to another database than this one; name that one"
        )


def _copied(settings: Settings, both: _Both) -> Moved:
    """From the first row on until the first database is shut nobody else can write into it."""
    from newsletter import migrations
    from newsletter.core import audit, keychain
    from newsletter.core.clock import now
    from newsletter.core.db import writing
    from newsletter.safekeeping import moving

    with writing(both.source) as source:
        moving.lock(source)
        moving.require_settled(source)
        _make_room(both)
        migrations.upgrade(both.target)
        with writing(both.target) as target:  # an empty one would be taken for a new newsletter's
            moving.mark(target, migrations.MOVING)
        with writing(both.target) as target:
            moved = moving.fill(source, target)
            keychain.opened(target, settings)
            told = {"to": both.target.dialect.name, "rows": sum(moved.tables.values())}
            audit.note(target, "move", _DOOR, told, now())
        moving.shut(source)
    return moved


def _make_room(both: _Both) -> None:
    """Take back the copy of an earlier run that was killed; nothing else may lie there."""
    from newsletter import migrations
    from newsletter.safekeeping import moving, restoring

    if migrations.current(both.target) == migrations.MOVING:
        if not moving.same_newsletter(both.source, both.target):
            moving.require_vacant(both.target)  # killed before the first row, or somebody else's
        restoring.empty(both.target)
    moving.require_vacant(both.target)


def _switch(settings: Settings, text: str) -> None:
    from newsletter.core.private_files import replacing
    from newsletter.safekeeping.home_files import SETTINGS

    with replacing(settings.home / SETTINGS) as file:
        file.write(text.encode())


def _set_aside(source: Engine) -> str | None:
    """Give the first file a name under which nobody looks for it; None for a server."""
    from newsletter.core.clock import now
    from newsletter.core.db import empty_log

    if source.dialect.name != "sqlite":
        return None
    empty_log(source)
    source.dispose()
    path = Path(source.url.database or "")
    if not path.exists():
        return None
    kept = path.with_name(f"{path.name}.moved-{now():%Y-%m-%dT%H%M%S}")
    path.rename(kept)
    for ending in ("-wal", "-shm"):
        if (beside := path.with_name(path.name + ending)).exists():
            beside.rename(kept.with_name(kept.name + ending))
    return str(kept)


def _told(moved: Moved | None, kept: str | None, seconds: float) -> dict[str, object]:
    tables = moved.tables if moved else {}
    issues = moved.issues if moved else 0
    return {"tables": tables, "issues": issues, "seconds": seconds, "kept": kept}


def _tell(settings: Settings, moved: Moved | None, kept: str | None, seconds: float) -> None:
    if moved is None:
        say("The move that had been interrupted is done: the new database is in force.", "green")
    else:
        rows, ledgers = counted(sum(moved.tables.values()), "row"), counted(moved.issues, "ledger")
        say(f"Moved in {seconds} s: {rows} and {ledgers}, equal on both sides.", "green")
    say(f"  · the first one may not be used any more{f'; it is kept as {kept}' if kept else ''}:")
    say("    it holds every reader of today, so delete it when the new one has proved itself")
    back = "newsletter move --to sqlite" if kept else "newsletter move --to postgresql://…"
    say(f"  · the way back is '{back}', never the first one: that would send again")
    say(f"  · {settings.home} stays the home: its key, images and words are used as before")
