"""`newsletter status`: the coming slots and all issues, or one issue's ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.context import (
    LARGEST,
    JsonOption,
    PublicationOption,
    desk_of,
    examples,
    issue_of,
)
from newsletter.cli.output import counted, emit, listed, minute, say, table
from newsletter.cli.returned import tell_notices, tell_rates, tell_recent
from newsletter.cli.traffic_told import tell_traffic, traffic_of
from newsletter.cli.trouble import accounted, tell_trouble, troubled

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from newsletter.app import Services
    from newsletter.editorial.models import Issue, Publication
    from newsletter.schedule.models import Slot


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(epilog=examples("newsletter status", "newsletter status 3 --reveal"))(status)


def status(
    ctx: typer.Context,
    number: Annotated[
        int | None,
        typer.Argument(
            metavar="N", min=1, max=LARGEST, help="One issue's ledger; else everything."
        ),
    ] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="With N: show whose they are; mind who looks on.")
    ] = False,
    publication: PublicationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the next slots and where the issues stand, or what became of each message of one.

    Doubtful and refused deliveries are listed with their Message-ID, for the mail server's log;
    "settle" decides them.
    """
    desk = desk_of(ctx)
    if number is not None:
        with desk.reading() as session:
            owner, issue = issue_of(session, publication, number)
            found = of_issue(session, desk.services(), owner, issue, reveal=reveal)
        emit(found) if as_json else tell_ledger(found)
        return
    from newsletter.editorial import publications
    from newsletter.safekeeping.aftermath import remembered

    with desk.reading() as session:
        chosen = [publications.get(session, publication)] if publication else None
        owners = chosen or publications.listing(session)
        overviews = [_overview(session, owner) for owner in owners]
        traffic = traffic_of(session, desk.services().settings, owners)
        restored = remembered(session)
    if as_json:
        emit({"publications": overviews, "traffic": traffic, "restored": restored})
        return
    if restored:
        tell_restored(restored)
    for overview in overviews:
        _tell_overview(overview)
    tell_traffic(traffic)


def tell_restored(restored: dict[str, Any]) -> None:
    """Where this newsletter comes from, and what of it still waits for somebody."""
    doubtful = counted(restored["doubtful"], "delivery")
    text = f"Restored from a backup of {minute(restored['backup_of_at'])}; {doubtful} in doubt."
    if not restored["accepted_at"]:
        text += " No issue goes out before 'newsletter restored --accept'."
    say(text, "yellow" if restored["doubtful"] or not restored["accepted_at"] else None)


def of_issue(
    session: Session, services: Services, owner: Publication, issue: Issue, *, reveal: bool = False
) -> dict[str, Any]:
    """Everything about an issue's way out, as plain data; addresses only with `reveal`."""
    return {
        **progress_of(session, owner, issue),
        **troubled(session, services, issue, reveal=reveal),
        **_came_back(session, services, owner, issue),
    }


def _came_back(
    session: Session, services: Services, owner: Publication, issue: Issue
) -> dict[str, Any]:
    """The rates of what came back, beside their limits, and what the editors were told."""
    from newsletter.core.clock import now
    from newsletter.delivery import notices, rates

    limits = services.settings.bounces
    return {
        "returned": rates.of_issue(session, issue.id).as_json(),
        "limits": {"complaint": limits.complaint_percent, "bounce": limits.bounce_percent},
        "notices": notices.listing(session, now(), publication_id=owner.id, issue_id=issue.id),
    }


def progress_of(session: Session, owner: Publication, issue: Issue) -> dict[str, Any]:
    """Where an issue stands on its way out, without a list of deliveries."""
    from newsletter.delivery.ledger import ledger
    from newsletter.schedule import slots

    planned = next((s for s in slots.pending(session) if s.issue_id == issue.id), None)
    return {
        "publication": owner.slug,
        "number": issue.number,
        "status": str(issue.status),
        "held_reason": issue.held_reason,
        "paused_reason": issue.paused_reason,
        "slot": slot_row(planned) if planned else None,
        "launched_at": issue.launched_at.isoformat() if issue.launched_at else None,
        "sent_at": issue.sent_at.isoformat() if issue.sent_at else None,
        "ledger": ledger(session, issue.id).as_json(),
        "put_off": _put_off(session, issue),
        "quiet_until": _quiet_until(owner, issue),
    }


def _quiet_until(owner: Publication, issue: Issue) -> str | None:
    """When the quiet hours end that hold up an issue on its way just now."""
    from newsletter.core.clock import now
    from newsletter.delivery.quiet import quiet_until

    if issue.status != "sending":
        return None
    until = quiet_until(owner.quiet_hours, owner.slot_zone, now())
    return until.isoformat() if until else None


def _put_off(session: Session, issue: Issue) -> dict[str, Any] | None:
    """How many wait for a cause, when the first is tried again, and the cause that came last.

    `tried` is false when the server could not be reached at all: then everybody waits.
    """
    from sqlalchemy import func, select

    from newsletter.delivery.looked_up import PUT_OFF
    from newsletter.delivery.models import Delivery

    waiting = (Delivery.issue_id == issue.id, PUT_OFF)
    count, first = session.execute(
        select(func.count(), func.min(Delivery.not_before_at)).where(*waiting)
    ).one()
    if not count:
        return None
    latest = select(Delivery.answer, Delivery.attempts > 0).where(*waiting)
    answer, tried = session.execute(latest.order_by(Delivery.changed_at.desc()).limit(1)).one()
    return {
        "deliveries": count,
        "next_at": first.isoformat() if first else None,
        "tried": bool(tried),
        "answer": answer,
    }


def slot_row(slot: Slot) -> dict[str, str]:
    """A planned time as an editor reads it: on the wall, and in UTC."""
    return {
        "wall": slot.wall,
        "zone": slot.zone,
        "utc": f"{slot.due_at:%Y-%m-%d %H:%M}",
        "due_at": slot.due_at.isoformat(),
    }


def tell_ledger(found: dict[str, Any]) -> None:
    """The ledger in words, the equation included."""
    number, ledger = found["number"], found["ledger"]
    say(f"Issue {number} of '{found['publication']}': {found['status']}", "bold")
    for name in ("held", "paused"):
        if found[f"{name}_reason"]:
            say(f"  {name}: {found[f'{name}_reason']}", "yellow")
    slot = found["slot"]
    if slot and found["status"] in ("approved", "scheduled"):
        say(f"  goes out on {slot['wall']} {slot['zone']} ({slot['utc']} UTC)")
    if not found["launched_at"]:
        say("  Nothing was sent yet.")
        return
    say(f"  began {minute(found['launched_at'])}{_ended(found)}")
    skipped = sum(ledger["skipped"].values())
    waiting = ledger["planned"] + ledger["claimed"] + ledger["submitting"]
    columns = ["audience", "submitted", "refused", "skipped", "unknown", "to send"]
    row = [ledger["total"], ledger["submitted"], ledger["refused"], skipped, ledger["unknown"]]
    table(columns, [[*row, waiting]])
    for word, counts in (("skipped", ledger["skipped"]), ("edition", ledger["by_edition"])):
        if counts:
            say(f"  {word}: {listed(f'{count} {name}' for name, count in counts.items())}")
    if found["quiet_until"]:
        say(f"  {quiet_sentence(found['quiet_until'])}", "yellow")
    if found["put_off"]:
        say(f"  {put_off_sentence(found['put_off'])}", "yellow")
    sentence, style = accounted(ledger, number)
    say(f"  {sentence}", style or None)
    if found["returned"]["complaints"] or found["returned"]["gone"]:
        tell_rates(found["returned"], "came back", found["limits"])
    tell_recent(found["notices"], number)
    tell_trouble(number, found)


def quiet_sentence(until: str) -> str:
    """Why nothing leaves just now, and until when; the day too where it is not today's."""
    from newsletter.core.clock import now

    today = until[:10] == now().isoformat()[:10]
    at = f"{until[11:16]} UTC" if today else minute(until)
    return f"quiet hours until {at}: the rest goes out then"


def put_off_sentence(put_off: dict[str, Any]) -> str:
    """What the server said and when it is asked again, or why it cannot be asked at all."""
    if not put_off["tried"]:
        return f"waiting, and trying again: {put_off['answer']}"
    again = f" after {minute(put_off['next_at'])}" if put_off["next_at"] else ""
    messages = counted(put_off["deliveries"], "message")
    return f"{messages} to be tried again{again}; the server said: {put_off['answer']}"


def _overview(session: Session, owner: Publication) -> dict[str, Any]:
    from newsletter.core.clock import now
    from newsletter.delivery import notices
    from newsletter.editorial import issues
    from newsletter.schedule import slots

    return {
        "publication": owner.slug,
        "notices": notices.listing(session, now(), publication_id=owner.id),
        "zone": owner.slot_zone,
        "slots": slots.upcoming(session, owner, now()),
        "issues": [_issue_row(issue, owner) for issue in issues.listing(session, owner)],
    }


def _issue_row(issue: Issue, owner: Publication) -> dict[str, Any]:
    titles = {editorial.language: editorial.title for editorial in issue.editorials}
    return {
        "number": issue.number,
        "week": issue.week,
        "date": issue.date.isoformat(),
        "status": str(issue.status),
        "reason": issue.held_reason or issue.paused_reason,
        "titles": {lang: titles[lang] for lang in owner.languages if lang in titles},
    }


def _tell_overview(overview: dict[str, Any]) -> None:
    slots = overview["slots"]
    table(
        ["week", overview["zone"], "UTC", "issue", "status"],
        ([s["week"], s["wall"], _utc(s["due_at"]), s["issue"], s["status"]] for s in slots),
        title=f"{overview['publication']}: next slots",
        below=("UTC",),
        width=72,
    )
    table(
        ["issue", "date", "week", "status", "title", "reason"],
        (
            [
                row["number"],
                row["date"],
                row["week"],
                row["status"],
                next(iter(row["titles"].values()), None),
                row["reason"],
            ]
            for row in overview["issues"]
        ),
        title=f"{overview['publication']}: issues",
        below=("title", "reason"),
    )
    tell_notices(overview["notices"])
    if not overview["issues"]:
        say("No issue yet; 'newsletter import FILE' or 'newsletter assemble' makes one.")


def _utc(instant: str) -> str:
    return instant[:16].replace("T", " ")


def _ended(found: dict[str, Any]) -> str:
    if found["sent_at"]:
        return f", ended {minute(found['sent_at'])}"
    return ", cancelled before the end" if found["status"] == "cancelled" else ", not ended yet"
