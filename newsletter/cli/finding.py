"""One reader: found exactly by address, and everything held on the person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.barring import why_barred
from newsletter.cli.context import EmailArgument, JsonOption, desk_of, examples
from newsletter.cli.listing import noted
from newsletter.cli.output import counted, emit, minute, say, table
from newsletter.cli.private_files import private_file

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from subscribers.story import Found


def add_to(group: typer.Typer) -> None:
    """Add these commands to the group `subscribers`."""
    group.command(
        epilog=examples(
            "newsletter subscribers find reader@example.org",
            "newsletter subscribers find reader@example.org --json",
        )
    )(find)
    group.command(
        epilog=examples(
            "newsletter subscribers story reader@example.org",
            "newsletter subscribers story reader@example.org --page reader.html",
        )
    )(story)


def find(ctx: typer.Context, address: EmailArgument, as_json: JsonOption = False) -> None:
    """Find one address, exactly: on which lists it is, how, and since when."""
    from subscribers import story as stories

    desk = desk_of(ctx)
    with desk.reading() as session:
        found = stories.find(session, desk.services().sealer, address)
        shown = _found(session, found, address)
    if as_json:
        emit(shown)
        return
    columns = ("publication", "state", "edition", "text only", "paused until", "since")
    table(columns, ([row[c.replace(" ", "_")] for c in columns] for row in _days(shown)))
    if found.person is None:
        say("Nobody is held under this address; only its keyed hash is, so that it stays out.")
    elif not found.held:
        say("This address is held and on no list.")
    if found.barred:
        say(f"It {why_barred(found.barred.reason, found.barred.since, added=False)}", "yellow")


def _found(session: Session, found: Found, typed: str) -> dict[str, Any]:
    """As plain data; the address as it was typed, and not as it is held."""
    from newsletter.editorial import publications

    slugs = {owner.id: owner.slug for owner in publications.listing(session)}
    barred = found.barred
    return {
        "address": typed.strip(),
        "id": str(found.person.public_id) if found.person else None,
        "suppression": {"reason": barred.reason, "since": barred.since} if barred else None,
        "subscriptions": [
            {
                "publication": slugs.get(held.publication_id),
                "state": held.state,
                "edition": held.edition,
                "text_only": held.text_only,
                "discreet": held.discreet,
                "paused_until": held.paused_until_at,
                "since": held.ended_at or held.since,
            }
            for held in found.held
        ],
    }


def _days(shown: dict[str, Any]) -> list[dict[str, Any]]:
    def day(value: Any) -> str | None:
        return f"{value:%Y-%m-%d}" if value else None

    return [
        {**row, "since": day(row["since"]), "paused_until": day(row["paused_until"])}
        for row in shown["subscriptions"]
    ]


def story(
    ctx: typer.Context,
    address: EmailArgument,
    page: Annotated[
        Path | None,
        typer.Option("--page", metavar="FILE.html", help="Write it as a page to hand over."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file that is there.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Tell everything held on one person: consents, messages, what came back, leaving.

    The page is for the person who asks what we hold (GDPR art. 15); --json is the same for
    machines. Opens and clicks are recorded nowhere. The audit says that a story was told.
    """
    from newsletter.core.clock import now
    from newsletter.reports import person

    desk = desk_of(ctx)
    services = desk.services()
    at = now()
    with desk.reading() as session:
        found = person.account(session, services.sealer, services.ring.index, address, at)
    way = "page" if page is not None else "json" if as_json else "screen"
    noted(desk, "story", {"shown": way})
    if page is not None:
        from newsletter.reports import person_page

        text = person_page.page(services.theme, found, at)
        with private_file(page, force=force) as file:
            file.write(text.encode())
    if as_json:
        emit(found.as_json())
    elif page is not None:
        say(f"Everything held on this person is in {page}.", "green")
        say("  It holds the address in clear: hand it over safely and delete it here.")
    else:
        _tell(found.as_json())


def _tell(shown: dict[str, Any]) -> None:
    say(shown["address"], "bold")
    if shown["public_id"]:
        say(f"  held since {minute(shown['since'])}, id {shown['public_id']}")
    else:
        say("  only the keyed hash of the address is kept, so that it stays out")
    if shown["suppression"]:
        barred = shown["suppression"]
        say(f"  suppressed since {minute(barred['since'])}: {barred['reason']}", "yellow")
    for held in shown["memberships"]:
        _tell_membership(held)
    columns = ("time", "publication", "what", "edition", "state", "answer", "message_id")
    below = ("answer", "message_id")
    rows = [_message_row(m) for m in shown["messages"]]
    table(columns, rows, title="\nmessages", below=below, width=150)
    _tell_returned(shown)
    for at in shown["asked_at"]:
        say(f"  the sign-up form was sent with this address at {minute(at)}")


def _tell_returned(shown: dict[str, Any]) -> None:
    """What came back about this person's mail, how it was judged, and what followed."""
    columns = ("time", "what", "said by", "status", "judged", "answer")
    rows = (
        [
            minute(told["at"]),
            f"{_named(message)}: {told['kind']}",
            told["source"],
            told["status"],
            told["followed"],
            told["answer"],
        ]
        for message in shown["messages"]
        for told in message["told"]
    )
    table(columns, rows, title="\nwhat came back", below=("judged", "answer"), width=150)
    if shown["failing"]:
        failing = shown["failing"]
        say(
            f"  mail failed in {counted(failing['issues'], 'issue')} in a row, "
            f"from {minute(failing['first_at'])} to {minute(failing['last_at'])}"
        )


def _named(message: dict[str, Any]) -> str:
    return f"issue {message['number']}" if message["number"] else str(message["kind"])


def _tell_membership(held: dict[str, Any]) -> None:
    extras = [held["edition"], *(["text only"] if held["text_only"] else [])]
    extras += ["discreet"] if held["discreet"] else []
    if held["paused_until_at"]:
        extras.append(f"paused until {minute(held['paused_until_at'])}")
    since = held["ended_at"] or held["since"]
    how = f" ({held['ended_how']})" if held["ended_how"] else ""
    say(f"\n{held['publication']}: {held['state']}{how} since {minute(since)}, {', '.join(extras)}")
    table(
        ("time", "consent", "how", "words"),
        ([minute(c["at"]), c["kind"], c["how"], c["wording"]] for c in held["consents"]),
        below=("words",),
    )
    for sign in held["signups"]:
        said = f"pressed {minute(sign['used_at'])}" if sign["used_at"] else "not pressed"
        until = minute(sign["expires_at"])
        say(f"  signed up {minute(sign['at'])} for {sign['edition']}, valid until {until}: {said}")


def _message_row(message: dict[str, Any]) -> list[Any]:
    reason = f" ({message['reason']})" if message["reason"] else ""
    return [
        minute(message["submitted_at"] or message["changed_at"]),
        message["publication"],
        _named(message),
        message["edition"],
        f"{message['state']}{reason}",
        message["answer"],
        message["message_id"],
    ]
