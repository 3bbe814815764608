"""Pausing, resuming and cancelling an issue that is going out; each takes hold within a second."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from newsletter.core.errors import NotAllowedNow
from newsletter.core.installation import require_seen
from newsletter.delivery import fencing, notices
from newsletter.delivery.rows import changed
from newsletter.delivery.stopping import stop_planned
from newsletter.editorial import issues
from newsletter.editorial.models import Issue
from newsletter.editorial.states import Status, require_move, way_on


def pause(session: Session, issue: Issue, reason: str, now: datetime) -> None:
    """Stop sending for now; messages already on the wire still get their answers."""
    fencing.alone(session, issue.id)
    session.refresh(issue, with_for_update=True)
    require_move(issue.number, issue.status, Status.PAUSED)
    issue.status, issue.paused_reason, issue.changed_at = Status.PAUSED, reason, now


def pause_sending(session: Session, issue_id: int, reason: str, now: datetime) -> bool:
    """A worker's own brake; False when somebody stopped the issue before."""
    fencing.alone(session, issue_id)
    return (
        changed(
            session,
            update(Issue)
            .where(Issue.id == issue_id, Issue.status == Status.SENDING)
            .values(status=Status.PAUSED, paused_reason=reason, changed_at=now),
        )
        == 1
    )


def give_notice(
    session: Session, publication_id: int, issue_id: int, reason: str, now: datetime
) -> bool:
    """`pause_sending`, and the editors hear of it."""
    if not pause_sending(session, issue_id, reason, now):
        return False
    notices.raise_(session, publication_id, issue_id, "paused", reason, now)
    return True


def resume(session: Session, issue: Issue, now: datetime) -> None:
    """Go on where it stopped: nobody is planned anew."""
    fencing.alone(session, issue.id)
    session.refresh(issue, with_for_update=True)
    if issue.status != Status.PAUSED:
        raise NotAllowedNow(
            f"issue {issue.number} cannot be resumed: {way_on(issue.number, issue.status)}"
        )
    require_seen(session)
    issue.status, issue.paused_reason, issue.changed_at = Status.SENDING, None, now


def cancel(session: Session, issue: Issue, now: datetime) -> int:
    """Give the issue up; returns how many will now not get it.

    Before the launch nobody had been planned. Afterwards the rest is skipped as `cancelled`,
    and what was handed over stays in the ledger as it is.
    """
    fencing.alone(session, issue.id)
    session.refresh(issue, with_for_update=True)
    launched = issue.status in (Status.SENDING, Status.PAUSED)
    issues.cancel(issue, now)
    session.flush()
    return stop_planned(session, issue, "cancelled") if launched else 0
