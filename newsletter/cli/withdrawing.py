"""Taking an issue off the web, and putting it back."""

from __future__ import annotations

from typing import Annotated

import typer

from newsletter.cli.context import Number, PublicationOption, desk_of, examples, issue_of
from newsletter.cli.output import say


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(epilog=examples("newsletter withdraw 12", "newsletter withdraw 12 --undo"))(
        withdraw
    )


def withdraw(
    ctx: typer.Context,
    number: Number,
    undo: Annotated[bool, typer.Option("--undo", help="Show it on the web again.")] = False,
    publication: PublicationOption = None,
) -> None:
    """Take an issue that went out off the web: its pages, its picture, its place in feeds.

    Whoever opens a link to it reads that it was withdrawn. Mails that are out stay where they are.
    """
    from newsletter.core.clock import now
    from newsletter.editorial import withdrawing

    with desk_of(ctx).writing() as session:
        _, issue = issue_of(session, publication, number)
        done = withdrawing.show_again(issue) if undo else withdrawing.withdraw(issue, now())
    if not done:
        before = "not withdrawn" if undo else "withdrawn before"
        say(f"Nothing changed: issue {number} was {before}.")
    elif undo:
        say(f"Issue {number} stands on the web again.", "green")
    else:
        say(f"Issue {number} is off the web; mails that are out cannot be called back.", "green")
