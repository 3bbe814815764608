"""Letting an issue go out: schedule, send, pause, resume, cancel, settle."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from newsletter.cli.context import (
    LARGEST,
    Desk,
    JsonOption,
    Number,
    PublicationOption,
    desk_of,
    examples,
    issue_of,
)
from newsletter.cli.output import counted, emit, listed, note, say
from newsletter.cli.standing import slot_row

_NAMED = 20
"""Numbers in one sentence; 'status' lists all."""


class Verdict(StrEnum):
    """What an editor decides about a doubtful delivery."""

    SUBMITTED = "submitted"
    AGAIN = "again"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    from newsletter.cli import standing

    app.command(
        epilog=examples(
            "newsletter schedule 3   (the weekly slot)",
            'newsletter schedule 3 --at "2026-11-23 09:00"',
        )
    )(schedule)
    app.command(
        epilog=examples(
            "newsletter send 3 --test --to me@example.org --edition my", "newsletter send 3"
        )
    )(send)
    standing.register(app)
    app.command(epilog=examples("newsletter pause 3", 'newsletter pause 3 --reason "a typo"'))(
        pause
    )
    app.command(epilog=examples("newsletter resume 3", "newsletter resume 3 -p weekly"))(resume)
    app.command(epilog=examples("newsletter cancel 3", "newsletter cancel 3 --yes"))(cancel)
    app.command(
        epilog=examples(
            "newsletter settle 3 1742 --as submitted   (the reader has it)",
            "newsletter settle 3 all --as again        (none in doubt arrived)",
        )
    )(settle)


def schedule(
    ctx: typer.Context,
    number: Number,
    *,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="2026-11-23 09:00, in the publication's zone."),
    ] = None,
    at_once: Annotated[bool, typer.Option("--now", help="As soon as 'serve' sees it.")] = False,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give an approved issue its time: the weekly slot, or an exact one; "serve" sends it then."""
    from newsletter.core.clock import now
    from newsletter.core.errors import InputError
    from newsletter.delivery import launching
    from newsletter.schedule import slots

    if at and at_once:
        raise InputError("--at", "it cannot be given together with --now")
    with desk_of(ctx).writing() as session:
        owner, issue = issue_of(session, publication, number)
        wanted = _instant(at, owner.slot_zone) if at else now() if at_once else None
        slot = slots.schedule(session, owner, issue, at=wanted, now=now())
        planned, nobody = slot_row(slot), launching.nobody(session, issue, slot.due_at)
    if nobody:
        note(f"note: {nobody}; if that is so at its time, the issue is held")
    if as_json:
        emit({"publication": owner.slug, "number": number, **planned})
    else:
        say(f"Issue {number} goes out on {planned['wall']} {planned['zone']}", "green")
        say(f"  that is {planned['utc']} UTC; 'newsletter serve' must be running then")


def _instant(text: str, zone_name: str) -> datetime:
    from newsletter.core.clock import at_wall
    from newsletter.core.errors import InputError

    try:
        wall = datetime.strptime(text.strip().replace("T", " "), "%Y-%m-%d %H:%M")  # noqa: DTZ007
    except ValueError as err:
        raise InputError("--at", f"'{text}' is not a time; write it as 2026-11-23 09:00") from err
    return at_wall(wall.date(), wall.hour, wall.minute, zone_name)


def send(
    ctx: typer.Context,
    number: Number,
    *,
    test: Annotated[bool, typer.Option("--test", help="Only to the --to addresses.")] = False,
    to: Annotated[
        list[str] | None, typer.Option("--to", metavar="ADDRESS", help="With --test; repeatable.")
    ] = None,
    edition: Annotated[
        str | None, typer.Option("--edition", metavar="EDITION", help="With --test; else all.")
    ] = None,
    discreet: Annotated[
        bool, typer.Option("--discreet", help="With --test: as readers get it who chose that.")
    ] = False,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send an approved issue to its readers now, and stay until everybody is accounted for.

    Ctrl-C stops cleanly; the same command, or "serve", goes on where it stopped.
    """
    from newsletter.cli.outgoing import send_out
    from newsletter.core.errors import InputError

    if not test and (to or edition or discreet):
        raise InputError("--test", "--to, --edition and --discreet go with --test only")
    desk = desk_of(ctx)
    if test:
        _send_test(desk, publication, number, edition, to or [], discreet=discreet, as_json=as_json)
        return
    raise typer.Exit(send_out(desk, publication, number, as_json=as_json))


def _send_test(
    desk: Desk,
    publication: str | None,
    number: int,
    edition: str | None,
    to: list[str],
    *,
    discreet: bool,
    as_json: bool,
) -> None:
    from newsletter.cli.outgoing import warn_of_address
    from newsletter.core.addresses import parse
    from newsletter.core.clock import now
    from newsletter.core.errors import InputError, NotAllowedNow
    from newsletter.delivery import proofs
    from newsletter.editorial import editions, publications

    if not to:
        raise InputError("--to", "say where the test goes: --to you@example.org")
    addresses = [parse(address, "--to").text for address in to]
    warn_of_address(desk.services().settings)
    with desk.reading() as session:
        owner, issue = issue_of(session, publication, number)
        if not owner.sender_address:
            raise NotAllowedNow(publications.lacks(owner)[0])
        wanted = (
            [editions.parse_edition(owner, edition)] if edition else editions.editions_of(owner)
        )
        slug = owner.slug
        session.expunge(issue)
    answers = []
    for name in wanted:
        services = desk.services()
        found = proofs.send_test(services, issue, name, addresses, now(), discreet=discreet)
        answers += [{"edition": name, "answer": answer} for answer in found]
    if as_json:
        emit({"publication": slug, "number": number, "test": True, "sent": answers})
        return
    for row in answers:
        say(f"  {row['edition']:8} {row['answer']}")
    said = counted(len(answers), "test message")
    say(f"{said} of issue {number} left, in {listed(wanted)}; none of it is in the ledger.")


def pause(
    ctx: typer.Context,
    number: Number,
    reason: Annotated[str, typer.Option("--reason", help="For the colleagues.")] = "by an editor",
    publication: PublicationOption = None,
) -> None:
    """Stop an issue that is going out; what is in the air arrives, the rest waits."""
    from newsletter.core.clock import now
    from newsletter.delivery import pausing

    with desk_of(ctx).writing() as session:
        _, issue = issue_of(session, publication, number)
        pausing.pause(session, issue, reason, now())
    say(
        f"Issue {number} is paused. Next: newsletter resume {number}, or newsletter cancel {number}"
    )


def resume(ctx: typer.Context, number: Number, publication: PublicationOption = None) -> None:
    """Let a paused issue go on; "serve" or "send" takes up the rest."""
    from newsletter.core.clock import now
    from newsletter.delivery import pausing

    with desk_of(ctx).writing() as session:
        _, issue = issue_of(session, publication, number)
        pausing.resume(session, issue, now())
    say(f"Issue {number} goes on; 'newsletter serve' or 'newsletter send {number}' sends the rest.")


def cancel(
    ctx: typer.Context,
    number: Number,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    publication: PublicationOption = None,
) -> None:
    """Give an issue up; of one that is going out, whatever has not left stays here.

    It asks first when some readers have it already and the others would never get it.
    """
    from newsletter.core.clock import now
    from newsletter.delivery import pausing
    from newsletter.schedule import slots

    desk = desk_of(ctx)
    asked = None if yes else _asked_to_cancel(desk, publication, number)
    if asked and not typer.confirm(asked, err=True):
        say("Nothing was changed.")
        return
    with desk.writing() as session:
        _, issue = issue_of(session, publication, number)
        launched = issue.launched_at is not None
        already = issue.status == "cancelled"
        if not already and not launched:
            slots.withdraw(session, issue)
        if not already:
            pausing.cancel(session, issue, now())
    if already:
        say(f"Issue {number} is cancelled already; nothing was changed.")
        return
    left = "what had not left stays here" if launched else "nobody got it"
    say(f"Issue {number} is cancelled; {left}.")


def _asked_to_cancel(desk: Desk, publication: str | None, number: int) -> str | None:
    """The question before an issue on its way is given up; None for any other."""
    from newsletter.delivery.ledger import ledger

    with desk.reading() as session:
        _, issue = issue_of(session, publication, number)
        if issue.status not in ("sending", "paused"):
            return None
        found = ledger(session, issue.id)
    waiting = found.planned + found.claimed
    leaving = f", and {found.submitting:,} may be getting it now" if found.submitting else ""
    return (
        f"Give up issue {number} for good? {waiting:,} of {found.total:,} readers have not got "
        f"it and never will{leaving}."
    )


def settle(
    ctx: typer.Context,
    number: Number,
    delivery: Annotated[
        str,
        typer.Argument(metavar="DELIVERY|all", help="As 'status N' lists it, or all in doubt."),
    ],
    as_: Annotated[Verdict, typer.Option("--as", help="Did the reader get it?")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    publication: PublicationOption = None,
) -> None:
    """Decide a doubtful delivery: the server's answer was lost, and only you can find out.

    "submitted" leaves it at that; "again" sends it once more, perhaps for a second time.
    A refused delivery can be sent again too, when what it was refused for is mended.
    """
    from newsletter.core.clock import now
    from newsletter.delivery import settling

    state = "submitted" if as_ is Verdict.SUBMITTED else "planned"
    everyone = delivery == "all"
    one = 0 if everyone else _delivery_number(delivery)
    asked = "Send to all in doubt once more? Whoever has it already gets it twice."
    if everyone and as_ is Verdict.AGAIN and not (yes or typer.confirm(asked, err=True)):
        say("Nothing was changed.")
        return
    barred: list[int] = []
    with desk_of(ctx).writing() as session:
        _, issue = issue_of(session, publication, number)
        if everyone:
            if as_ is Verdict.AGAIN:
                barred = settling.suppressed_among_doubtful(session, issue)
            done = settling.settle_all(session, issue, state, now())
        else:
            settling.settle(session, issue, one, state, now())
    said = "submitted" if as_ is Verdict.SUBMITTED else "to be sent once more"
    whom = counted(done, "delivery") if everyone else f"Delivery {delivery}"
    say(f"{whom} of issue {number}: {said}.")
    if barred:
        _tell_barred(barred)


def _tell_barred(deliveries: list[int]) -> None:
    """Who would only be skipped and so stays in doubt, by the numbers that 'status' lists."""
    numbers = listed(str(one) for one in deliveries[:_NAMED])
    more = f" and {len(deliveries) - _NAMED:,} more" if len(deliveries) > _NAMED else ""
    one = len(deliveries) == 1
    note(
        f"Left in doubt, because {'its reader is' if one else 'their readers are'} suppressed and "
        f"would be skipped: {'delivery' if one else 'deliveries'} {numbers}{more}. Lift that with "
        "'newsletter subscribers release' and settle again, or settle as submitted."
    )


def _delivery_number(text: str) -> int:
    from newsletter.core.errors import InputError

    if not text.isdecimal():
        raise InputError(
            "DELIVERY", f"'{text}' is no delivery; write its number as 'status N' lists it, or all"
        )
    number = int(text)
    if not 1 <= number <= LARGEST:
        limit = "greater than or equal to 1" if number < 1 else f"less than or equal to {LARGEST}"
        raise InputError("DELIVERY", f"it must be {limit}")
    return number
