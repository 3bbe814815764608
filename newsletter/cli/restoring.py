"""`newsletter restore`: a backup into a new home, where nothing goes out a second time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.context import JsonOption, desk_of, examples
from newsletter.cli.output import counted, emit, listed, minute, say
from newsletter.cli.passphrases import PassphraseFile, asked, first_line
from newsletter.cli.private_files import private_file
from newsletter.cli.restored import LeftIn, bring_in, gone_in, tell_brought

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from newsletter.core.encrypting import Key
    from newsletter.core.settings import Settings
    from newsletter.safekeeping.aftermath import Aftermath
    from newsletter.safekeeping.restoring import Opened
    from newsletter.safekeeping.snapshot import Header

_DOOR = "command line"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(
        epilog=examples(
            "newsletter restore weekly.age --home ./new --identity key.txt --keys keys.json",
            "newsletter restore weekly.age --home ./new --keys keys.json --left-in ./old",
        )
    )(restore)


def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    *,
    identity: Annotated[
        Path | None,
        typer.Option("--identity", metavar="FILE", help="The age key file that opens it."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="FILE", help="The keys.json of the first home."),
    ] = None,
    left_in: LeftIn = None,
    as_json: JsonOption = False,
) -> None:
    """Put a backup into an empty home (--home DIR) and an empty database, whole or not at all.

    Nothing that may have gone out since is sent again: it is held and listed for you to settle.
    """
    desk = desk_of(ctx)
    gone = gone_in(left_in)
    header, files, after = _restored(
        desk.home, file, keys, lambda: _key(file, identity, passphrase_file)
    )
    made_at = header.made_at.isoformat()
    brought = bring_in(desk, gone, made_at) if left_in else None
    if as_json:
        told = {"backup_of_at": header.made_at, "tables": header.tables, "files": files}
        emit({"home": str(desk.home), **told, **asdict(after), "brought_in": brought})
        return
    rows, made = counted(sum(header.tables.values()), "row"), minute(made_at)
    say(f"{desk.home} holds the newsletter of {made}: {rows}, {counted(files, 'file')}.", "green")
    if brought is not None:
        tell_brought(brought)
    for sentence in _held_back(after, made, brought=brought is not None):
        say(f"  · {sentence}")


def _restored(
    home: Path, file: Path, keys: Path | None, key: Callable[[], Key]
) -> tuple[Header, int, Aftermath]:
    """What the backup says of itself, how many files came of it, and what was held back."""
    from newsletter.core import settings as settings_module
    from newsletter.core.clock import now
    from newsletter.core.errors import InputError
    from newsletter.safekeeping import restoring

    restoring.require_empty_home(home)
    settings = settings_module.load(home)
    opener = key()
    try:
        with file.open("rb") as source, restoring.opened(source, opener) as found:
            restoring.require_key(found, settings, keys)
            files, after = _fill(settings, found, keys, now())
            return found.header, files, after
    except OSError as err:
        raise InputError(str(err.filename or file), (err.strerror or str(err)).lower()) from err


def _key(file: Path, identity: Path | None, passphrase_file: Path | None) -> Key:
    from newsletter.core.encrypting import Key, locked_by
    from newsletter.core.errors import InputError

    if locked_by(file) == "recipients":
        if identity is None:
            raise InputError("--identity", "this backup is locked for an age key; name its file")
        return Key.identity_file(identity)
    if identity is not None:
        raise InputError("--identity", "this backup is locked by a passphrase; leave this out")
    said = "Passphrase of the backup"
    return Key.passphrase(
        first_line(passphrase_file) if passphrase_file else asked(said, twice=False)
    )


def _fill(
    settings: Settings, backup: Opened, keys: Path | None, at: datetime
) -> tuple[int, Aftermath]:
    """The new home, in one transaction; after any fault it is as empty as before."""
    from newsletter import migrations
    from newsletter.core import audit
    from newsletter.core.db import writing
    from newsletter.safekeeping import aftermath, restoring

    with _new_home(settings, keys) as engine:
        migrations.upgrade(engine)
        with writing(engine) as session:
            files = restoring.fill(session, backup, settings.home)
            after = aftermath.hold_back(session, backup.header.made_at, at)
            detail: dict[str, Any] = {"backup_of": backup.header.made_at.isoformat()}
            detail |= {"doubtful": after.doubtful, "held": len(after.held)}
            audit.note(session, "restore", _DOOR, detail, at)
    return files, after


@contextmanager
def _new_home(settings: Settings, keys: Path | None) -> Iterator[Engine]:
    from newsletter.core.db import open_engine
    from newsletter.safekeeping import restoring

    engine = open_engine(settings.database_url)
    try:
        if settings.database.url:
            restoring.require_empty_database(engine)
        with _taken_back(settings, engine):
            if keys is not None:
                _copy_keys(keys, settings.key_path)
            yield engine
    finally:
        engine.dispose()


@contextmanager
def _taken_back(settings: Settings, engine: Engine) -> Iterator[None]:
    """Make the home; after any fault take away what was made, and nothing that was there."""
    from newsletter.safekeeping import restoring

    home, there = settings.home, settings.home.is_dir()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    key_there = settings.key_path.exists()
    try:
        yield
    except BaseException:
        if settings.database.url:
            restoring.empty(engine)
        engine.dispose()
        restoring.clear(home)
        if not key_there:
            settings.key_path.unlink(missing_ok=True)
        if not there:
            home.rmdir()
        raise


def _copy_keys(keys: Path, to: Path) -> None:
    if to.exists() and keys.samefile(to):
        return
    with private_file(to) as file, keys.open("rb") as source:
        shutil.copyfileobj(source, file)


def _held_back(after: Aftermath, made: str, *, brought: bool) -> Iterator[str]:
    """What to look at, in the order in which it is to be done."""
    if after.held:
        yield (
            f"held, for they may have gone out since: {_numbered(after.held)}; approve anew what "
            "has not"
        )
    if after.paused:
        yield (f"paused: {_numbered(after.paused)}; 'newsletter status N' lists what is in doubt")
    if after.doubtful:
        yield (
            f"{counted(after.doubtful, 'delivery')} may have gone out since; 'newsletter settle' "
            "decides each"
        )
    if after.confirmations:
        yield (
            f"{counted(after.confirmations, 'mail')} of confirmation, welcome or goodbye may have "
            "gone out since; nothing is to be done: whoever got no confirmation signs up again"
        )
    journal = "" if brought else "run 'newsletter restored --left-in OLD_HOME' on its journal, "
    yield (
        f"who left, was erased or bounced after {made} is not known to the backup: {journal}"
        "give the leave mails of that time to 'newsletter subscribers leave', and the mail "
        "server's list of refusals to 'newsletter suppressions import'"
    )
    yield "no issue goes out before you say that this is done: 'newsletter restored --accept'"
    yield (
        "let the first installation send nothing any more, and run 'newsletter doctor' here: the "
        "address of a database under [database] was taken out of newsletter.toml"
    )


def _numbered(issues: list[int]) -> str:
    return f"issue{'s' if len(issues) > 1 else ''} {listed(map(str, issues))}"
