"""After a restore: what may have happened since the backup is held, listed and never repeated.

The database stands still at the instant of the backup, the world went on. So nothing of it goes
out by itself any more: issues wait for a person, deliveries that were open are in doubt, slots
that have passed are done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from newsletter.core import audit
from newsletter.core.db import database_now
from newsletter.core.installation import Installation
from newsletter.delivery import chunks
from newsletter.delivery.looked_up import IN_DOUBT
from newsletter.delivery.models import Delivery
from newsletter.delivery.rows import changed
from newsletter.delivery.states import OPEN, State
from newsletter.editorial.models import Issue
from newsletter.editorial.states import EDITABLE, Status
from newsletter.schedule import slots
from newsletter.schedule.models import Slot

ANSWER = "restored from a backup of {}: it may have gone out since"
_HELD = (
    "restored from a backup of {}: it may have gone out since; look whether readers have it, then "
    "approve and send it, or cancel it"
)
_PAUSED = (
    "restored from a backup of {}: the rest may have gone out since; settle the doubtful "
    "deliveries before it goes on"
)


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What was held back."""

    held: list[int]
    """Numbers of issues that had not gone out at the backup; each waits for a new approval."""
    paused: list[int]
    doubtful: int
    """Deliveries of issues that were open at the backup."""
    confirmations: int
    """Mails of the sign-up form, and welcomes and goodbyes, that were open: whoever got no
    confirmation signs up again."""
    slots: int
    """Planned times that had passed at the restore."""


def hold_back(session: Session, made_at: datetime, now: datetime) -> Aftermath:
    """Make a restored database safe, in the transaction that fills it."""
    said = f"{made_at:%Y-%m-%d %H:%M} UTC"
    known = session.get_one(Installation, 1)
    known.restored_at, known.backup_of_at, known.restored_seen_at = now, made_at, None
    held = _stop(session, EDITABLE, Status.HELD, _HELD.format(said), now)
    going = {Status.SENDING, Status.PAUSED}
    paused = _stop(session, going, Status.PAUSED, _PAUSED.format(said), now)
    why = ANSWER.format(said)
    doubtful = _doubt(session, Delivery.issue_id.is_not(None), why)
    confirmations = _doubt(session, Delivery.issue_id.is_(None), why)
    chunks.abandon(session, now)
    return Aftermath(held, paused, doubtful, confirmations, _pass(session, said, now))


def accept(session: Session, how: str, now: datetime) -> bool:
    """Somebody answers for it that who left since the backup was brought in: issues may go out.

    False when nothing is to be accepted. `how` is the door.
    """
    known = session.get(Installation, 1, with_for_update=True, populate_existing=True)
    if known is None or known.restored_at is None or known.restored_seen_at is not None:
        return False
    known.restored_seen_at = now
    made_at = known.backup_of_at
    detail = {"backup_of": made_at.isoformat() if made_at else None}
    audit.note(session, "restore_accepted", how, detail, now)
    return True


def remembered(session: Session) -> dict[str, Any] | None:
    """Whether this database was restored, whether somebody accepted that, and how many deliveries
    of its issues still wait to be settled; None when it never was."""
    known = session.get(Installation, 1)
    if known is None or known.restored_at is None or known.backup_of_at is None:
        return None
    seen_at = known.restored_seen_at
    return {
        "restored_at": known.restored_at.isoformat(),
        "backup_of_at": known.backup_of_at.isoformat(),
        "accepted_at": seen_at.isoformat() if seen_at else None,
        "doubtful": _in_doubt(session, Delivery.issue_id.is_not(None)),
        "confirmations": _in_doubt(session, Delivery.issue_id.is_(None)),
    }


def _in_doubt(session: Session, which: ColumnElement[bool]) -> int:
    restored = Delivery.answer.startswith("restored from a backup")
    query = select(func.count()).where(IN_DOUBT, restored, which)
    return session.scalar(query) or 0


def _stop(
    session: Session, states: set[Status] | frozenset[Status], to: Status, why: str, now: datetime
) -> list[int]:
    found = session.scalars(select(Issue).where(Issue.status.in_(states)).order_by(Issue.number))
    stopped = []
    for issue in found.all():
        before = issue.held_reason if to is Status.HELD else issue.paused_reason
        reason = f"{why} (before that: {before})" if before else why
        issue.status, issue.changed_at = to, now
        if to is Status.HELD:
            issue.held_reason, issue.content_hash, issue.approved_at = reason, None, None
        else:
            issue.paused_reason = reason
        stopped.append(issue.number)
    session.flush()
    return stopped


def _doubt(session: Session, which: ColumnElement[bool], why: str) -> int:
    return changed(
        session,
        update(Delivery)
        .where(Delivery.state.in_(OPEN), which)
        .values(
            state=State.UNKNOWN,
            answer=why,
            owner=None,
            lease_until_at=None,
            not_before_at=None,
            changed_at=database_now(session),
        ),
    )


def _pass(session: Session, said: str, now: datetime) -> int:
    """Slots of weeks that have passed get their rows now, so that none is caught up later."""
    slots.sync(session, now)
    due = update(Slot).where(Slot.fired_at.is_(None), Slot.due_at <= now)
    why = f"held: it passed before the restore of a backup of {said}"
    return changed(session, due.values(fired_at=now, outcome=why))
