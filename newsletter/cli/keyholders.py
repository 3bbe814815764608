"""`newsletter keyholders`: the people of whom two together can purge everything."""

from __future__ import annotations

from typing import Annotated

import typer

from newsletter.cli.context import JsonOption, desk_of, examples
from newsletter.cli.output import emit, note, say
from newsletter.cli.passphrases import PassphraseFile, asked, first_line

_DOOR = "command line"


def register(app: typer.Typer) -> None:
    """Add the group of this file."""
    group = typer.Typer(
        no_args_is_help=True, help="The people of whom two together can purge everything."
    )
    app.add_typer(group, name="keyholders")
    group.command(
        epilog=examples(
            "newsletter keyholders add Aye   (asks for a passphrase, twice)",
            "newsletter keyholders add Ben --passphrase-file words.txt",
        )
    )(add)
    group.command(
        "list",
        epilog=examples(*["newsletter keyholders list"] * 1, "newsletter keyholders list --json"),
    )(list_)
    group.command(
        epilog=examples(
            "newsletter keyholders remove Aye", 'newsletter keyholders remove "Daw Mya"'
        )
    )(remove)


def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call them.")],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make somebody a keyholder, with a passphrase that only they know."""
    from newsletter.core.clock import now
    from newsletter.safekeeping import keyholders

    desk = desk_of(ctx)
    said = f"Passphrase of {name}"
    words = first_line(passphrase_file) if passphrase_file else asked(said, twice=True)
    with desk.writing() as session:
        keyholders.add(session, name, words, _DOOR, now())
        there = len(keyholders.names(session))
    say(f"{name.strip()} is a keyholder.", "green")
    if there < 2:
        say("One more is needed before anything can be purged.")


def list_(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Show who the keyholders are."""
    from newsletter.safekeeping import keyholders

    with desk_of(ctx).reading() as session:
        found = keyholders.names(session)
    if as_json:
        emit(found)
        return
    for name in found:
        say(name)
    if len(found) < 2:
        note("Two are needed for a purge; 'newsletter keyholders add NAME' adds one.")


def remove(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who leaves.")],
) -> None:
    """Let a keyholder go."""
    from newsletter.core.clock import now
    from newsletter.safekeeping import keyholders

    with desk_of(ctx).writing() as session:
        keyholders.remove(session, name, _DOOR, now())
    say(f"{name.strip()} is no keyholder any more.", "green")
