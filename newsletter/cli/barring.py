"""Addresses that must not be mailed: why, in words, and the one way to lift it by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from newsletter.cli.context import EmailArgument, desk_of, examples
from newsletter.cli.output import say

_WHY = {
    "hard_bounce": "the mail server refused it for good",
    "undeliverable": "mail to it failed in several issues in a row",
    "complaint": "the reader complained about our mail",
    "unsubscribed": "they had unsubscribed elsewhere before the list came here",
    "manual": "somebody of the desk barred it",
    "erased": "the reader was erased at their own wish",
}


def add_to(group: typer.Typer) -> None:
    """Add the command of this file to the group `subscribers`."""
    group.command(
        epilog=examples(
            'newsletter subscribers release reader@example.org --reason "the mailbox works again"',
            "newsletter subscribers release reader@example.org --reason letter --yes-they-asked",
        )
    )(release)


def why_barred(reason: str, since: datetime, *, added: bool = True) -> str:
    """Why an address is suppressed, since when, and what lifts it; holds no address.

    `added` says that somebody wanted to add it, which was not done.
    """
    from subscribers.suppression import READERS_WORD

    asked = " --yes-they-asked" if reason in READERS_WORD else ""
    when = "only when they asked for mail again" if asked else "when it is sure to work again"
    refused = ", and was not added" if added else ""
    return (
        f"is suppressed since {since:%Y-%m-%d}, since {_WHY.get(reason, reason)} ({reason})"
        f'{refused}; {when}: newsletter subscribers release ADDRESS --reason "…"{asked}'
    )


def release(
    ctx: typer.Context,
    address: EmailArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why it may be mailed again; is kept.")],
    asked: Annotated[
        bool,
        typer.Option("--yes-they-asked", help="After the reader's own word: they want it."),
    ] = False,
) -> None:
    """Lift the suppression of an address; it subscribes nobody, and who left stays away.

    A hard bounce is lifted when the mailbox works again, the reader's own word
    (a complaint, leaving elsewhere, an erasure) only by the reader's wish.
    """
    from newsletter.core.addresses import parse
    from newsletter.core.clock import now
    from newsletter.core.errors import InputError
    from newsletter.core.log import redact
    from subscribers import directory, suppression

    if not reason.strip():
        raise InputError("--reason", "say why this address may be mailed again")
    desk = desk_of(ctx)
    with desk.writing() as session:
        sealer = desk.services().sealer
        index = sealer.blind_index(parse(address).lookup)
        done = suppression.release(
            session, index, why=redact(reason.strip()), asked=asked, now=now()
        )
        was = done.reason
        person = directory.find(session, sealer, address)
        states = {held.state for held in person.subscriptions} if person else set()
    say(f"This address may be mailed again (it was suppressed: {was}).", "green")
    say(f"  {_standing(states)}")


def _standing(states: set[str]) -> str:
    if "active" in states:
        return "It is on the list: the next issue goes to it."
    if states:
        return "It is not on the list now: who left stays away; only the reader can come back."
    return "It is on no list; 'newsletter subscribers add' puts it there if the reader asked."
