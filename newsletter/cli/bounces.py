"""What comes back by mail: fed from a pipe or from files, or fetched from a mailbox."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.context import Desk, JsonOption, desk_of, examples
from newsletter.cli.output import counted, emit, listed, note, say

if TYPE_CHECKING:
    from newsletter.delivery.returning.taking import Sort
    from newsletter.schedule.emptying import Tally

TEMPORARY = 75
"""EX_TEMPFAIL of sysexits.h: a mail server that pipes a mail here keeps it and tries again."""
_AT_ONCE = 20


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(
        no_args_is_help=True, help="Mail that comes back: bounces, complaints, wishes to leave."
    )
    group.command(
        epilog=examples(
            "newsletter bounces feed -   (a mail from standard input, as a mail server pipes it)",
            "newsletter bounces feed /var/mail/bounces Maildir returned.eml",
        )
    )(feed)
    group.command(
        epilog=examples("newsletter bounces poll", "newsletter bounces poll --json"),
    )(poll)
    group.command(
        "test", epilog=examples("newsletter bounces test", "newsletter bounces test --json")
    )(check)
    app.add_typer(group, name="bounces")


def feed(
    ctx: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE…|-", help="Mails, mboxes, Maildirs, directories; - for stdin."
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Take in mails that came back, from files or from a pipe; the same mail again is harmless.

    With - for a mail server to pipe into, so that nothing bounces: what is none of ours ends
    with 0 and changes nothing, and a failure with 75, at which the server tries again later.
    Files stay as they are.
    """
    from newsletter.cli.failures import report

    desk = desk_of(ctx)
    if "-" not in files:
        _told(_fed(desk, _mails(files)), as_json=as_json)
        return
    try:
        tally = _fed(desk, _mails(files))
    except Exception as err:
        report(err, desk.home, machine=as_json, debug=desk.debug)
        raise typer.Exit(TEMPORARY) from err
    _told(tally, as_json=as_json)


def poll(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Read the bounce mailbox now, to its end; `serve` does so by itself every few minutes.

    What was dealt with is deleted there, or moved; what is none of ours stays.
    """
    from newsletter.schedule.emptying import empty

    desk = desk_of(ctx)
    _told(empty(desk.services()), as_json=as_json)


def check(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Check the settings of the bounce mailbox by opening it; nothing in it is changed."""
    from newsletter.core import mailbox

    settings = desk_of(ctx).services().settings.bounces
    with mailbox.opened(settings) as box:
        number = box.count()
    if as_json:
        emit({"mailbox": settings.mailbox, "mails": number, "address": settings.address or None})
        return
    say(f"The mailbox at {settings.host} can be read: {counted(number, 'mail')} in it.", "green")
    if not settings.address:
        note(
            "Messages go out with the sender's own address as return path; set bounces.address "
            "to let each name its reader."
        )


def _mails(files: Iterable[str]) -> Iterator[bytes]:
    from newsletter.cli.mail_files import mails_in
    from newsletter.core.mailbox_lines import LIMIT

    for name in files:
        if name == "-":
            # The news stands at the front, so of a mail without end its beginning is enough.
            yield sys.stdin.buffer.read(LIMIT)
        else:
            yield from mails_in(Path(name))


def _fed(desk: Desk, mails: Iterator[bytes]) -> Tally:
    from newsletter.core.clock import now
    from newsletter.delivery.returning.taking import take

    services = desk.services()
    tally: Tally = Counter()
    while batch := list(islice(mails, _AT_ONCE)):
        tally.update(take(services, batch, now()))
    return tally


def _told(tally: Tally, *, as_json: bool) -> None:
    from newsletter.delivery.returning.taking import Sort

    if as_json:
        emit({"mails": tally.total(), **{sort.value: tally[sort] for sort in _words()}})
        return
    said = [f"{tally[sort]} {word}" for sort, word in _words().items() if tally[sort]]
    what = f": {listed(said)}" if said else ""
    say(f"{counted(tally.total(), 'mail')} read{what}.".capitalize())
    if any(sort in tally for sort in (Sort.BOUNCE, Sort.COMPLAINT, Sort.DELIVERED)):
        say("What follows for readers follows as soon as the worker runs (serve).")


def _words() -> dict[Sort, str]:
    from newsletter.delivery.returning.taking import Sort

    return {
        Sort.BOUNCE: "about what did not arrive",
        Sort.COMPLAINT: "of complaint",
        Sort.LEAVE: "from who leaves",
        Sort.DELIVERED: "about what arrived",
        Sort.AUTOMATIC: "automatic",
        Sort.UNKNOWN: "not understood and kept",
        Sort.FOREIGN: "none of ours",
    }
