"""`newsletter backup`: the whole newsletter but its master key in one encrypted file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.context import Desk, JsonOption, desk_of, examples
from newsletter.cli.output import counted, emit, note, say
from newsletter.cli.passphrases import PassphraseFile, asked, first_line
from newsletter.cli.private_files import private_file, require_free

if TYPE_CHECKING:
    from newsletter.core.encrypting import Lock
    from newsletter.core.settings import Settings
    from newsletter.safekeeping.backing_up import Saved

_DOOR = "command line"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(
        epilog=examples(
            "newsletter backup /mnt/stick --to age1…   (age-keygen makes the pair)",
            "newsletter backup   (for the recipients in the settings, else asks for a passphrase)",
        )
    )(backup)


def backup(
    ctx: typer.Context,
    target: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE|DIR]", help="A new file, or the directory for one."),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option("--to", metavar="age1…", help="For this age recipient; may be repeated."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    as_json: JsonOption = False,
) -> None:
    """Write everything but the master key into one encrypted file, also while mail goes out.

    Locked for --to, for the recipients under [backup] in the settings, or by a passphrase.
    """
    from newsletter.core.clock import now
    from newsletter.core.db import reading
    from newsletter.safekeeping import backing_up

    desk = desk_of(ctx)
    path = backing_up.place(target, now())
    require_free(path, force=False)
    lock = _lock(desk, to or [], passphrase_file)
    waiting = backing_up.wishes(desk.home)
    with reading(desk.services().engine) as session, private_file(path) as file:
        saved = backing_up.back_up(session, desk.home, file, lock=lock, waiting=waiting, now=now())
    _note_backup(desk, saved)
    key = _where_the_key_is(desk.services().settings)
    if as_json:
        emit({"file": str(path), **asdict(saved), "rows": sum(saved.tables.values()), "key": key})
        return
    rows = counted(sum(saved.tables.values()), "row")
    say(f"{path}: {rows} and {counted(saved.files, 'file')}, {saved.size:,} bytes.", "green")
    say(f"  The master key is not in it: {key}")


def _lock(desk: Desk, to: list[str], passphrase_file: Path | None) -> Lock:
    from newsletter.core.encrypting import Lock
    from newsletter.core.errors import InputError

    if to and passphrase_file:
        raise InputError("--passphrase-file", "cannot stand beside --to; choose one of them")
    recipients = to or ([] if passphrase_file else desk.services().settings.backup.recipients)
    if recipients:
        return Lock.recipients(recipients)
    said = "Passphrase for the backup (it is kept nowhere)"
    return Lock.passphrase(
        first_line(passphrase_file) if passphrase_file else asked(said, twice=True)
    )


def _note_backup(desk: Desk, saved: Saved) -> None:
    """A full disk must not take away the backup that was made because of it."""
    from newsletter.core import audit
    from newsletter.core.errors import ConfigurationError

    detail = {"rows": sum(saved.tables.values()), "files": saved.files}
    try:
        with desk.writing() as session:
            audit.note(session, "backup", _DOOR, detail, saved.made_at)
    except ConfigurationError as err:
        note(f"The backup is whole, but does not stand in the audit: {err}")


def _where_the_key_is(settings: Settings) -> str:
    if settings.keys.passphrase:
        return "it is the passphrase under [keys]; keep it apart from the backup"
    if settings.keys.key:
        return "it is the key under [keys]; keep it apart from the backup"
    return f"it lies in {settings.key_path}; keep a copy apart from the backup"
