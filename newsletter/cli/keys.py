"""`newsletter keys`: which keys there are, new ones, and what they are wrapped by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.context import Desk, JsonOption, desk_of, examples, read_file
from newsletter.cli.output import console, counted, emit, minute, say, table
from newsletter.cli.passphrases import asked, first_line

if TYPE_CHECKING:
    from newsletter.core.master_key import Master
    from newsletter.core.settings import Keys, Settings
    from subscribers.resealing import Tell

_DOOR = "command line"
WAYS = {"file": "the key file", "environment": "a key that is set", "passphrase": "a passphrase"}


def register(app: typer.Typer) -> None:
    """Add the group with its commands."""
    group = typer.Typer(no_args_is_help=True, help="The keys that close addresses and sign links.")
    group.command(epilog=examples("newsletter keys show", "newsletter keys show --json"))(show)
    group.command(epilog=examples("newsletter keys rotate", "newsletter keys rotate --json"))(
        rotate
    )
    group.command(
        epilog=examples(
            "newsletter keys wrap --passphrase",
            "newsletter keys wrap --key-file /run/secrets/newsletter.key",
        )
    )(wrap)
    app.add_typer(group, name="keys")


def show(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the keys, since when, how many addresses are under each, and how they are wrapped.

    The newest of its use closes or signs; all open and verify. No secret is shown.
    """
    desk = desk_of(ctx)
    found = _found(desk)
    if as_json:
        emit(found)
        return
    rows = [
        (_USES[key["use"]], key["kid"], minute(key["since"]), key["addresses"])
        for key in found["keys"]
    ]
    table(("use", "key", "since", "addresses"), rows)
    say(f"Wrapped by {WAYS[found['wrapped_by']]}.")
    if found["addresses_without_key"]:
        say(f"{_addresses(found['addresses_without_key'])} under no known key.", "yellow")


_USES = {"index": "finding addresses", "seal": "closing addresses", "token": "signing links"}


def _found(desk: Desk) -> dict[str, Any]:
    from sqlalchemy import select

    from newsletter.core.installation import DataKey
    from newsletter.core.keychain import installation
    from subscribers import resealing

    with desk.reading() as session:
        held = resealing.counts(session)
        keys = [
            {
                "use": key.use,
                "kid": key.kid,
                "since": key.created_at.isoformat(),
                "addresses": held.get(key.id, 0) if key.use == "seal" else None,
            }
            for key in session.scalars(select(DataKey).order_by(DataKey.use, DataKey.id.desc()))
        ]
        wrapping = installation(session).wrapping or {}
    return {
        "wrapped_by": wrapping.get("by"),
        "keys": keys,
        "addresses_without_key": held.get(None, 0),
    }


def rotate(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Make new keys and close every address again; also while readers come and an issue goes out.

    Old keys for addresses are removed at the end, so make a new backup then. Old links keep
    working. What is interrupted goes on working too; run it again to complete it.
    """
    from newsletter.core.clock import now
    from subscribers import resealing

    services = desk_of(ctx).services()
    with _bar(_total(desk_of(ctx))) as tell:
        done = resealing.rotate(
            services.engine, services.chain, services.sealer, how=_DOOR, now=now(), tell=tell
        )
    if as_json:
        emit({"key": done.key, "addresses": done.addresses, "removed": done.removed})
        return
    say(f"The new keys are '{done.key}'; {_addresses(done.addresses)} closed again.", "green")
    say(f"  {counted(done.removed, 'old key')} removed; links in old mails keep working")
    say(
        "  make a new backup: older ones hold the addresses under the old keys, and after a restore"
    )
    say("  of one of them the links in mails sent from now on lead nowhere")


def _addresses(number: int) -> str:
    return f"{number or 'no'} address{'' if number == 1 else 'es'}"


def _total(desk: Desk) -> int:
    from subscribers import resealing

    with desk.reading() as session:
        return sum(resealing.counts(session).values())


@contextmanager
def _bar(total: int) -> Iterator[Tell]:
    """A bar on a terminal's standard error; nothing in a pipe."""
    from rich.progress import Progress

    place = console(stderr=True)
    with Progress(console=place, transient=True, disable=not place.is_terminal) as progress:
        task = progress.add_task("closing again", total=total)
        yield lambda more: progress.advance(task, more)


@dataclass(frozen=True)
class _Wish:
    """What the keys shall be wrapped by: exactly one of these."""

    new_file: bool
    passphrase: bool
    passphrase_file: Path | None
    key_file: Path | None

    def require_one(self) -> None:
        from newsletter.core.errors import InputError

        given = [self.new_file, self.passphrase, self.passphrase_file, self.key_file]
        if sum(bool(one) for one in given) != 1:
            raise InputError(
                "",
                "say what shall wrap the keys: one of --new-file, --passphrase, "
                "--passphrase-file and --key-file",
            )


def wrap(
    ctx: typer.Context,
    *,
    new_file: Annotated[
        bool, typer.Option("--new-file", help="A new key in the home's keys.json.")
    ] = False,
    passphrase: Annotated[
        bool, typer.Option("--passphrase", help="A passphrase, asked for twice.")
    ] = False,
    passphrase_file: Annotated[
        Path | None,
        typer.Option("--passphrase-file", metavar="FILE", help="Its first line is the passphrase."),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option("--key-file", metavar="FILE", help="32 bytes in base64 out of a file."),
    ] = None,
) -> None:
    """Wrap all keys by another master key, and say what to set before the next start.

    Addresses and links stay as they are. A backup opens only with what wrapped it when it was
    made, so the old one is needed as long as such backups are kept.
    """
    wish = _Wish(new_file, passphrase, passphrase_file, key_file)
    wish.require_one()
    desk = desk_of(ctx)
    before = _found(desk)["wrapped_by"]
    if wish.new_file:
        _to_the_file(desk)
    else:
        _to_a_setting(desk, wish)
    _tell_old(desk, before)


def _to_the_file(desk: Desk) -> None:
    from newsletter.core import rewrapping

    services = desk.services()

    def in_force() -> Master:
        with desk.reading() as session:
            return services.chain.master(session)

    with rewrapping.new_file(services.settings, in_force) as (old, new):
        _store(desk, new, _later(services.settings))
    say(f"The keys are wrapped by a new key in {services.settings.key_path}.", "green")
    say("  keep a copy of it apart from the database and its backups")
    if old.by == "file":
        copy = rewrapping.copy_path(services.settings, old)
        say(f"  backups made before need the old key: it is kept in {copy}; move it to them")


def _to_a_setting(desk: Desk, wish: _Wish) -> None:
    from newsletter.core import master_key
    from newsletter.core.errors import ConfigurationError, InputError

    try:
        if wish.key_file:
            text = _text(wish.key_file)
            new, later = master_key.from_text(text), {"key": text}
            name, place = "KEY", str(wish.key_file.absolute())
        else:
            file = wish.passphrase_file
            text = first_line(file).strip() if file else asked_for()
            new, later = master_key.from_passphrase(text), {"passphrase": text}
            name = "PASSPHRASE"
            place = str(file.absolute()) if file else "FILE"
    except ConfigurationError as err:
        raise InputError(str(wish.key_file or wish.passphrase_file or ""), str(err)) from err
    _store(desk, new, _later(desk.services().settings, **later))
    say(f"The keys are wrapped by {WAYS[new.by].replace('that is set', 'of your own')}.", "green")
    say(f"  before the next start set NEWSLETTER_KEYS__{name}_FILE={place}")
    say("  without it no address can be read by anybody: keep it apart from the database")


def asked_for() -> str:
    """A new passphrase, typed twice; as a file of it is read, without the space around."""
    return asked("New passphrase", twice=True).strip()


def _text(path: Path) -> str:
    return read_file(path, 10_000).decode("utf-8", "replace").strip()


def _later(settings: Settings, **keys: str) -> Settings:
    """The settings of the next start."""
    wanted: Keys = settings.keys.model_copy(update={"passphrase": "", "key": "", **keys})
    return settings.model_copy(update={"keys": wanted})


def _store(desk: Desk, new: Master, later: Settings) -> None:
    from newsletter.core import audit, rewrapping
    from newsletter.core.clock import now

    services = desk.services()
    with desk.writing() as session:
        old = rewrapping.rewrap(session, services.chain, new, later)
        audit.note(session, "wrapping", _DOOR, {"before": old.by, "now": new.by}, now())


def _tell_old(desk: Desk, before: str) -> None:
    """What is left of the former way, and who must be started again."""
    settings, now = desk.services().settings, _found(desk)["wrapped_by"]
    if before == "file" and now != "file":
        say(f"  {settings.key_path} is not used any more; backups made before need it: move it")
    if before not in {"file", now}:
        name = "key" if before == "environment" else "passphrase"
        say(f"  take '{name}' out of [keys] or the environment; backups made before need it")
    say("  then start 'newsletter serve' again")
