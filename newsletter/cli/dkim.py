"""`newsletter dkim`: the key that signs in the domain's name, and what the DNS must say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.context import JsonOption, desk_of, examples
from newsletter.cli.output import emit, say

if TYPE_CHECKING:
    from newsletter.core.settings import Settings

_KINDS = ("rsa", "ed25519")


def register(app: typer.Typer) -> None:
    """Add the group with its commands."""
    group = typer.Typer(no_args_is_help=True, help="The signature of your domain on each message.")
    group.command(
        "new-key",
        epilog=examples(
            "newsletter dkim new-key news.example.org weekly2026",
            "newsletter dkim new-key news.example.org weekly2026e --kind ed25519",
        ),
    )(new_key)
    group.command("show", epilog=examples("newsletter dkim show", "newsletter dkim show --json"))(
        show
    )
    app.add_typer(group, name="dkim")


def new_key(
    ctx: typer.Context,
    domain: Annotated[str, typer.Argument(help="The domain of the sender's address.")],
    selector: Annotated[str, typer.Argument(help="A name for the key, new each time.")],
    kind: Annotated[str, typer.Option(metavar="rsa|ed25519", help="Receivers all know rsa.")] = (
        "rsa"
    ),
    as_json: JsonOption = False,
) -> None:
    """Make a private key in the home, and say what goes into the DNS and into newsletter.toml.

    Messages are signed once [dkim] is set and the program started again; so publish the record
    first and wait until it is seen. The old record stays for a week after a change of keys.
    """
    from newsletter.cli.private_files import private_file
    from newsletter.core.errors import InputError
    from newsletter.rendering import dkim_keys

    _require_names(domain, selector)
    if kind not in _KINDS:
        raise InputError("--kind", f"there is no kind '{kind}'; write rsa or ed25519")
    path = desk_of(ctx).home / f"{selector}.pem"
    private = dkim_keys.generate(kind)
    with private_file(path) as out:
        out.write(dkim_keys.pem(private))
    line = dkim_keys.zone_line(domain, selector, dkim_keys.record(private))
    if as_json:
        emit({"file": str(path), "record": line})
        return
    say(f"The private key is {path}; keep it from others, and in no backup that is not closed.")
    say("Put this into the DNS:")
    typer.echo(line)
    say("Once it is seen, put this into newsletter.toml:")
    second = "second_" if kind == "ed25519" else ""
    named = "" if second else f'domain = "{domain}"\n'
    typer.echo(f'[dkim]\n{named}{second}selector = "{selector}"\n{second}key_path = "{path.name}"')
    if second:
        say("beside an RSA key: not every receiver knows this kind yet")


def _require_names(domain: str, selector: str) -> None:
    """As the settings take them."""
    from pydantic import ValidationError

    from newsletter.core.dkim_settings import Dkim
    from newsletter.core.errors import InputError
    from newsletter.core.validation_words import words

    given = {"domain": domain, "selector": selector, "key_path": "k"}
    try:
        Dkim.model_validate({**given, "second_selector": "", "second_key_path": ""})
    except ValidationError as err:
        first = err.errors()[0]
        raise InputError(str((first["loc"] or ("dkim",))[0]), words(first)) from err


def show(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """What the DNS must say of the keys that are set; no secret is shown."""
    from newsletter.core import settings as settings_module

    settings = settings_module.load(desk_of(ctx).home)
    records = _records(settings)
    if as_json:
        emit({"domain": settings.dkim.domain, "records": records})
        return
    if not records:
        say("Messages are not signed here; a relay may do it. 'newsletter dkim new-key' begins it.")
    for line in records:
        typer.echo(line)


def _records(settings: Settings) -> list[str]:
    from newsletter.rendering import dkim_keys

    return [
        dkim_keys.zone_line(settings.dkim.domain, name, dkim_keys.record(dkim_keys.load(path)))
        for name, path in settings.dkim.paths(settings.home).items()
    ]
