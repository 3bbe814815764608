"""`newsletter purge`: the worst day, decided by two people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.context import Desk, JsonOption, desk_of, examples
from newsletter.cli.output import emit, note, say, table
from newsletter.cli.passphrases import asked

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from newsletter.core.settings import Settings
    from newsletter.safekeeping.purging import Survey

_DOOR = "command line"
_WORD = "PURGE"
_WARNING = """\
This destroys, for ever, everything about readers in {home}:
every address, subscription, consent and suppression, every delivery, every key.
No one can undo it. Only a backup together with a copy of the master key brings it back.
Readers' links to leave stop working. Publications, issues and templates stay.

NOT after a legal demand (a subpoena, a court order, a letter of the police): destroying
data then can be a crime of its own. Call counsel before you go on.

Two keyholders confirm, each with their own passphrase. Ctrl-C ends it, nothing done."""


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(
        epilog=examples("newsletter purge   (only says what it would do)", "newsletter purge --now")
    )(purge)


@dataclass(frozen=True)
class _Scene:
    """The database of a home whose key may be gone already."""

    settings: Settings
    engine: Engine


def purge(
    ctx: typer.Context,
    now: Annotated[
        bool, typer.Option("--now", help="Do it: asks two keyholders, then for the word PURGE.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Destroy everything about readers: keys first, then rows, then logs and lists.

    Without --now it only says what would be destroyed, what stays, and what it cannot reach.
    Not after a legal demand: call counsel.
    """
    desk = desk_of(ctx)
    with _scene(desk) as scene:
        found, remaining = _survey(scene)
        if not now:
            _tell_plan(desk, found, remaining, as_json=as_json)
            return
        if not _begun(scene):
            _agreed(desk, scene)
        by_hand = _purge(desk, scene)
    if as_json:
        emit({"purged": str(desk.home), "checklist": [*by_hand, *remaining]})
        return
    say("Purged. Nobody can read an address of this newsletter here any more.", "green")
    _tell_checklist([*by_hand, *remaining])
    say("To begin anew with the same publications: 'newsletter init'.")


@contextmanager
def _scene(desk: Desk) -> Iterator[_Scene]:
    from newsletter import migrations
    from newsletter.core import settings as settings_module
    from newsletter.core.db import open_engine
    from newsletter.core.errors import ConfigurationError

    settings = settings_module.load(desk.home)
    if not settings.database.url and not (desk.home / "newsletter.db").is_file():
        raise ConfigurationError(f"there is no newsletter in {desk.home}; check --home")
    engine = open_engine(settings.database_url)
    try:
        migrations.check(engine)
        yield _Scene(settings, engine)
    finally:
        engine.dispose()


def _survey(scene: _Scene) -> tuple[Survey, list[str]]:
    from newsletter.core.db import reading
    from newsletter.core.installation import Installation
    from newsletter.safekeeping import purging

    with reading(scene.engine) as session:
        known = session.get(Installation, 1)
        by = (known.wrapping or {}).get("by") if known else None
        found = purging.survey(session, scene.settings)
    return found, list(purging.checklist(scene.engine, by))


def _tell_plan(desk: Desk, found: Survey, remaining: list[str], *, as_json: bool) -> None:
    if as_json:
        files = [str(path) for path in found.files]
        told: dict[str, Any] = {"destroyed": found.destroyed, "kept": found.kept, "files": files}
        emit({"home": str(desk.home), **told, "checklist": remaining})
        return
    say("Nothing was changed. 'newsletter purge --now' would", "bold")
    table(
        ["table", "rows"], [[name, n] for name, n in found.destroyed.items() if n], title="destroy"
    )
    for path in found.files:
        say(f"  file {path}")
    say("  passwords and keys that stand in newsletter.toml")
    kept = ", ".join(f"{n} {name}" for name, n in found.kept.items() if n)
    say(f"and keep: {kept}; images, templates and other settings.")
    _tell_checklist(remaining)


def _tell_checklist(remaining: list[str]) -> None:
    say("What it cannot reach; go through it together and tick off each:", "bold")
    for sentence in remaining:
        say(f"  [ ] {sentence}")


def _begun(scene: _Scene) -> bool:
    from newsletter.core.db import reading
    from newsletter.safekeeping import purging

    with reading(scene.engine) as session:
        return purging.begun(session)


def _agreed(desk: Desk, scene: _Scene) -> None:
    """The dialog; NotAllowedNow, and nothing done, when anybody does not agree."""
    from newsletter.core.db import reading
    from newsletter.core.errors import NotAllowedNow
    from newsletter.safekeeping import keyholders

    with reading(scene.engine) as session:
        if len(keyholders.names(session)) < 2:
            raise NotAllowedNow(
                "two keyholders must confirm, and there are fewer; 'newsletter keyholders add "
                "NAME' adds one"
            )
    note(_WARNING.format(home=desk.home))
    agreed: set[str] = set()
    for place in ("first", "second"):
        name = str(typer.prompt(f"Name of the {place} keyholder", err=True)).strip()
        words = asked(f"Passphrase of {name}", twice=False)
        with reading(scene.engine) as session:
            right = keyholders.agrees(session, name, words)
        if not right or name.casefold() in agreed:
            why = "has confirmed already" if right else "is no keyholder, or those were other words"
            raise NotAllowedNow(f"'{name}' {why}; nothing was destroyed")
        agreed.add(name.casefold())
    if str(typer.prompt(f"Type {_WORD} to destroy everything", err=True)) != _WORD:
        raise NotAllowedNow(f"that was not {_WORD}; nothing was destroyed")


def _purge(desk: Desk, scene: _Scene) -> list[str]:
    """All steps in their order, each its own transaction; what is left to be done by hand."""
    from newsletter.core.clock import now
    from newsletter.core.db import empty_log, writing
    from newsletter.safekeeping import purging, shredding

    with writing(scene.engine) as session:
        purging.stop_sending(session, now())
        if not purging.begun(session):
            purging.destroy_keys(session, _DOOR, now())
    empty_log(scene.engine)
    note("The keys are destroyed; deleting the rows.")
    with writing(scene.engine) as session:
        purging.delete_rows(session, now())
    note("The rows are deleted; removing the files.")
    by_hand = shredding.shred_files(scene.settings)
    for sentence in by_hand:
        note(sentence)  # at once: what comes next may stop, and another run finds no file
    note("The files are removed; cleaning up the database.")
    purging.vacuum(scene.engine)
    by_hand += shredding.shred_files(scene.settings)  # what running programs wrote meanwhile
    by_hand += shredding.forget_passwords(desk.home)
    with writing(scene.engine) as session:
        purging.end(session, now())
    return list(dict.fromkeys(by_hand))
