"""`newsletter sources`: feeds and WordPress sites that fill the inbox by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.context import LARGEST, JsonOption, PublicationOption, desk_of, examples
from newsletter.cli.output import counted, emit, listed, minute, note, say, table

if TYPE_CHECKING:
    from newsletter.cli.context import Desk
    from newsletter.editorial.polling import Found
    from newsletter.editorial.source_models import Source
    from newsletter.editorial.sources_kept import Health
    from newsletter.editorial.taking_entries import Taken

SourceId = Annotated[
    int, typer.Argument(metavar="ID", min=1, max=LARGEST, help="As 'sources list' shows it.")
]
Name = Annotated[
    str | None, typer.Option("--name", help="Who publishes it: the byline of what comes from it.")
]
CategoryOption = Annotated[
    str | None, typer.Option("--category", help="Key or name of the category it goes under.")
]
LanguageOption = Annotated[
    str | None,
    typer.Option("--language", metavar="LANG", help="Its language; else each title shows it."),
]
Every = Annotated[
    int | None, typer.Option("--every", metavar="MINUTES", help="How often it is asked.")
]
_COLUMNS = ("id", "state", "name", "last answer", "next", "this week", "trouble")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(
        no_args_is_help=True, help="Feeds and sites that fill the inbox by themselves."
    )
    group.command(
        epilog=examples(
            "newsletter sources add https://example.org/feed/ --category reports",
            'newsletter sources add https://example.org --kind wordpress --name "River Watch"',
        )
    )(add)
    group.command(
        "list", epilog=examples("newsletter sources list", "newsletter sources list --json")
    )(list_)
    group.command(
        epilog=examples("newsletter sources edit 3 --every 240", "newsletter sources edit 3 --off")
    )(edit)
    group.command(
        epilog=examples("newsletter sources remove 3", "newsletter sources remove 3 -p weekly")
    )(remove)
    group.command(epilog=examples("newsletter sources poll", "newsletter sources poll --now 3"))(
        poll
    )
    app.add_typer(group, name="sources")


def add(
    ctx: typer.Context,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="A feed, a page that names one, or a site.")
    ],
    *,
    kind: Annotated[
        str | None, typer.Option("--kind", help="feed or wordpress; else what is found there.")
    ] = None,
    name: Name = None,
    category: CategoryOption = None,
    language: LanguageOption = None,
    every: Every = None,
    first_days: Annotated[
        int | None,
        typer.Option(
            "--first-days", metavar="DAYS", help="Of what is there already, so many days."
        ),
    ] = None,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a feed or a WordPress site as a source; it is asked by 'serve' and by 'worker'.

    With --kind and --name it is kept also while it does not answer.
    """
    from newsletter.core.clock import now
    from newsletter.editorial import publications, sources_kept

    desk = desk_of(ctx)
    settings = desk.services().settings.sources
    with desk.reading() as session:
        owner = publications.get(session, publication)
        if category:
            publications.category(owner, category)
    found = _look(desk, url, kind, name)
    with desk.writing() as session:
        owner = publications.get(session, publication)
        made = sources_kept.add(
            session,
            owner,
            kind=found.kind,
            url=found.url,
            name=name or found.title,
            category=publications.category(owner, category) if category else None,
            language=language or "",
            every_minutes=settings.every_minutes if every is None else every,
            first_days=settings.first_days if first_days is None else first_days,
            now=now(),
        )
        row = _row(made, sources_kept.health(session, [made], now())[made.id])
    if as_json:
        emit({**row, "others": list(found.others), "warning": found.problem or None})
        return
    say(f"Source {row['id']} is kept: {row['name']} ({row['kind']}, {row['url']}).")
    if found.problem:
        say(f"  · it could not be read just now: {found.problem}", "yellow")
    if found.others:
        say(f"  · the same page has other feeds: {listed(found.others)}")
    say(f"Next: newsletter sources poll --now {row['id']}, or leave it to 'newsletter serve'.")


def list_(
    ctx: typer.Context, publication: PublicationOption = None, as_json: JsonOption = False
) -> None:
    """List the sources with their health: last answer, next question, trouble, entries."""
    from newsletter.core.clock import now
    from newsletter.editorial import publications, sources_kept

    with desk_of(ctx).reading() as session:
        owner = publications.get(session, publication)
        found = sources_kept.listing(session, owner)
        health = sources_kept.health(session, found, now())
        rows, slug = [_row(one, health[one.id]) for one in found], owner.slug
    if as_json:
        emit({"publication": slug, "sources": rows})
        return
    table(_COLUMNS, ([_cells(row)[name] for name in _COLUMNS] for row in rows), below=("trouble",))
    if not rows:
        say("There is no source yet; 'newsletter sources add --help' shows how to add one.")


def edit(
    ctx: typer.Context,
    source: SourceId,
    *,
    url: Annotated[str | None, typer.Option("--url", help="Its new address.")] = None,
    name: Name = None,
    category: CategoryOption = None,
    language: LanguageOption = None,
    every: Every = None,
    active: Annotated[
        bool | None, typer.Option("--on/--off", help="Whether it is asked at all.")
    ] = None,
    publication: PublicationOption = None,
) -> None:
    """Change a source; only what is given changes. An empty --category or --language: none.

    It is asked again soon, and its count of failures begins anew.
    """
    from newsletter.core.clock import now
    from newsletter.core.errors import InputError
    from newsletter.editorial import publications, sources_kept

    if all(given is None for given in (url, name, category, language, every, active)):
        raise InputError("", "nothing to change was given; try --name, --category, --every, --off")
    with desk_of(ctx).writing() as session:
        owner = publications.get(session, publication)
        found = sources_kept.get(session, owner, source)
        wanted: dict[str, Any] = {}
        if category is not None:
            wanted["category"] = publications.category(owner, category) if category else None
        sources_kept.edit(
            session,
            found,
            url=url,
            name=name,
            language=language,
            every_minutes=every,
            active=active,
            now=now(),
            **wanted,
        )
    say(f"Source {source} is changed.")


def remove(ctx: typer.Context, source: SourceId, publication: PublicationOption = None) -> None:
    """Forget a source; what came from it into the inbox stays there."""
    from newsletter.editorial import publications, sources_kept

    with desk_of(ctx).writing() as session:
        owner = publications.get(session, publication)
        sources_kept.remove(session, sources_kept.get(session, owner, source))
    say(f"Source {source} is forgotten; what came from it stays.")


def poll(
    ctx: typer.Context,
    source: Annotated[
        int | None,
        typer.Argument(metavar="[ID]", min=1, max=LARGEST, help="Only this one."),
    ] = None,
    *,
    at_once: Annotated[
        bool, typer.Option("--now", help="Also those that are not due yet, or all of them.")
    ] = False,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the sources that are due; what is new comes into the inbox.

    'serve' and 'worker' do this by themselves.
    """
    from newsletter.core.errors import NotAllowedNow
    from newsletter.editorial import publications, sources_kept
    from newsletter.schedule import collecting

    desk = desk_of(ctx)
    with desk.reading() as session:
        owner = publications.get(session, publication)
        if source is not None and not sources_kept.get(session, owner, source).active:
            raise NotAllowedNow(f"source {source} is off; 'sources edit {source} --on' first")
        known = {one.id: one for one in sources_kept.listing(session, owner) if one.active}
    asked = [source] if source is not None else list(known)
    if source is None and not at_once:
        from newsletter.core.clock import now

        asked = [one.id for one in known.values() if one.next_at <= now()]
    note(f"Asking {counted(len(asked), 'source')} …")
    rows = [
        _polled(known[question.source_id], taken)
        for question, taken in collecting.poll(desk.services(), only=asked)
    ]
    if as_json:
        emit({"sources": rows})
        return
    for row in rows:
        _tell(row)
    if not rows:
        say("No source is due; --now asks them all the same.")


def _look(desk: Desk, url: str, kind: str | None, name: str | None) -> Found:
    """What is there; InputError when it cannot be read and not enough was said without."""
    from newsletter.core.errors import InputError
    from newsletter.editorial import polling, sources_kept
    from newsletter.editorial.side_by_side import rules_of
    from newsletter.sources import links, wordpress

    if kind is not None and kind not in sources_kept.KINDS:
        raise InputError("--kind", f"'{kind}' is none; write feed or wordpress")
    if not links.absolute(url, url):
        raise InputError("url", f"'{url[:80]}' is no web address; it starts with https://")
    settings = desk.services().settings
    found = polling.look(url, kind or "", rules_of(settings), settings.sources.longest)
    if not found.problem:
        return found
    if kind is None or name is None:
        raise InputError(
            "url",
            f"{url} cannot become a source: {found.problem}; give the address of the feed "
            "itself, or --kind and --name to keep it all the same",
        )
    address = wordpress.api_of(url) if kind == "wordpress" else url
    return type(found)(address, kind, name, problem=found.problem)


def _row(source: Source, health: Health) -> dict[str, Any]:
    return {
        "id": source.id,
        "kind": source.kind,
        "name": source.name,
        "url": source.url,
        "category": source.category.key if source.category else None,
        "language": source.language or None,
        "every_minutes": source.every_minutes,
        "first_days": source.first_days,
        "state": health.state,
        "checked_at": source.checked_at.isoformat() if source.checked_at else None,
        "seen_at": source.seen_at.isoformat() if source.seen_at else None,
        "next_at": source.next_at.isoformat() if source.active else None,
        "failures": source.failures,
        "trouble": source.last_error or None,
        "this_week": health.this_week,
        "taken": health.taken,
    }


def _cells(row: dict[str, Any]) -> dict[str, object]:
    trouble = row["trouble"]
    if trouble and row["failures"]:
        trouble = f"{trouble} ({counted(row['failures'], 'time')} in a row)"
    return {
        **row,
        "last answer": minute(row["seen_at"]) if row["seen_at"] else None,
        "next": minute(row["next_at"]) if row["next_at"] else None,
        "this week": row["this_week"],
        "trouble": trouble,
    }


def _polled(source: Source, taken: Taken) -> dict[str, Any]:
    return {
        "id": source.id,
        "name": source.name,
        "new": [one.id for one in taken.new],
        "completed": [one.id for one in taken.completed],
        "passed_over": taken.passed_over,
        "problem": taken.problem or None,
        "fault": taken.fault or None,
    }


def _tell(row: dict[str, Any]) -> None:
    if row["problem"]:
        say(f"Source {row['id']} ({row['name']}) gave nothing: {row['problem']}", "yellow")
        return
    said = [counted(len(row["new"]), "new resource")]
    if row["completed"]:
        said.append(f"{counted(len(row['completed']), 'title')} in another language")
    if row["passed_over"]:
        said.append(f"{row['passed_over']} passed over (too old, undated, or there already)")
    say(f"Source {row['id']} ({row['name']}): {', '.join(said)}.")
    if row["fault"]:
        say(f"  · not all of it could be read: {row['fault']}", "yellow")
