"""`newsletter restored`: bringing in who left after the backup, and saying that it is done."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.context import Desk, JsonOption, desk_of, examples
from newsletter.cli.output import counted, emit, minute, say

if TYPE_CHECKING:
    from subscribers.journal import Gone

LeftIn = Annotated[
    list[Path] | None,
    typer.Option(
        "--left-in",
        metavar="HOME|FILE",
        help="The first home, or its leaving.log: who left since leaves here too; repeatable.",
    ),
]
_DOOR = "command line"
_AT_ONCE = 500
_MARGIN = timedelta(hours=1)
"""Clocks differ, and a leave that was asked for before the backup may be committed after it.
Whoever is taken off twice notices nothing."""
_ASKED = (
    "Did you bring in who left or was erased since, the leave mails and the mail server's "
    "refusals? From now on issues go out to everybody who is on the list here"
)


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(
        epilog=examples(
            "newsletter restored --left-in /srv/old-home",
            "newsletter restored --accept",
        )
    )(restored)


def restored(
    ctx: typer.Context,
    *,
    left_in: LeftIn = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Who left is brought in: let issues go out.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Accept without asking.")] = False,
    as_json: JsonOption = False,
) -> None:
    """After a restore: bring in who left since the backup, then --accept; before it nothing goes
    out.

    Without options it says how things stand.
    """
    desk = desk_of(ctx)
    found = _remembered(desk)
    brought = bring_in(desk, gone_in(left_in), found["backup_of_at"]) if left_in else None
    accepted = accept and _accept(desk, yes=yes)
    found = _remembered(desk)
    if as_json:
        emit({**found, "brought_in": brought})
        return
    if brought is not None:
        tell_brought(brought)
    _tell(found, declined=accept and not accepted)


def gone_in(places: list[Path] | None) -> list[Gone]:
    """Everybody the journals name; InputError when one of them is none."""
    from subscribers import journal, spool
    from subscribers.journal import Gone

    found = [gone for place in places or () for gone in journal.read(place.expanduser())]
    for home in (place for place in places or () if place.expanduser().is_dir()):
        wishes = spool.waiting(home.expanduser())
        found += [Gone(wish.at, wish.subject, wish.scope, wish.how) for wish in wishes]
    return found


def bring_in(desk: Desk, gone: list[Gone], backup_of_at: str) -> dict[str, int]:
    """Let everybody leave here who left after the backup; how many that were. Cut off, or run
    again, it does what is left to do."""
    from newsletter.core import audit
    from newsletter.core.clock import now
    from subscribers import journal

    since = datetime.fromisoformat(backup_of_at) - _MARGIN
    later = iter([one for one in gone if one.at >= since])
    sealer, done = desk.services().sealer, Counter[str]()
    while chunk := list(islice(later, _AT_ONCE)):
        with desk.writing() as session:
            found = [(journal.apply(session, sealer, g, how=_DOOR, now=now()), g) for g in chunk]
        journal.note(desk.home, (one for kind, one in found if kind))
        done.update(kind for kind, _ in found if kind)
    told = {"left": done["left"], "erased": done["erased"]}
    with desk.writing() as session:
        audit.note(session, "left_since_backup", _DOOR, told, now())
    return told


def tell_brought(brought: dict[str, int]) -> None:
    """What the journals brought."""
    left, erased = counted(brought["left"], "reader"), counted(brought["erased"], "erasure")
    say(f"Brought in from the journal of leaving: {left} who left, {erased}.", "green")


def _remembered(desk: Desk) -> dict[str, Any]:
    from newsletter.core.errors import NotAllowedNow
    from newsletter.safekeeping import aftermath

    with desk.reading() as session:
        found = aftermath.remembered(session)
    if found is None:
        raise NotAllowedNow("this newsletter was never restored from a backup")
    return found


def _accept(desk: Desk, *, yes: bool) -> bool:
    from newsletter.core.clock import now
    from newsletter.safekeeping import aftermath

    if not (yes or typer.confirm(_ASKED, err=True)):
        return False
    with desk.writing() as session:
        aftermath.accept(session, _DOOR, now())
    return True


def _tell(found: dict[str, Any], *, declined: bool) -> None:
    say(f"Restored from a backup of {minute(found['backup_of_at'])}.")
    if found["accepted_at"]:
        say(f"  accepted {minute(found['accepted_at'])}: issues may go out")
        return
    say("  nothing was accepted" if declined else "  not accepted yet: no issue goes out", "yellow")
    say("  bring in who left since: 'newsletter restored --left-in OLD_HOME', the leave mails")
    say("  with 'newsletter subscribers leave', the mail server's refusals with 'newsletter")
    say("  suppressions import'; then 'newsletter restored --accept'")
