"""Taking readers off, hearing those who ask by mail, and erasing who wishes to be forgotten."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from newsletter.cli.context import (
    MAIL_LIMIT,
    Desk,
    EmailArgument,
    JsonOption,
    PublicationOption,
    desk_of,
    examples,
    read_file,
)
from newsletter.cli.output import counted, emit, note, say

_TEMPORARY = 75
"""EX_TEMPFAIL of sysexits.h: a mail server that pipes a mail here keeps it and tries again."""


def add_to(group: typer.Typer) -> None:
    """Add these commands to the group `subscribers`."""
    group.command(
        epilog=examples(
            "newsletter subscribers remove reader@example.org",
            "newsletter subscribers remove reader@example.org -p weekly",
        )
    )(remove)
    group.command(
        epilog=examples(
            "newsletter subscribers leave mail.eml",
            "newsletter subscribers leave -   (a mail from standard input, as from .forward)",
        )
    )(leave)
    group.command(
        epilog=examples(
            "newsletter subscribers erase reader@example.org",
            "newsletter subscribers erase reader@example.org --yes",
        )
    )(erase)


def remove(
    ctx: typer.Context, address: EmailArgument, publication: PublicationOption = None
) -> None:
    """Take a reader off the list, at once, also out of an issue that is going out."""
    from newsletter.core.clock import now
    from newsletter.editorial import publications
    from subscribers import directory, journal

    desk = desk_of(ctx)
    with desk.writing() as session:
        owner = publications.get(session, publication)
        sealer = desk.services().sealer
        left = directory.remove(session, sealer, owner.id, address, now())
        person = directory.find(session, sealer, address)
        gone = (person.public_id, owner.id) if person and left == "left" else None
    if gone:
        journal.left(desk.home, *gone, "editor")
    say("This reader is off the list." if left == "left" else "This reader had left already.")


def leave(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="The mail, or - for stdin.")],
) -> None:
    """Take in a mail that asks to leave, as the mailto link in every issue writes it.

    With - for a mail server to pipe into, so that nothing bounces: a mail without our link ends
    with 0 and changes nothing, and a failure with 75, at which the server tries again later.
    """
    from newsletter.cli.failures import report
    from newsletter.core.errors import InputError, TokenError

    desk = desk_of(ctx)
    piped = file == "-"
    # The wish stands in the headers, so of a mail without end its beginning is enough.
    data = sys.stdin.buffer.read(MAIL_LIMIT) if piped else read_file(Path(file), MAIL_LIMIT)
    try:
        _left_by(desk, data, file)
    except (InputError, TokenError) as err:
        if not piped:
            raise
        note(f"nobody was taken off: {err}")
    except Exception as err:
        if not piped:
            raise
        report(err, desk.home, machine=False, debug=desk.debug)
        raise typer.Exit(_TEMPORARY) from err


def _left_by(desk: Desk, data: bytes, name: str) -> None:
    from newsletter.core.clock import now
    from newsletter.core.errors import InputError
    from newsletter.core.tokens import Purpose
    from newsletter.delivery import transactional
    from subscribers import journal, leaving
    from subscribers.mailto import token_in_mail

    token = token_in_mail(data)
    if token is None:
        raise InputError(name, "no link of ours stands in this mail")
    claim = desk.services().signer.read(token, Purpose.UNSUBSCRIBE)
    with desk.writing() as session:
        left = leaving.leave(
            session,
            public_id=claim.subject,
            publication_id=claim.scope,
            how="mail",
            wording="a mail to the address of List-Unsubscribe",
            now=now(),
            goodbye=transactional.goodbye,
        )
    if left == "left":
        journal.left(desk.home, claim.subject, claim.scope, "mail")
    said = {"left": "is off the list", "already": "had left already", "unknown": "is not held here"}
    say(f"This reader {said[left]}.")


def erase(
    ctx: typer.Context,
    address: EmailArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Erase one person for good: address, lists, consents, and the link of every delivery to it.

    A keyed hash stays as a suppression, so that no list brings the person back. What was sent,
    and backups made before, are beyond this command.
    """
    from newsletter.core.clock import now
    from newsletter.core.db import empty_log
    from newsletter.core.errors import NotAllowedNow
    from subscribers import erasing, journal, story

    desk = desk_of(ctx)
    sealer = desk.services().sealer
    with desk.reading() as session:
        found = story.find(session, sealer, address)
    if found.person is None:
        raise NotAllowedNow("nobody is held under this address any more; its hash stays suppressed")
    lists = counted(len(found.held), "list")
    if not (yes or typer.confirm(f"Erase {address} from {lists}, for good?", err=True)):
        say("Nothing was erased.")
        return
    with desk.writing() as session:
        person = story.find(session, sealer, address).person  # the number may be another's by now
        if person is None:
            raise NotAllowedNow("this address was erased by somebody else just now")
        gone = erasing.erase(
            session,
            sealer,
            subscriber_id=person.subscriber_id,
            how="command line",
            now=now(),
        )
    journal.erased(desk.home, gone)
    empty_log(desk.services().engine)
    if as_json:
        emit({"erased": True, "lists": len(found.held)})
        return
    say("This person is erased; the address stays suppressed, as a keyed hash.", "green")
    say("  Backups made before hold it until they are deleted.")
