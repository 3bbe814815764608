"""The readers: put on the list, taken off it, imported, counted, and heard when they leave."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli import importing
from newsletter.cli.barring import release, why_barred
from newsletter.cli.context import (
    MAIL_LIMIT,
    Desk,
    JsonOption,
    PublicationOption,
    desk_of,
    examples,
    read_file,
)
from newsletter.cli.importing import EditionOption, usual_edition
from newsletter.cli.output import emit, note, say, table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from newsletter.core.sealing import Sealer
    from newsletter.editorial.models import Publication
    from subscribers.directory import Row

Email = Annotated[str, typer.Argument(metavar="ADDRESS", help="A mail address.")]

_STATES = ("active", "pending", "ended", "suppressed")
_TEMPORARY = 75
"""EX_TEMPFAIL of sysexits.h: a mail server that pipes a mail here keeps it and tries again."""


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(no_args_is_help=True, help="The readers, their editions, and leaving.")
    group.command(
        epilog=examples(
            "newsletter subscribers add reader@example.org --edition my",
            "newsletter subscribers add reader@example.org --edition en+my",
        )
    )(add)
    importing.add_to(group)
    group.command(
        "list",
        epilog=examples("newsletter subscribers list", "newsletter subscribers list --json"),
    )(list_)
    group.command(
        epilog=examples(
            "newsletter subscribers remove reader@example.org",
            "newsletter subscribers remove reader@example.org -p weekly",
        )
    )(remove)
    group.command(
        epilog=examples(
            'newsletter subscribers release reader@example.org --reason "the mailbox works again"',
            "newsletter subscribers release reader@example.org --reason letter --yes-they-asked",
        )
    )(release)
    group.command(
        epilog=examples(
            "newsletter subscribers leave mail.eml",
            "newsletter subscribers leave -   (a mail from standard input, as from .forward)",
        )
    )(leave)
    app.add_typer(group, name="subscribers")


def add(
    ctx: typer.Context,
    address: Email,
    edition: EditionOption = None,
    publication: PublicationOption = None,
) -> None:
    """Put one reader on the list; you answer for it that they asked for it.

    Whoever left or must not be mailed again is not brought back. Without --edition somebody
    who is there keeps theirs.
    """
    from newsletter.core.clock import now
    from newsletter.editorial import publications
    from subscribers import directory

    desk = desk_of(ctx)
    with desk.writing() as session:
        owner = publications.get(session, publication)
        sealer = desk.services().sealer
        before = _edition_of(session, sealer, owner, address)
        outcome = directory.add(
            session,
            sealer,
            publication_id=owner.id,
            address=address,
            edition=usual_edition(owner, edition),
            how="editor",
            wording="added by an editor on the command line",
            now=now(),
            keep_edition=edition is None,
        )
        _require_added(session, sealer, outcome, address)
        after = _edition_of(session, sealer, owner, address)
    if outcome == "new":
        say(f"This address is new on the list; it gets the edition '{after}'.", "green")
    elif before == after:
        say(f"This address is on the list already, with the edition '{after}'; nothing changed.")
    else:
        say(f"This address is on the list already; its edition was '{before}' and is now '{after}'")


def _edition_of(session: Session, sealer: Sealer, owner: Publication, address: str) -> str | None:
    from subscribers import directory

    person = directory.find(session, sealer, address)
    held = directory.subscription_of(session, person, owner.id) if person else None
    return held.edition if held else None


def _require_added(session: Session, sealer: Sealer, outcome: str, address: str) -> None:
    from newsletter.core.addresses import parse
    from newsletter.core.errors import NotAllowedNow
    from subscribers import suppression

    if outcome == "ended":
        raise NotAllowedNow(
            "this address left before and stays away: only the reader can come back, by the "
            "link in a mail"
        )
    if outcome == "suppressed":
        barred = suppression.barred(session, sealer.blind_index(parse(address).lookup))
        assert barred is not None  # noqa: S101  (just found, in this transaction)
        raise NotAllowedNow(f"this address {why_barred(barred.reason, barred.at)}")


def list_(
    ctx: typer.Context,
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="STATE", help="active, pending, ended or suppressed."),
    ] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show whole addresses; mind who looks on.")
    ] = False,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the readers; addresses are masked unless --reveal is given."""
    from newsletter.core.errors import InputError
    from newsletter.editorial import publications
    from subscribers import directory

    if state not in (None, *_STATES):
        raise InputError("--state", f"'{state}' is no state; it is one of {', '.join(_STATES)}")
    desk = desk_of(ctx)
    sealer = desk.services().sealer
    with desk.reading() as session:
        owner = publications.get(session, publication)
        slug = owner.slug
        counts = directory.counts(session, owner.id)
        found = directory.listing(session, owner.id, state)
        rows = [_row(row, sealer, reveal=reveal) for row in found]
    if as_json:
        emit({"publication": slug, "counts": counts, "subscribers": rows})
        return
    table(
        ["address", "edition", "state", "since", "reason"],
        ((r["address"], r["edition"], r["state"], r["since"][:10], r["reason"]) for r in rows),
    )
    say(", ".join(f"{count} {word}" for word, count in counts.items()) or "Nobody yet.")


def _row(row: Row, sealer: Sealer, *, reveal: bool) -> dict[str, str]:
    from newsletter.core.addresses import Address, mask

    address = sealer.open(row.sealed_address)
    since = row.barred_at or row.ended_at or row.since
    return {
        "id": str(row.public_id),
        "address": address if reveal else mask(Address(address)),
        "edition": row.edition,
        "state": "suppressed" if row.barred else row.state,
        "reason": row.barred or "",
        "since": since.isoformat(),
    }


def remove(ctx: typer.Context, address: Email, publication: PublicationOption = None) -> None:
    """Take a reader off the list, at once, also out of an issue that is going out."""
    from newsletter.core.clock import now
    from newsletter.editorial import publications
    from subscribers import directory

    desk = desk_of(ctx)
    with desk.writing() as session:
        owner = publications.get(session, publication)
        sealer = desk.services().sealer
        left = directory.remove(session, sealer, owner.id, address, now())
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
    from subscribers import leaving
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
        )
    said = {"left": "is off the list", "already": "had left already", "unknown": "is not held here"}
    say(f"This reader {said[left]}.")
