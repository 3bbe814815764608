"""Making a home, and bringing its database up to date."""

from __future__ import annotations

from typing import Annotated

import typer

from newsletter.cli.context import Desk, desk_of, examples
from newsletter.cli.output import note, say


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(epilog=examples("newsletter init", "newsletter init --yes --home ./weekly"))(init)
    app.command(epilog=examples("newsletter migrate", "newsletter migrate --home ./weekly"))(
        migrate
    )


def init(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    name: Annotated[str, typer.Option(help="The newsletter's name in English.")] = "",
    sender: Annotated[str, typer.Option(help="The mail address it comes from.")] = "",
    postal: Annotated[str, typer.Option(help="The postal address that stands in it.")] = "",
) -> None:
    """Make the home: key, database, and the publication "weekly" in English and Burmese.

    Running it again changes nothing that is there; what was not answered can be set later.
    """
    from newsletter.app import initialise
    from newsletter.editorial import publications

    desk = desk_of(ctx)
    there = any((desk.home / name).is_file() for name in ("keys.json", "newsletter.db"))
    key_there = (desk.home / "keys.json").is_file()
    answers = {"names.en": name, "sender.address": sender, "postal_addresses.en": postal}
    for key, value in answers.items():
        _required(key, value)
    if not yes and not there:
        answers = _asked(answers)
    desk.adopt(initialise(desk.home))
    with desk.reading() as session:
        found = [publication.slug for publication in publications.listing(session)]
    if found:
        new_key = not key_there and (desk.home / "keys.json").is_file()
        done = "it was given new keys" if new_key else "nothing was changed"
        say(f"A newsletter is already in {desk.home}; {done}.")
        _where(desk)
        return
    _first_publication(desk, answers)
    say(f"{'Completed' if there else 'Made'} the newsletter in {desk.home}.", "green")
    _where(desk)
    _next(desk, renamed=bool(answers["names.en"]))


def _asked(answers: dict[str, str]) -> dict[str, str]:
    questions = {
        "names.en": ("Name of the newsletter", "Weekly Newsletter"),
        "sender.address": ("Mail address it comes from (empty: later)", ""),
        "postal_addresses.en": ("Postal address, needed in every mail (empty: later)", ""),
    }
    return {
        key: answers[key] or _answer(key, text, usual) for key, (text, usual) in questions.items()
    }


def _answer(key: str, text: str, usual: str) -> str:
    """The answer to one question, asked until it can be used."""
    from newsletter.core.errors import InputError

    while True:
        given = str(typer.prompt(text, default=usual, show_default=bool(usual)))
        try:
            _required(key, given)
        except InputError as err:
            note(f"{err.message}; once more:")
        else:
            return given


def _required(key: str, value: str) -> None:
    """InputError when this cannot be stored, before anything is."""
    from newsletter.editorial.publication_settings import default, with_value

    if value:
        with_value(default(), key, value)


def _first_publication(desk: Desk, answers: dict[str, str]) -> None:
    from newsletter.core.clock import now
    from newsletter.editorial import publications

    with desk.writing() as session:
        made = publications.create(session, publications.default(), now=now())
        for key, value in answers.items():
            if value:
                publications.set_value(session, made, key, value, now=now())


def _where(desk: Desk) -> None:
    settings = desk.services().settings
    database = "PostgreSQL" if settings.database.url else settings.home / "newsletter.db"
    say(f"  database  {database}")
    say(f"  key       {_key_place(desk)}")
    say(f"  settings  {settings.home / 'newsletter.toml'}   (yours to write; see docs/commands.md)")


def _key_place(desk: Desk) -> str:
    from newsletter.cli.keys import WAYS
    from newsletter.core.keychain import installation

    with desk.reading() as session:
        by = (installation(session).wrapping or {})["by"]
    if by == "file":
        return f"{desk.services().settings.key_path}   (back it up apart from the database)"
    return f"{WAYS[by]}   (without it no address can be read: keep it apart from the database)"


def _next(desk: Desk, *, renamed: bool) -> None:
    from newsletter.editorial import publications

    usual = publications.default().names
    with desk.reading() as session:
        made = publications.get(session, None)
        lacking, names = publications.lacks(made), dict(made.names)
    say("Next:")
    for sentence in lacking:
        say(f"  · {sentence}")
    for language in [c for c, text in names.items() if renamed and c != "en" and text == usual[c]]:
        still = f"the name in '{language}' is still “{names[language]}”; change it with"
        say(f"  · {still} 'newsletter publication set names.{language} \"…\"'")
    say("  · newsletter import FILE, then show, check, preview, approve, send")


def migrate(ctx: typer.Context) -> None:
    """Bring the database of an older version up to date; make a backup of the home before.

    A database made by a newer version is left alone.
    """
    from newsletter import migrations
    from newsletter.app import initialise
    from newsletter.core import settings
    from newsletter.core.db import open_engine
    from newsletter.core.errors import ConfigurationError

    desk = desk_of(ctx)
    found = settings.load(desk.home)
    if not found.database.url and not (desk.home / "newsletter.db").is_file():
        raise ConfigurationError(
            f"there is no newsletter in {desk.home}; run 'newsletter init' first"
        )
    engine = open_engine(found.database_url)
    before = migrations.current(engine)
    engine.dispose()
    desk.adopt(initialise(desk.home))
    lost = _take_over_pictures(desk)
    if before == migrations.HEAD:
        say(f"The database stands at {before}, the newest; nothing to do.")
    else:
        say(f"The database went from {before or 'nothing'} to {migrations.HEAD}.", "green")
    for name in lost:
        say(f"The picture {name} is not in {found.media_path}; look on the host that made it.")


def _take_over_pictures(desk: Desk) -> list[str]:
    """From the files of a home into the database; names those that are in neither."""
    from newsletter.editorial import pictures

    with desk.writing() as session:
        return pictures.take_over(session, desk.services().settings.media_path)
