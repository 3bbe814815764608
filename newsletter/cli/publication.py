"""Looking at a publication and changing what it says about itself."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli import logo, pasting
from newsletter.cli.context import JsonOption, PublicationOption, desk_of, examples, read_file
from newsletter.cli.output import emit, say

if TYPE_CHECKING:
    from newsletter.editorial.models import Publication


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(no_args_is_help=True, help="Names, sender, languages, categories, slot.")
    group.command(
        epilog=examples("newsletter publication show", "newsletter publication show --json")
    )(show)
    group.command(
        "set",
        epilog=examples(
            "newsletter publication set sender.address editors@example.org",
            'newsletter publication set names.my "အပတ်စဉ် သတင်းလွှာ"',
        ),
    )(set_)
    group.command(
        epilog=examples(
            "newsletter publication show > weekly.toml", "newsletter publication apply weekly.toml"
        )
    )(apply)
    group.command(
        epilog=examples(
            "newsletter publication archive weekly", "newsletter publication archive elections"
        )
    )(archive)
    group.command(
        epilog=examples(
            "newsletter publication unarchive weekly", "newsletter publication unarchive elections"
        )
    )(unarchive)
    logo.add_to(group)
    pasting.add_to(group)
    app.add_typer(group, name="publication")


def show(
    ctx: typer.Context, publication: PublicationOption = None, as_json: JsonOption = False
) -> None:
    """Print a publication's settings, in the form of the file that "apply" takes."""
    from newsletter.editorial import publications

    with desk_of(ctx).reading() as session:
        found = publications.get(session, publication)
        settings = publications.settings_of(found).model_dump()
        lacking = [*publications.lacks(found), *_of_discreet(ctx, found)]
        archived = found.archived_at
    if as_json:
        since = archived.isoformat() if archived else None
        emit({**settings, "lacks": lacking, "archived_at": since})
        return
    if archived:
        say(f"# archived since {archived:%Y-%m-%d}: nothing goes out; links in its mails work on")
    for sentence in lacking:
        say(f"# {sentence}")
    say("\n".join(_toml(settings)))


def set_(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="Such as sender.address, names.my.")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The new value.")],
    publication: PublicationOption = None,
) -> None:
    """Change one setting of a publication and say what changed.

    Keys are those that "publication show" prints, with dots: slot.time, categories.news.my.
    """
    from newsletter.core.clock import now
    from newsletter.editorial import publications

    with desk_of(ctx).writing() as session:
        found = publications.get(session, publication)
        changes = publications.set_value(session, found, key, value, now=now())
        lacking = _of_discreet(ctx, found) if key.strip().startswith("discreet.") else []
        offered = bool(found.discreet) and not lacking
    _told(changes)
    for sentence in lacking:
        say(f"not offered yet: {sentence}")
    if key.strip().startswith("discreet.") and offered:
        say("Readers can choose the discreet edition.", "green")


def apply(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML, as 'show' prints it.")],
) -> None:
    """Make a publication what a file says; a slug that is not there yet makes a new one."""
    from newsletter.core.clock import now
    from newsletter.core.errors import InputError
    from newsletter.editorial import publications
    from newsletter.editorial.publication_settings import parse

    try:
        wanted = parse(_read_toml(file))
    except InputError as err:
        if err.field == str(file):
            raise
        raise InputError(f"{file}: {err.field}", err.message) from err
    with desk_of(ctx).writing() as session:
        slugs = [publication.slug for publication in publications.listing(session)]
        if wanted.slug not in slugs:
            publications.create(session, wanted, now=now())
            changes = [f"'{wanted.slug}' is a new publication"]
        else:
            found = publications.get(session, wanted.slug)
            changes = publications.apply(session, found, wanted, now=now())
    _told(changes)


Slug = Annotated[str, typer.Argument(metavar="SLUG", help="The publication's short name.")]


def archive(ctx: typer.Context, slug: Slug) -> None:
    """End a publication: no slot fires, nothing is assembled, nobody can sign up.

    Past issues stay readable. The links in its mails go on working: readers can still leave,
    choose and be erased. "unarchive" takes it up again.
    """
    from newsletter.core.clock import now
    from newsletter.editorial import archiving, publications

    with desk_of(ctx).writing() as session:
        done = archiving.archive(session, publications.get(session, slug), now())
    said = f"'{slug}' is archived: nothing of it goes out any more."
    say(said if done else f"Nothing changed: '{slug}' was archived before.")


def unarchive(ctx: typer.Context, slug: Slug) -> None:
    """Take up an archived publication again, at its next slot."""
    from newsletter.editorial import archiving, publications

    with desk_of(ctx).writing() as session:
        done = archiving.unarchive(session, publications.get(session, slug))
    said = f"'{slug}' goes on: its next slot fires."
    say(said if done else f"Nothing changed: '{slug}' is not archived.")


def _of_discreet(ctx: typer.Context, found: Publication) -> list[str]:
    """What its discreet edition lacks, once something was said of one."""
    from newsletter.editorial import discreet

    if not found.discreet:
        return []
    return discreet.lacking(found, desk_of(ctx).services().settings.links_url)


def _told(changes: list[str]) -> None:
    for change in changes:
        say(change)
    if not changes:
        say("Nothing changed: it was so already.")


def _read_toml(file: Path) -> dict[str, Any]:
    from newsletter.core.errors import InputError

    try:
        return tomllib.loads(read_file(file).decode("utf-8-sig"))
    except UnicodeDecodeError as err:
        raise InputError(
            str(file),
            "this is no text; give a TOML file as 'newsletter publication show' prints it",
        ) from err
    except tomllib.TOMLDecodeError as err:
        raise InputError(str(file), f"this is not valid TOML: {err}") from err


def _toml(data: dict[str, Any], prefix: str = "") -> list[str]:
    plain = {k: v for k, v in data.items() if not isinstance(v, dict) and not _tables(v)}
    lines = [f"{key} = {_value(value)}" for key, value in plain.items() if value is not None]
    for key, value in data.items():
        if isinstance(value, dict) and value:
            lines += ["", f"[{prefix}{key}]", *_toml(value, f"{prefix}{key}.")]
        elif _tables(value):
            for row in value:
                lines += ["", f"[[{prefix}{key}]]", *_toml(row, f"{prefix}{key}.")]
    return lines


def _tables(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(row, dict) for row in value)


def _value(value: object) -> str:
    # A JSON string of printable text is a TOML basic string too (toml.io, v1.0.0, "String").
    import json

    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
