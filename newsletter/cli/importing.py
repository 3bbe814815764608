"""Lists of readers taken in from files: row by row, each with its answer, and resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.context import (
    Desk,
    JsonOption,
    PublicationOption,
    desk_of,
    examples,
    open_file,
    pairs,
)
from newsletter.cli.list_files import (
    ColumnOption,
    DryRunOption,
    ListFile,
    ReportOption,
    StrictOption,
    emit_rows,
    progress,
    require_free,
    stoppable,
    tell,
    write_report,
)

if TYPE_CHECKING:
    from newsletter.editorial.models import Publication
    from subscribers.importing import Order, Taking
    from subscribers.reading import Progress

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
            'newsletter subscribers import list.csv --column email="Mail 1" --column status=-',
        ),
    )(import_)


def usual_edition(owner: Publication, wanted: str | None) -> str:
    """The edition wanted, or the first language of the publication."""
    from newsletter.editorial import editions

    return editions.parse_edition(owner, wanted) if wanted else owner.languages[0]


def import_(
    ctx: typer.Context,
    file: ListFile,
    *,
    edition: EditionOption = None,
    column: ColumnOption = None,
    strict: StrictOption = False,
    dry_run: DryRunOption = False,
    report: ReportOption = None,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in readers from a CSV or a plain list; broken rows are told and left out.

    Whoever left, bounced or complained stays away. Broken off, the same command goes on.
    """
    from subscribers.importing import Taking

    desk = desk_of(ctx)
    require_free(report)
    with open_file(file) as source, progress() as telling:
        slug, order = _order(desk, publication, edition, column)
        with Taking(source, file.name, desk.services().sealer, order) as taking:
            taking.read(telling)
            _compare(desk, taking, telling)
            if strict:
                taking.refuse_broken()
            if not dry_run:
                _store(desk, taking, telling)
            write_report(taking, report)
            if as_json:
                emit_rows({"publication": slug, "stored": not dry_run}, taking)
            else:
                tell(taking, file.name, stored=not dry_run, report=report)


def _order(
    desk: Desk, publication: str | None, edition: str | None, column: list[str] | None
) -> tuple[str, Order]:
    from newsletter.editorial import editions, publications
    from subscribers.importing import Order

    with desk.reading() as session:
        owner = publications.get(session, publication)
        usual = usual_edition(owner, edition)
        offered = editions.editions_of(owner)
        return owner.slug, Order(owner.id, offered, usual, pairs(column, "--column", "email=NAME"))


def _compare(desk: Desk, taking: Taking, telling: Progress) -> None:
    from subscribers import list_imports

    with desk.reading() as session:
        before = list_imports.earlier(session, taking.order.publication_id, taking.fingerprint)
        taking.decide(session, telling)
    if before is not None:
        taking.notes.insert(
            0,
            f"an earlier run of this list was broken off after {before.rows_done:,} stored rows "
            f"({before.changed_at:%Y-%m-%d %H:%M} UTC); it goes on from there",
        )


def _store(desk: Desk, taking: Taking, telling: Progress) -> None:
    from newsletter.core.clock import now
    from subscribers import list_imports

    owner, fingerprint = taking.order.publication_id, taking.fingerprint
    total, done = taking.to_store, 0
    with desk.writing() as session:
        list_imports.begin(session, owner, fingerprint, taking.name, now())
    with stoppable(lambda: done, total):
        for chunk in taking.chunks():
            with desk.writing() as session:
                taking.store(session, chunk, now())
                list_imports.advance(session, owner, fingerprint, len(chunk.people), now())
            done += len(chunk.people)
            telling("store", done, total)
    with desk.writing() as session:
        list_imports.finish(session, owner, fingerprint, now())
