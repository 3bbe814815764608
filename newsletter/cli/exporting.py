"""`newsletter subscribers export`: the list in a file, encrypted unless plainly asked otherwise."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from newsletter.cli.context import (
    Desk,
    JsonOption,
    PublicationOption,
    desk_of,
    examples,
)
from newsletter.cli.listing import (
    AfterOption,
    BeforeOption,
    LanguageOption,
    OnlyEdition,
    StateOption,
    chosen,
    noted,
    told,
)
from newsletter.cli.output import counted, emit, say
from newsletter.cli.passphrases import PassphraseFile, asked, first_line
from newsletter.cli.private_files import private_file, require_free

if TYPE_CHECKING:
    from newsletter.core.encrypting import Lock
    from subscribers.listing import Wanted


_ToOption = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="age1…", help="For this age recipient; may be repeated."),
]
_GpgOption = Annotated[
    str | None, typer.Option("--gpg", metavar="KEYID", help="For this OpenPGP key, by gpg.")
]


@dataclass(frozen=True, slots=True)
class _Protection:
    """How the file is closed: its name in the audit, what closes it, and what opens it again."""

    name: str
    around: Callable[[IO[bytes]], AbstractContextManager[IO[bytes]]]
    opens: str


def add_to(group: typer.Typer) -> None:
    """Add the command of this file to the group `subscribers`."""
    group.command(
        epilog=examples(
            "newsletter subscribers export readers.csv.age --state active",
            "newsletter subscribers export readers.csv.gpg --gpg "
            "0123456789ABCDEF0123456789ABCDEF01234567",
        )
    )(export)


def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
    *,
    state: StateOption = None,
    edition: OnlyEdition = None,
    language: LanguageOption = None,
    before: BeforeOption = None,
    after: AfterOption = None,
    to: _ToOption = None,
    gpg: _GpgOption = None,
    passphrase_file: PassphraseFile = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Leave the addresses readable by everybody.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there.")
    ] = False,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the list as CSV, encrypted: by --to, --gpg, the settings, or a passphrase.

    Without any of these it goes to the recipients under [backup] in the settings, and else asks
    for a passphrase. Each export stands in the audit. Spreadsheets find no formula in it, and
    "subscribers import" reads it again.
    """
    from newsletter.editorial import publications

    desk = desk_of(ctx)
    require_free(file, force=force)
    protection = _protection(desk, to or [], gpg, passphrase_file, plain=plain)
    filters = {"state": state, "edition": edition, "language": language}
    filters |= {"before": before, "after": after}
    with desk.reading() as session:
        owner = publications.get(session, publication)
        slug = owner.slug
        wanted = chosen(owner, **filters)
    rows = _write(desk, wanted, (file, force), protection, told(slug, filters))
    _tell(file, rows, protection, as_json=as_json)


def _tell(file: Path, rows: int, protection: _Protection, *, as_json: bool) -> None:
    if as_json:
        emit({"file": str(file), "rows": rows, "protection": protection.name})
        return
    say(f"{counted(rows, 'reader')} in {file} ({protection.name}).", "green")
    style = "yellow" if protection.name == "plain" else None
    say(f"  {protection.opens.format(file=file)}", style)


def _write(
    desk: Desk,
    wanted: Wanted,
    target: tuple[Path, bool],
    protection: _Protection,
    choice: dict[str, str],
) -> int:
    """Decide the rows, write the audit row, and only then the first byte; all of one instant."""
    from subscribers import exporting, listing

    file, force = target
    with desk.reading() as session, private_file(file, force=force) as sink:
        rows = listing.count(session, wanted)
        detail = {"rows": rows, "filter": choice, "protection": protection.name}
        noted(desk, "export", detail)
        with protection.around(sink) as inner:
            for piece in exporting.lines(session, desk.services().sealer, wanted):
                inner.write(piece)
    return rows


def _protection(
    desk: Desk, to: list[str], gpg: str | None, passphrase_file: Path | None, *, plain: bool
) -> _Protection:
    from newsletter.core.encrypting import Lock
    from newsletter.core.errors import InputError

    ways = {"--to": to, "--gpg": gpg, "--passphrase-file": passphrase_file, "--plain": plain}
    named = [option for option, value in ways.items() if value]
    if len(named) > 1:
        raise InputError(named[1], f"cannot stand beside {named[0]}; choose one of them")
    if plain:
        opens = "Everybody who gets this file can read the addresses; delete it soon."
        return _Protection("plain", nullcontext, opens)
    if gpg:
        return _by_gpg(gpg)
    recipients = to or ([] if passphrase_file else desk.services().settings.backup.recipients)
    if recipients:
        return _by_age(
            "age recipient", Lock.recipients(recipients), "age --decrypt -i KEYFILE {file}"
        )
    said = "Passphrase for the file (it is kept nowhere)"
    text = first_line(passphrase_file) if passphrase_file else asked(said, twice=True)
    return _by_age("passphrase", Lock.passphrase(text), "age --decrypt {file}")


def _by_age(name: str, lock: Lock, command: str) -> _Protection:
    from newsletter.core.encrypting import writer

    return _Protection(name, lambda sink: writer(sink, lock), f"Open it with: {command}")


def _by_gpg(key: str) -> _Protection:
    from newsletter.core import gpg

    gpg.require(key)
    opens = "Open it with: gpg --decrypt {file}"
    return _Protection("gpg recipient", lambda sink: gpg.writer(sink, key), opens)
