"""The group `subscribers`, and putting a reader on the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from newsletter.cli import barring, exporting, finding, importing, leaving, listing
from newsletter.cli.context import EmailArgument, PublicationOption, desk_of, examples
from newsletter.cli.importing import EditionOption, usual_edition
from newsletter.cli.output import say

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from newsletter.core.sealing import Sealer
    from newsletter.editorial.models import Publication


def register(app: typer.Typer) -> None:
    """Add the group with all its commands, in the order in which an editor meets them."""
    group = typer.Typer(no_args_is_help=True, help="The readers, their editions, and leaving.")
    group.command(
        epilog=examples(
            "newsletter subscribers add reader@example.org --edition my",
            "newsletter subscribers add reader@example.org --edition en+my",
        )
    )(add)
    importing.add_to(group)
    listing.add_to(group)
    finding.add_to(group)
    exporting.add_to(group)
    leaving.add_to(group)
    barring.add_to(group)
    app.add_typer(group, name="subscribers")


def add(
    ctx: typer.Context,
    address: EmailArgument,
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
    elif outcome == "subscribed":
        say(f"This address waited for the press; it is on the list now, with '{after}'.", "green")
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
        found = suppression.barred(session, sealer.blind_index(parse(address).lookup))
        assert found is not None  # noqa: S101  (just found, in this transaction)
        raise NotAllowedNow(f"this address {barring.why_barred(found.reason, found.at)}")
