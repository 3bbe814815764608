"""The lists of readers: who stands on one, and how it grew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from newsletter.cli.context import Desk, JsonOption, PublicationOption, desk_of, examples
from newsletter.cli.output import console, emit, emit_rows, listed, say, tables

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from newsletter.core.sealing import Sealer
    from newsletter.editorial.models import Publication
    from subscribers.growth import Period
    from subscribers.listing import Row, Wanted

AGAIN = (
    "give the same file again ('newsletter subscribers import'), or be told no more of it "
    "('newsletter subscribers imports --forget {number}')"
)
"""What to do about an import that was broken off."""

StateOption = Annotated[
    str | None,
    typer.Option("--state", metavar="STATE", help="active, pending, ended or suppressed."),
]
OnlyEdition = Annotated[
    str | None, typer.Option("--edition", metavar="EDITION", help="en, my or en+my, exactly.")
]
LanguageOption = Annotated[
    str | None, typer.Option("--language", metavar="CODE", help="Every edition that holds it.")
]
BeforeOption = Annotated[
    str | None,
    typer.Option(
        "--consent-before",
        metavar="DATE",
        help="Who last agreed before this day (2024-05-25).",
    ),
]
AfterOption = Annotated[
    str | None,
    typer.Option("--consent-after", metavar="DATE", help="Who last agreed on this day or later."),
]


def add_to(group: typer.Typer) -> None:
    """Add these commands to the group `subscribers`."""
    group.command(
        "list",
        epilog=examples(
            "newsletter subscribers list --state active --language my",
            "newsletter subscribers list --consent-before 2024-05-25 --json",
        ),
    )(list_)
    group.command(
        epilog=examples(
            "newsletter subscribers growth",
            "newsletter subscribers growth --by month --json",
        )
    )(growth)


def chosen(
    owner: Publication,
    *,
    state: str | None,
    edition: str | None = None,
    language: str | None = None,
    before: str | None = None,
    after: str | None = None,
) -> Wanted:
    """Whom the options mean; InputError names the option that means nothing."""
    from newsletter.core.errors import InputError
    from newsletter.editorial import editions
    from subscribers.listing import STATES, Wanted

    if state not in (None, *STATES):
        raise InputError("--state", f"'{state}' is no state; it is one of {', '.join(STATES)}")
    if language not in (None, *owner.languages):
        known = listed(owner.languages)
        raise InputError("--language", f"'{language}' is no language of '{owner.slug}': {known}")
    return Wanted(
        owner.id,
        state,
        editions.parse_edition(owner, edition) if edition else None,
        language,
        _morning(owner, "--consent-before", before),
        _morning(owner, "--consent-after", after),
    )


def _morning(owner: Publication, option: str, text: str | None) -> datetime | None:
    """The first instant of a day, where the publication is at home."""
    from newsletter.core.clock import at_wall
    from newsletter.core.errors import InputError

    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as err:
        raise InputError(option, f"'{text}' is no day; write it as 2024-05-25") from err
    return at_wall(day, 0, 0, owner.slot_zone)


def list_(
    ctx: typer.Context,
    *,
    state: StateOption = None,
    edition: OnlyEdition = None,
    language: LanguageOption = None,
    before: BeforeOption = None,
    after: AfterOption = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Only the first N.")
    ] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show whole addresses; mind who looks on.")
    ] = False,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the readers; addresses are masked unless --reveal is given, which the audit says."""
    from newsletter.editorial import publications
    from subscribers import listing

    desk = desk_of(ctx)
    sealer = desk.services().sealer
    filters = {"state": state, "edition": edition, "language": language}
    filters |= {"before": before, "after": after}
    with desk.reading() as session:
        owner = publications.get(session, publication)
        wanted = chosen(owner, **filters)
        if reveal:
            rows = listing.count(session, wanted)
            detail = {"rows": min(rows, limit or rows), "filter": told(owner.slug, filters)}
            noted(desk, "reveal", detail)
        head = _head(session, owner)
        found = (_row(row, sealer, reveal=reveal) for row in listing.rows(session, wanted, limit))
        if as_json:
            emit_rows(head, "subscribers", found)
            return
        tables(_COLUMNS, ([r[name] for name in _COLUMNS] for r in map(_shortened, found)))
    _tell_head(head)


def told(slug: str, filters: Mapping[str, str | None]) -> dict[str, str]:
    """Whom the options chose, for the audit."""
    return {"publication": slug, **{name: value for name, value in filters.items() if value}}


def noted(desk: Desk, deed: str, detail: Mapping[str, object]) -> None:
    """Write a deed of the command line into the audit, before anything of it is shown."""
    from newsletter.core import audit
    from newsletter.core.clock import now

    with desk.writing() as session:
        audit.note(session, deed, "command line", detail, now())


def _head(session: Session, owner: Publication) -> dict[str, Any]:
    from subscribers import list_imports, listing

    return {
        "publication": owner.slug,
        "counts": listing.counts(session, owner.id),
        "unfinished_imports": [asdict(one) for one in list_imports.unfinished(session, owner.id)],
    }


def _tell_head(head: Mapping[str, Any]) -> None:
    counts = head["counts"]
    sums = ", ".join(f"{count} {word}" for word, count in counts.items())
    say(sums if any(counts.values()) else "Nobody yet.")
    for part in head["unfinished_imports"]:
        done = (
            f"import {part['number']} was broken off; {part['rows_done']:,} of its rows are stored"
        )
        say(f"{done}: {AGAIN.format(**part)}", "yellow")


_COLUMNS = ("address", "edition", "state", "since", "reason")


def _row(row: Row, sealer: Sealer, *, reveal: bool) -> dict[str, Any]:
    from newsletter.core.addresses import mask

    address = row.address(sealer)
    return {
        "id": str(row.public_id),
        "address": address.text if reveal else mask(address),
        "edition": row.edition,
        "text_only": row.text_only,
        "discreet": row.discreet,
        "paused_until": row.paused_until_at.isoformat() if row.paused_until_at else None,
        "state": row.kind,
        "reason": row.barred or "",
        "since": row.kind_since.isoformat(),
        "consent": row.consent_at.isoformat() if row.consent_at else None,
        "consent_how": row.consent_how,
    }


def _shortened(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "since": row["since"][:10]}


def growth(
    ctx: typer.Context,
    by: Annotated[
        Literal["week", "month"], typer.Option("--by", help="How long a period is.")
    ] = "week",
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who joined, left and was barred in each week or month, and who is there now.

    An erased reader takes the own history along, so the past shrinks by each erasure.
    """
    from newsletter.core.clock import now, zone
    from newsletter.delivery import transactional
    from newsletter.editorial import publications
    from subscribers import growth as growing
    from subscribers import listing

    desk = desk_of(ctx)
    with desk.reading() as session:
        owner = publications.get(session, publication)
        slug = owner.slug
        periods = growing.growth(session, owner.id, by=by, zone=zone(owner.slot_zone), now=now())
        census = listing.census(session, owner.id)
        mails = transactional.standing(session)
        greetings = transactional.greetings_standing(session)
    if as_json:
        rows = [{**asdict(period), "start": period.start.isoformat()} for period in periods]
        told = {"publication": slug, "by": by, "periods": rows, "now": census}
        emit({**told, "confirmation_mails": mails, "greeting_mails": greetings})
        return
    _tell_growth(periods, by)
    for state, of in census.items():
        if of:
            parts = listed(f"{count} {edition}" for edition, count in of.items())
            say(f"{state}: {sum(of.values())} ({parts})")
    if mails:
        parts = listed(f"{count} {state}" for state, count in mails.items())
        say(f"confirmation mails, of all publications: {parts}")
    if greetings:
        parts = listed(f"{count} {state}" for state, count in greetings.items())
        say(f"mails of welcome and goodbye, of all publications: {parts}")
    if not periods:
        say("Nobody yet.")


_GROWTH = "{:<9} {:>8} {:>10} {:>8} {:>11} {:>8}"


def _tell_growth(periods: list[Period], by: str) -> None:
    if not periods:
        return
    largest = max(period.total for period in periods)
    room = min(30, console().width - len(_GROWTH.format(*[""] * 6)) - 2)
    say(_GROWTH.format(by, "joined", "confirmed", "left", "suppressed", "total"), "bold")
    for p in periods:
        line = _GROWTH.format(p.name, p.joined, p.confirmed, p.left, p.suppressed, p.total)
        say(f"{line}  {_bar(p.total, largest, room) if room > 3 else ''}".rstrip())


def _bar(number: int, largest: int, room: int) -> str:
    """A bar in eighths of a character: ▏ for one reader of many, nothing for nobody."""
    eighths = -(-number * room * 8 // largest) if largest else 0
    whole, rest = divmod(eighths, 8)
    return "█" * whole + ("▏▎▍▌▋▊▉"[rest - 1] if rest else "")
