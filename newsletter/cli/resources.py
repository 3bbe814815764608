"""The inbox: what was published elsewhere in the week, and where it shall stand."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from newsletter.cli.context import (
    LARGEST,
    JsonOption,
    PublicationOption,
    desk_of,
    examples,
    issue_of,
    pairs,
)
from newsletter.cli.output import emit, say, table

if TYPE_CHECKING:
    from newsletter.editorial.models import Issue, Publication, Resource

ResourceId = Annotated[
    int,
    typer.Argument(metavar="ID", min=1, max=LARGEST, help="As 'resources list' shows it."),
]
Title = Annotated[
    str | None, typer.Option("--title", help="Title in the publication's first language.")
]
Titles = Annotated[
    list[str] | None,
    typer.Option("--title-in", metavar="LANG=TEXT", help="Title in another language; repeatable."),
]
Url = Annotated[str | None, typer.Option("--url", help="Link in the first language.")]
Urls = Annotated[
    list[str] | None,
    typer.Option("--url-in", metavar="LANG=URL", help="Link in another language; repeatable."),
]
By = Annotated[str | None, typer.Option("--by", help="Who published it, without the word By.")]
Day = Annotated[
    str | None, typer.Option("--date", metavar="DAY", help="When it was published: 2026-11-18.")
]
Links = Annotated[
    list[str] | None,
    typer.Argument(metavar="[URL]...", help="Links of which the rest is fetched."),
]
From = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE", help="A text with links, or - for standard input."),
]
CategoryOption = Annotated[
    str | None, typer.Option("--category", help="Key or name of the category.")
]

_COLUMNS = ("id", "date", "category", "issue", "title", "by", "languages")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(no_args_is_help=True, help="The inbox of things published elsewhere.")
    group.command(
        epilog=examples(
            'newsletter resources add --title "Floods in the delta" --by "River Watch" '
            "--url https://example.org/floods --category reports",
            "newsletter resources add https://example.org/floods --category reports",
        )
    )(add)
    group.command(
        "list", epilog=examples("newsletter resources list", "newsletter resources list --issue 3")
    )(list_)
    group.command(
        epilog=examples(
            'newsletter resources edit 12 --title "Floods in the delta, two weeks on"',
            "newsletter resources edit 12 --url-in my=https://example.org/my/floods",
        )
    )(edit)
    group.command(
        epilog=examples(
            "newsletter resources move 12 --category reports",
            "newsletter resources move 12 --issue 3 --position 1",
        )
    )(move)
    group.command(
        epilog=examples("newsletter resources drop 12", "newsletter resources drop 12 -p weekly")
    )(drop)
    app.add_typer(group, name="resources")


def add(
    ctx: typer.Context,
    links: Links = None,
    *,
    from_file: From = None,
    title: Title = None,
    title_in: Titles = None,
    url: Url = None,
    url_in: Urls = None,
    by: By = None,
    category: CategoryOption = None,
    day: Day = None,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put something into the inbox; the next "assemble" of its week takes it.

    Of links alone (or a text that holds some) title, publisher, date and language are fetched.
    """
    from newsletter.cli import links as pasted
    from newsletter.core.clock import now
    from newsletter.editorial import conversions, inbox, publications

    if links or from_file is not None:
        pasted.refuse(title=title, title_in=title_in, url=url, url_in=url_in, day=day)
        given = pasted.Given(links or [], from_file, publication, category, by)
        pasted.add(desk_of(ctx), given, as_json=as_json)
        return
    moment = now()
    with desk_of(ctx).writing() as session:
        owner = publications.get(session, publication)
        made = inbox.add(
            session,
            owner,
            byline=by or "",
            titles=_by_language(owner, title, title_in, "--title-in"),
            urls=_by_language(owner, url, url_in, "--url-in"),
            category=publications.category(owner, category) if category else None,
            published_on=_day(day) or _today(owner, moment),
            now=moment,
        )
        row, notes = row_of(made), conversions.told(conversions.found_now(session, owner, moment))
    if as_json:
        emit({**row, "notes": notes})
        return
    say(f"Resource {row['id']} lies in the inbox ({row['category'] or 'no category yet'}).")
    _tell(notes)


def list_(
    ctx: typer.Context,
    issue: Annotated[
        int | None,
        typer.Option("--issue", metavar="N", min=1, max=LARGEST, help="Those of an issue instead."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that an issue took.")
    ] = False,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what lies in the inbox, or what an issue holds."""
    from newsletter.editorial import inbox, issues, publications

    with desk_of(ctx).reading() as session:
        owner = publications.get(session, publication)
        wanted = issues.get(session, owner, issue) if issue is not None else None
        found = inbox.listing(session, owner, issue=wanted, everything=everything)
        rows, slug = [row_of(resource) for resource in found], owner.slug
    if as_json:
        emit({"publication": slug, "resources": rows})
        return
    hidden = ("issue",) if issue is not None else ()
    columns = [name for name in _COLUMNS if name not in hidden]
    table(
        columns,
        ([_cells(row)[name] for name in columns] for row in rows),
        below=("title", "by"),
    )
    if not rows:
        say("Nothing is here; 'newsletter resources add --help' shows how to put something in.")


def edit(
    ctx: typer.Context,
    resource: ResourceId,
    *,
    title: Title = None,
    title_in: Titles = None,
    url: Url = None,
    url_in: Urls = None,
    by: By = None,
    day: Day = None,
    publication: PublicationOption = None,
) -> None:
    """Change a resource's titles, links, byline or date; only what is given changes.

    An empty text takes a title or a link away. An approved issue becomes a draft again.
    """
    from newsletter.core.clock import now
    from newsletter.core.errors import InputError
    from newsletter.editorial import conversions, inbox, publications

    if not any(value is not None for value in (title, title_in, url, url_in, by, day)):
        raise InputError("", "nothing to change was given; try --title, --url, --by or --date")
    with desk_of(ctx).writing() as session:
        owner = publications.get(session, publication)
        found = inbox.get(session, owner, resource)
        titles = _by_language(owner, title, title_in, "--title-in")
        urls = _by_language(owner, url, url_in, "--url-in")
        settled = _settled(found.issue)
        inbox.edit(
            session,
            found,
            byline=by,
            titles=_merged(found.titles, titles),
            urls=_merged(found.urls, urls),
            published_on=_day(day),
            now=(moment := now()),
        )
        number = found.issue.number if found.issue else None
        notes = conversions.told(conversions.found_now(session, owner, moment), number)
        notes += _taken_back(settled)
    say(f"Resource {resource} is changed.")
    _tell(notes)


def _today(owner: Publication, moment: datetime) -> date:
    """The day it is where the slot's clock hangs: on Monday morning the week before is over."""
    return moment.astimezone(ZoneInfo(owner.slot_zone)).date()


def _settled(*issues: Issue | None) -> list[Issue]:
    """Those that were somebody's decision already, which an edit undoes."""
    return [one for one in dict.fromkeys(issues) if one is not None and one.status != "draft"]


def _taken_back(issues: list[Issue]) -> list[str]:
    return [
        f"issue {issue.number} is a draft again: look at it and approve it anew"
        for issue in issues
        if issue.status == "draft"
    ]


def _tell(notes: list[str]) -> None:
    for sentence in notes:
        say(f"  · {sentence}", "yellow")


def move(
    ctx: typer.Context,
    resource: ResourceId,
    *,
    category: CategoryOption = None,
    to_inbox: Annotated[
        bool, typer.Option("--inbox", help="Take it out of its issue, back into the inbox.")
    ] = False,
    issue: Annotated[
        int | None,
        typer.Option("--issue", metavar="N", min=1, max=LARGEST, help="Put it into this issue."),
    ] = None,
    position: Annotated[
        int | None,
        typer.Option(
            "--position", metavar="K", min=1, max=LARGEST, help="Place in its category, from 1."
        ),
    ] = None,
    publication: PublicationOption = None,
) -> None:
    """Move a resource under another heading, into another issue, or to another place.

    An empty --category takes it from under its heading. What was moved by hand stays where it
    was put when the week is assembled again.
    """
    from newsletter.core.clock import now
    from newsletter.core.errors import InputError
    from newsletter.editorial import inbox, publications

    if (category, issue, position) == (None, None, None) and not to_inbox:
        raise InputError("", "say where to: --category, --issue, --inbox or --position")
    if to_inbox and issue is not None:
        raise InputError("--inbox", "it cannot go into an issue and into the inbox at once")
    with desk_of(ctx).writing() as session:
        owner = publications.get(session, publication)
        found = inbox.get(session, owner, resource)
        wanted: dict[str, Any] = {"position": position}
        if category is not None:
            wanted["category"] = publications.category(owner, category) if category else None
        if to_inbox or issue is not None:
            wanted["issue"] = None if issue is None else issue_of(session, owner.slug, issue)[1]
        settled = _settled(found.issue, wanted.get("issue"))
        row = row_of(inbox.move(session, found, now=now(), **wanted))
        notes = _taken_back(settled)
    place = f"issue {row['issue']}" if row["issue"] else "the inbox"
    say(f"Resource {resource} now stands in {place}, {row['category'] or 'in no category'}.")
    _tell(notes)


def drop(ctx: typer.Context, resource: ResourceId, publication: PublicationOption = None) -> None:
    """Throw a resource away; it leaves its issue, and no week takes it again."""
    from newsletter.core.clock import now
    from newsletter.editorial import inbox, publications

    with desk_of(ctx).writing() as session:
        owner = publications.get(session, publication)
        found = inbox.get(session, owner, resource)
        already = found.dropped_at is not None
        settled = _settled(found.issue)
        if not already:
            inbox.drop(session, found, now())
        notes = _taken_back(settled)
    said = "was dropped already; nothing was changed" if already else "is dropped"
    say(f"Resource {resource} {said}.")
    _tell(notes)


def _by_language(
    owner: Publication, first: str | None, others: list[str] | None, option: str
) -> dict[str, str]:
    from newsletter.core.errors import InputError

    found = pairs(others, option)
    unknown = [language for language in found if language not in owner.languages]
    if unknown:
        raise InputError(
            option, f"'{unknown[0]}' is not one of the languages here: {', '.join(owner.languages)}"
        )
    return found if first is None else {owner.languages[0]: first, **found}


def _merged(known: dict[str, str], given: dict[str, str]) -> dict[str, str] | None:
    if not given:
        return None
    return {language: text for language, text in {**known, **given}.items() if text}


def _day(text: str | None) -> date | None:
    from newsletter.core.errors import InputError

    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as err:
        raise InputError("--date", f"'{text}' is not a day; write it as 2026-11-18") from err


def row_of(resource: Resource) -> dict[str, Any]:
    """A resource as JSON shows it."""
    return {
        "id": resource.id,
        "issue": resource.issue.number if resource.issue else None,
        "category": resource.category.key if resource.category else None,
        "position": resource.position,
        "titles": dict(resource.titles),
        "byline": resource.byline,
        "urls": dict(resource.urls),
        "published_on": resource.published_on.isoformat(),
        "lines": list(resource.lines),
        "near_duplicate_of": resource.near_duplicate_of,
    }


def _cells(row: dict[str, Any]) -> dict[str, object]:
    twin = f" (resembles {row['near_duplicate_of']})" if row["near_duplicate_of"] else ""
    return {
        **row,
        "date": row["published_on"],
        "title": next(iter(row["titles"].values()), "") + twin,
        "by": row["byline"],
        "languages": ", ".join(
            language if row["urls"].get(language) else f"{language} (no link)"
            for language in dict.fromkeys([*row["titles"], *row["urls"]])
        ),
    }
