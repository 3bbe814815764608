"""`newsletter events N`: what came back about an issue, how it was judged and what followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from newsletter.cli.context import (
    JsonOption,
    Number,
    PublicationOption,
    desk_of,
    examples,
    issue_of,
)
from newsletter.cli.output import counted, emit, minute, say, table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from newsletter.app import Services
    from newsletter.editorial.models import Issue, Publication


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(epilog=examples("newsletter events 3", "newsletter events 3 --json"))(events)


def events(
    ctx: typer.Context,
    number: Number,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what came back about an issue: delivered, bounced, complaints; and what followed.

    Also the latest reports that are of no message of ours, or of a kind that is not known.
    Opens and clicks are dropped unread.
    """
    desk = desk_of(ctx)
    with desk.reading() as session:
        found = _found(session, desk.services(), *issue_of(session, publication, number))
    emit(found) if as_json else _tell(found)


def _found(
    session: Session, services: Services, owner: Publication, issue: Issue
) -> dict[str, Any]:
    from newsletter.core.clock import now
    from newsletter.delivery import heard, notices, rates

    at = now()
    limits = services.settings.bounces
    return {
        "publication": owner.slug,
        "number": issue.number,
        "returned": rates.of_issue(session, issue.id).as_json(),
        "of_publication": rates.of_publication(session, owner.id, at).as_json(),
        "limits": {"complaint": limits.complaint_percent, "bounce": limits.bounce_percent},
        "events": heard.of_issue(session, issue.id),
        "notices": notices.listing(session, at, publication_id=owner.id, issue_id=issue.id),
        "strangers": heard.strangers(session, at),
    }


def _tell(found: dict[str, Any]) -> None:
    number, returned = found["number"], found["returned"]
    say(f"Issue {number} of '{found['publication']}'", "bold")
    columns = ("kind", "count", "outcome", "followed")
    rows = ([row[name] for name in columns] for row in found["events"])
    table(columns, rows, below=("followed",))
    if not found["events"]:
        say("  Nothing came back yet.")
    tell_rates(returned, f"issue {number}", found["limits"])
    tell_rates(found["of_publication"], "the last 30 days", found["limits"])
    tell_notices(found["notices"])
    if found["strangers"]:
        names = ("received_at", "source", "kind", "outcome", "status", "answer")
        strange = [
            [minute(row["received_at"]), *(row[name] for name in names[1:])]
            for row in found["strangers"]
        ]
        title = "\nof no message of ours, or of no known kind (7 days)"
        table(names, strange, title=title, below=("answer",))


def tell_rates(returned: dict[str, Any], what: str, limits: dict[str, float]) -> None:
    """Complaints and dead addresses of some messages, beside what is put up with."""
    if not returned["taken"]:
        return
    for name, kind, word in (
        ("complaints", "complaint", "complaint"),
        ("gone", "bounce", "dead address"),
    ):
        percent = returned[f"{kind}_percent"]
        text = f"  {what}: {_several(returned[name], word)}, {percent:g} % (limit "
        say(f"{text}{limits[kind]:g} %)", "yellow" if percent >= limits[kind] else None)


def _several(number: int, noun: str) -> str:
    if noun.endswith("ss") and number != 1:
        return f"{number or 'no'} {noun}es"
    return counted(number, noun)


def tell_recent(notices: list[dict[str, Any]], issue: int) -> None:
    """Those of the last week; older ones are history, and told by their number only."""
    from newsletter.core.clock import now
    from newsletter.delivery.notices import SHOWN

    since = (now() - SHOWN).isoformat()
    recent = [one for one in notices if one["at"] > since]
    tell_notices(recent)
    if older := len(notices) - len(recent):
        say(f"  {counted(older, 'older notice')}: 'newsletter events {issue}' shows what it said")


def tell_notices(notices: list[dict[str, Any]]) -> None:
    """What the editors were or are to be told, newest first."""
    for notice in notices:
        mailed = f"mailed {minute(notice['mailed_at'])}" if notice["mailed_at"] else "not mailed"
        failed = notice["tries"] and not notice["mailed_at"]
        said = f"{mailed} ({counted(notice['tries'], 'try')})" if failed else mailed
        say(f"  notice of {minute(notice['at'])}, {said}: {notice['text']}", "yellow")
