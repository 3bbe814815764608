"""Making an issue: assemble, show, check, preview, submit, approve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli import checking
from newsletter.cli.context import (
    JsonOption,
    Number,
    PublicationOption,
    desk_of,
    examples,
    issue_of,
    write_file,
)
from newsletter.cli.output import counted, emit, note, say
from newsletter.cli.telling import tell_issue

if TYPE_CHECKING:
    from newsletter.core.settings import Settings
    from newsletter.editorial.models import Issue, Publication
    from newsletter.rendering.content import Letter


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(epilog=examples("newsletter assemble", "newsletter assemble --week 2026-W47"))(
        assemble
    )
    app.command(epilog=examples("newsletter show 3", "newsletter show 3 --json"))(show)
    app.command(epilog=examples("newsletter check 3", "newsletter check 3 --offline --json"))(
        checking.check
    )
    app.command(
        epilog=examples(
            "newsletter preview 3 --out preview", "newsletter preview 3 --edition my --out /tmp/my"
        )
    )(preview)
    app.command(epilog=examples("newsletter submit 3", "newsletter submit 3 -p weekly"))(submit)
    app.command(epilog=examples("newsletter approve 3", "newsletter approve 3 -p weekly"))(approve)


def assemble(
    ctx: typer.Context,
    week: Annotated[
        str | None, typer.Option("--week", metavar="WEEK", help="2026-W47; else the next slot's.")
    ] = None,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the week's draft from the inbox, or bring it up to date, and say what is missing.

    Everything is taken once ever; what an editor moved by hand stays where it is.
    """
    from newsletter.core.clock import now
    from newsletter.editorial import assembling, issues, publications

    desk = desk_of(ctx)
    with desk.writing() as session:
        owner = publications.get(session, publication)
        made = assembling.assemble(session, owner, week=week or _next_week(owner), now=now())
        taken, missing = len(made.taken), list(made.missing)
        found = issues.describe(made.issue, desk.services().settings.languages)
    if as_json:
        emit({**found, "taken": taken, "missing": missing})
        return
    held = counted(len(found["resources"]), "resource")
    new = counted(taken, "resource")
    say(f"Issue {found['number']} for {found['week']}: took {new}, holds {held}.")
    for sentence in missing:
        say(f"  · {sentence}", "yellow")
    say(f"Next: newsletter show {found['number']}")


def _next_week(owner: Publication) -> str:
    from newsletter.core.clock import now
    from newsletter.schedule.cycle import next_slots
    from newsletter.schedule.slots import rule_of

    return next_slots(rule_of(owner), now(), 1)[0][0]


def show(
    ctx: typer.Context,
    number: Number,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all that an issue holds: editorials, resources by category, warnings."""
    from newsletter.editorial import issues

    desk = desk_of(ctx)
    with desk.reading() as session:
        _, issue = issue_of(session, publication, number)
        found = issues.describe(issue, desk.services().settings.languages)
    if as_json:
        emit(found)
    else:
        tell_issue(found)


def preview(
    ctx: typer.Context,
    number: Number,
    *,
    edition: Annotated[
        str | None, typer.Option("--edition", metavar="EDITION", help="en, my, en+my; else all.")
    ] = None,
    discreet: Annotated[
        bool, typer.Option("--discreet", help="As readers get it who chose that form.")
    ] = False,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.")] = Path(),
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the mail exactly as a reader gets it: EDITION.html, EDITION.txt and EDITION.eml.

    Opens in any browser and mail program; nothing is sent, and its links can change nothing.
    """
    from newsletter.cli.previewing import in_discreet_form, parts, sample_message
    from newsletter.editorial import editions

    desk = desk_of(ctx)
    services = desk.services()
    with desk.reading() as session:
        owner, issue = issue_of(session, publication, number)
        wanted = (
            [editions.parse_edition(owner, edition)] if edition else editions.editions_of(owner)
        )
        letters = _letters(issue, wanted, services.settings)
        slug, owner_id, words = owner.slug, owner.id, None
        if discreet:
            letters, words = in_discreet_form(services, owner, letters)
    written = []
    for name, letter in letters.items():
        message = sample_message(services, letter, owner_id, words)
        for kind, data in parts(message).items():
            path = out / f"{name}{'.discreet' if discreet else ''}.{kind}"
            write_file(path, data)
            written.append({"edition": name, "path": str(path), "bytes": len(data)})
    if as_json:
        emit({"publication": slug, "number": number, "files": written})
        return
    for row in written:
        say(f"{row['bytes']:>9,} bytes  {row['path']}")


def _letters(issue: Issue, wanted: list[str], settings: Settings) -> dict[str, Letter]:
    """Those editions that can be made; the error of the first when none can."""
    from newsletter.core.errors import NotAllowedNow
    from newsletter.editorial import editions

    found: dict[str, Letter] = {}
    refused: list[NotAllowedNow] = []
    for edition in wanted:
        try:
            found[edition] = editions.letter(
                issue,
                edition,
                public_url=settings.links_url,
                media_path=settings.media_path,
                languages=settings.languages,
            )
        except NotAllowedNow as err:
            refused.append(err)
            note(f"edition {edition} is left out: {err}")
    if refused and not found:
        raise refused[0]
    return found


def submit(ctx: typer.Context, number: Number, publication: PublicationOption = None) -> None:
    """Put a draft before the colleague who approves it; an edit makes it a draft again."""
    from newsletter.core.clock import now
    from newsletter.editorial import issues

    with desk_of(ctx).writing() as session:
        _, issue = issue_of(session, publication, number)
        issues.submit(issue, now())
    say(f"Issue {number} waits for approval.", "green")
    say(f"The colleague's turn: newsletter check {number}, then newsletter approve {number}")


def approve(ctx: typer.Context, number: Number, publication: PublicationOption = None) -> None:
    """Say yes to an issue as it stands; an edit afterwards makes it a draft again.

    Each edition is made once as a complete mail, so that what cannot be sent is found out now.
    """
    from newsletter.cli.outgoing import warn_of_address
    from newsletter.core.clock import now
    from newsletter.delivery import launching, preflight, press
    from newsletter.editorial import issues

    desk = desk_of(ctx)
    services = desk.services()
    with desk.writing() as session:
        _, issue = issue_of(session, publication, number)
        problems = preflight.report(services, session, issue, now()).problems
        if {p.check for p in problems if p.level == "error"} <= {"message"}:
            # A template at fault is told as such: no editor can mend it in the text.
            press.proof(services, session, issue)
        issues.approve(session, issue, problems, now=now())
        nobody = launching.nobody(session, issue, now())
    warn_of_address(services.settings)
    for problem in problems:
        if problem.level == "warning" and problem.place != "public address":
            say(f"warning {problem.place}: {problem.text}", "yellow")
    if nobody:
        note(f"note: {nobody}")
    say(f"Issue {number} is approved.", "green")
    say(f"Next: newsletter schedule {number}, or newsletter send {number} to send it at once")
