"""The logo of a publication: set, replaced, taken away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from newsletter.cli.context import PublicationOption, desk_of, examples
from newsletter.cli.output import say


def add_to(group: typer.Typer) -> None:
    """Add `logo` to the commands of a publication."""
    group.command(
        epilog=examples(
            'newsletter publication logo logo.png --alt en="Hill Letter" --alt my="တောင်တန်း စာစောင်"',
            "newsletter publication logo --remove",
        )
    )(logo)


def logo(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="PNG, JPEG, WebP or GIF.")
    ] = None,
    alt: Annotated[
        list[str] | None,
        typer.Option(
            "--alt",
            metavar="LANGUAGE=TEXT",
            help="What it says, for readers who do not see it; once for each language.",
        ),
    ] = None,
    remove: Annotated[
        bool, typer.Option("--remove", help="Let the name stand there again.")
    ] = False,
    publication: PublicationOption = None,
) -> None:
    """Put a picture in the place of the name at the head of every mail and past issue.

    It is made small (at most 600 × 240 pixels and 40 kB) and travels inside each mail. Best on a
    white or see-through ground: it stands on a light plate by day and by night.
    """
    from newsletter.core.clock import now
    from newsletter.core.errors import InputError
    from newsletter.editorial import logos, publications

    if remove == (file is not None):
        raise InputError("FILE", "name the file of the logo, or take it away with --remove")
    data, alts = (b"", {}) if file is None else (_picture(file), _texts(alt or []))
    with desk_of(ctx).writing() as session:
        found = publications.get(session, publication)
        if file is None:
            changes = logos.remove_logo(session, found, now())
        else:
            changes = logos.set_logo(session, found, data, alts, field=str(file), now=now())
    for change in changes:
        say(change)
    if not changes:
        say("Nothing changed: there is no logo.")


def _picture(file: Path) -> bytes:
    """The bytes of a file, never more than an image may have."""
    from newsletter.core.errors import InputError
    from newsletter.editorial.images import LARGEST_FILE

    try:
        with file.open("rb") as source:
            return source.read(LARGEST_FILE + 1)
    except OSError as err:
        raise InputError(str(file), f"it cannot be read: {err.strerror}; name another") from err


def _texts(given: list[str]) -> dict[str, str]:
    from newsletter.core.errors import InputError

    found = {}
    for one in given:
        language, equals, text = one.partition("=")
        if not equals:
            raise InputError("--alt", f"write '{one}' as LANGUAGE=TEXT, such as en=\"Hill Letter\"")
        found[language.strip()] = text
    return found
