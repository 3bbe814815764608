"""Addresses that must not be mailed: barred by hand or from a list, and counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.context import Desk, JsonOption, desk_of, examples, open_file, pairs
from newsletter.cli.list_files import (
    ColumnOption,
    DryRunOption,
    ListFile,
    ReportOption,
    StrictOption,
    answer,
    progress,
    require_free,
    store_all,
)
from newsletter.cli.output import emit, say, table

if TYPE_CHECKING:
    from subscribers.reading import Progress
    from subscribers.suppressing import Barring
    from subscribers.tally import Person

_REASONS = "hard_bounce, complaint, unsubscribed or manual."
Reason = Annotated[
    str | None,
    typer.Option("--reason", metavar="REASON", help=_REASONS),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(no_args_is_help=True, help="Addresses that are never mailed, and why.")
    group.command(
        "import",
        epilog=examples(
            "newsletter suppressions import bounces.csv --dry-run",
            "newsletter suppressions import cleaned.csv --reason hard_bounce",
        ),
    )(import_)
    group.command(
        epilog=examples(
            "newsletter suppressions add reader@example.org --reason complaint",
            "newsletter suppressions add reader@example.org --reason hard_bounce",
        )
    )(add)
    group.command(
        "list",
        epilog=examples("newsletter suppressions list", "newsletter suppressions list --json"),
    )(list_)
    app.add_typer(group, name="suppressions")


def import_(
    ctx: typer.Context,
    file: ListFile,
    *,
    reason: Reason = None,
    column: ColumnOption = None,
    strict: StrictOption = False,
    dry_run: DryRunOption = False,
    report: ReportOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in addresses that another system would not mail; only keyed hashes are kept.

    A column of reasons is found by itself; --reason holds where it says none. Nobody is taken
    off a list by this: they stay on it and get nothing.
    """
    from subscribers.suppressing import Barring

    desk = desk_of(ctx)
    _require_known(reason)
    require_free(report)
    columns = pairs(column, "--column", "email=NAME")
    sealer = desk.services().sealer
    with (
        open_file(file) as source,
        progress() as telling,
        Barring(source, file.name, sealer, reason, columns) as barring,
    ):
        barring.read(telling)
        with desk.reading() as session:
            barring.decide(session, telling)
        if strict:
            barring.refuse_broken()
        if not dry_run:
            _store(desk, barring, telling)
        answer(barring, {}, stored=not dry_run, report=report, as_json=as_json)


def _store(desk: Desk, barring: Barring, telling: Progress) -> None:
    from newsletter.core.clock import now

    def keep(chunk: Sequence[Person]) -> int:
        with desk.writing() as session:
            barring.store(session, chunk, now())
        return len(chunk)

    store_all(barring, telling, barring.chunks(), keep)


def _require_known(reason: str | None) -> None:
    from newsletter.core.errors import InputError
    from subscribers.suppressing import BY_HAND

    if reason not in (None, *BY_HAND):
        known = ", ".join(BY_HAND)
        raise InputError("--reason", f"'{reason}' is no reason; it is one of {known}")


def add(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="A mail address.")],
    reason: Annotated[str, typer.Option("--reason", metavar="REASON", help=_REASONS)] = "manual",
) -> None:
    """Never mail this address again, whatever the publication; 'subscribers release' lifts it.

    Whoever is on a list stays there and gets nothing, also of an issue that is going out.
    """
    from newsletter.core.addresses import parse
    from newsletter.core.clock import now
    from subscribers import suppression

    desk = desk_of(ctx)
    _require_known(reason)
    lookup = parse(address).lookup
    with desk.writing() as session:
        index = desk.services().sealer.blind_index(lookup)
        held = suppression.barred(session, index)
        was = held.reason if held else None
        suppression.bar(session, index, reason, now())
        after = suppression.barred(session, index)
    if was is None:
        say(f"This address is suppressed now ({reason}).", "green")
    elif after is not None and after.reason != was:
        say(f"This address was suppressed already ({was}); now by the reader's word ({reason}).")
    else:
        say(f"This address was suppressed already ({was}); nothing changed.")


def list_(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """How many addresses are suppressed, and why; the addresses themselves are not kept."""
    from subscribers import suppressing

    with desk_of(ctx).reading() as session:
        found = suppressing.counts(session)
    if as_json:
        emit(
            {
                "count": sum(count for _, count, _, _ in found),
                "reasons": [
                    {"reason": why, "count": n, "first": a.isoformat(), "last": z.isoformat()}
                    for why, n, a, z in found
                ],
            }
        )
        return
    table(
        ["reason", "count", "first", "last"],
        ((reason, n, f"{a:%Y-%m-%d}", f"{z:%Y-%m-%d}") for reason, n, a, z in found),
    )
    if not found:
        say("No address is suppressed.")
