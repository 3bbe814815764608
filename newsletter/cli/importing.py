"""Lists taken in from files: readers, row by row, each with its answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.context import JsonOption, PublicationOption, desk_of, examples, read_file
from newsletter.cli.output import counted, emit, say

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from newsletter.core.sealing import Sealer
    from newsletter.editorial.models import Publication

EditionOption = Annotated[
    str | None,
    typer.Option("--edition", metavar="EDITION", help="en, my or en+my; else the first language."),
]


def add_to(group: typer.Typer) -> None:
    """Add the command that imports readers to the group `subscribers`."""
    group.command(
        "import",
        epilog=examples(
            "newsletter subscribers import readers.csv --dry-run",
            "newsletter subscribers import readers.csv --edition my --strict",
        ),
    )(import_)


def usual_edition(owner: Publication, wanted: str | None) -> str:
    """The edition wanted, or the first language of the publication."""
    from newsletter.editorial import editions

    return editions.parse_edition(owner, wanted) if wanted else owner.languages[0]


class _DryRunError(Exception):
    """Lets the transaction fall after everything was tried in it."""


def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a header line.")],
    *,
    edition: EditionOption = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Take nothing when any row is broken.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen and store nothing.")
    ] = False,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in readers from a CSV file with a column "email" and perhaps one "edition".

    Broken rows are reported by their line and left out; whoever left stays away.
    """
    from newsletter.editorial import publications

    desk = desk_of(ctx)
    data = read_file(file)
    report: dict[str, Any] = {}
    slug = ""
    try:
        with desk.writing() as session:
            owner = publications.get(session, publication)
            slug = owner.slug
            usual = usual_edition(owner, edition)
            sealer = desk.services().sealer
            report = _taken(session, sealer, owner, usual, (data, file.name, strict))
            if dry_run:
                raise _DryRunError
    except _DryRunError:
        pass
    report = {"publication": slug, "stored": not dry_run, **report}
    if as_json:
        emit(report)
    else:
        _tell_import(report, file.name)


def _taken(
    session: Session,
    sealer: Sealer,
    owner: Publication,
    usual: str,
    source: tuple[bytes, str, bool],
) -> dict[str, Any]:
    from newsletter.core.clock import now
    from newsletter.editorial import editions
    from subscribers import importing

    data, name, strict = source
    done = importing.import_csv(
        session,
        sealer,
        publication_id=owner.id,
        data=data,
        name=name,
        editions=editions.editions_of(owner),
        default_edition=usual,
        now=now(),
        strict=strict,
    )
    rows = [{"line": r.line, "outcome": r.outcome, "reason": r.reason} for r in done.rows]
    return {"counts": dict(done.counts), "rows": rows, "notes": list(done.notes)}


def _tell_import(report: dict[str, Any], name: str) -> None:
    for row in report["rows"]:
        if row["outcome"] not in ("new", "there"):
            style = "red" if row["outcome"] == "broken" else "yellow"
            say(f"{name}:{row['line']}: {row['outcome']}: {row['reason']}", style)
    for remark in report["notes"]:
        say(f"  · {remark}")
    counts = ", ".join(f"{count} {word}" for word, count in report["counts"].items() if count)
    kept = "" if report["stored"] else "  Nothing was stored: this was a dry run."
    say(f"{counted(len(report['rows']), 'row')}: {counts or 'nothing to take'}.{kept}")
