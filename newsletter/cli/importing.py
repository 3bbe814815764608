"""Lists of readers taken in from files: row by row, each with its answer, and resumed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

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
    answer,
    progress,
    require_free,
    store_all,
)
from newsletter.cli.output import counted, emit, minute, say, table

if TYPE_CHECKING:
    from newsletter.editorial.models import Publication
    from subscribers.importing import Chunk, Order, Taking
    from subscribers.reading import Progress

EditionOption = Annotated[
    str | None,
    typer.Option("--edition", metavar="EDITION", help="en, my or en+my; else the first language."),
]


def add_to(group: typer.Typer) -> None:
    """Add the commands about importing readers to the group `subscribers`."""
    group.command(
        "import",
        epilog=examples(
            "newsletter subscribers import readers.csv --dry-run",
            'newsletter subscribers import list.csv --column email="Mail 1" --column status=Member',
        ),
    )(import_)
    group.command(
        epilog=examples(
            "newsletter subscribers imports",
            "newsletter subscribers imports --forget 3",
        )
    )(imports)


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
            head = {"publication": slug}
            answer(taking, head, stored=not dry_run, report=report, as_json=as_json)


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
        before = list_imports.earlier(session, taking.order.publication_id, taking.mark)
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

    with desk.writing() as session:
        number = list_imports.begin(session, taking.order.publication_id, taking.mark, now())
    taking.number = number

    def keep(chunk: Chunk) -> int:
        with desk.writing() as session:
            taking.store(session, chunk, now())
            list_imports.advance(session, number, len(chunk.people), now())
        return len(chunk.people)

    store_all(taking, telling, taking.chunks(), keep)
    with desk.writing() as session:
        list_imports.finish(session, number, now())


def imports(
    ctx: typer.Context,
    forget: Annotated[
        int | None,
        typer.Option("--forget", metavar="N", help="Be told no more of this unfinished one."),
    ] = None,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the imports by the number that stands in the consents of their readers.

    What the files were called is kept nowhere. --forget takes nobody off the list: who is
    stored stays, and the rest of the file is no longer waited for.
    """
    from newsletter.editorial import publications
    from subscribers import list_imports

    desk = desk_of(ctx)
    if forget is not None:
        _forget(desk, publication, forget)
        return
    with desk.reading() as session:
        owner = publications.get(session, publication)
        found = [asdict(one) for one in list_imports.listing(session, owner.id)]
    if as_json:
        emit({"publication": owner.slug, "imports": found})
        return
    columns = ("import", "begun", "last stored", "rows stored", "state")
    table(columns, map(_import_row, found))
    if not found:
        say("No list was imported.")


def _forget(desk: Desk, publication: str | None, number: int) -> None:
    from newsletter.core.clock import now
    from newsletter.editorial import publications
    from subscribers import list_imports

    with desk.writing() as session:
        owner = publications.get(session, publication)
        was = list_imports.give_up(session, owner.id, number, now())
    rows = counted(was.rows_done, "reader")
    say(f"Import {number} is not waited for any more; {rows} of it stay as they are.", "green")


def _import_row(one: dict[str, Any]) -> list[Any]:
    times = (minute(one[name].isoformat()) for name in ("started_at", "changed_at"))
    return [one["number"], *times, f"{one['rows_done']:,}", one["state"]]
