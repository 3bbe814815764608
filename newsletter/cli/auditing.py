"""`newsletter audit`: deeds on what is held of readers."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from newsletter.cli.context import JsonOption, desk_of, examples
from newsletter.cli.output import emit, minute, say, table


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(epilog=examples("newsletter audit", "newsletter audit --limit 20 --json"))(audit)


def audit(
    ctx: typer.Context,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Only the newest N.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List what was done with readers' data: exports, erasures, new keys, backups, purges.

    The newest first. It names deeds and counts, and nobody.
    """
    from newsletter.core import audit as deeds

    with desk_of(ctx).reading() as session:
        found = deeds.entries(session, limit)
    if as_json:
        rows = [{"at": e.at.isoformat(), "deed": e.deed, "how": e.how, **e.detail} for e in found]
        emit({"entries": rows})
        return
    table(
        ("time", "deed", "through", "detail"),
        ((minute(e.at.isoformat()), e.deed, e.how, _words(e.detail)) for e in found),
        below=("detail",),
        width=90,
    )
    if not found:
        say("Nothing yet.")


def _words(detail: dict[str, Any]) -> str:
    """rows 3; filter publication weekly, state active"""
    return "; ".join(
        f"{key} {', '.join(f'{k} {v}' for k, v in value.items())}"
        if isinstance(value, dict)
        else f"{key} {value}"
        for key, value in detail.items()
    )
