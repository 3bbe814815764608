"""The memory of soft bounces: what fails issue after issue is given up at last.

It is made anew from the reader's deliveries whenever something is said, so that it is the same
in whatever order that comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from newsletter.core.bounce_settings import Bounces
from newsletter.delivery.hearing import REASONS
from newsletter.delivery.models import Delivery, SoftBounce
from newsletter.delivery.policy import Verdict, answered
from newsletter.delivery.states import State
from newsletter.editorial.models import Issue
from subscribers import reported

SILENCE = timedelta(days=5)
"""What did not come back for so long has arrived: servers give up after five days at the most
(RFC 5321 §4.5.4.1)."""
_HOSTS = 2
"""Issues in a row for which the domain had no server."""
_SLACK = timedelta(hours=12)
"""Weekly issues do not leave at the same second."""
_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class Past:
    """An issue's message to the reader, and what became of it."""

    issue_id: int
    launched_at: datetime
    state: str
    reason: str | None
    answer: str | None
    submitted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Row:
    """Issues that failed one after the other, up to the last."""

    issues: int
    hosts: int
    """The last so many of them because no server was found."""
    first_at: datetime
    last_at: datetime
    last_issue_id: int


def failed_row(newest_first: Iterable[Past], now: datetime) -> Row | None:
    """The row of failures that the newest message ends; None after any that arrived.

    What tells nothing is passed over: what is still open, what failed by our own fault.
    """
    failed: list[tuple[Past, Verdict]] = []
    for past in newest_first:
        verdict = _verdict(past)
        if verdict is not None:
            failed.append((past, verdict))
        elif _arrived(past, now):
            break
    if not failed:
        return None
    others = (place for place, one in enumerate(failed) if one[1] is not Verdict.NO_HOST)
    last, first = failed[0][0], failed[-1][0]
    hosts = next(others, len(failed))
    return Row(len(failed), hosts, first.launched_at, last.launched_at, last.issue_id)


def conclusion(row: Row | None, soft_issues: int, soft_days: int) -> Literal["hard", "soft"] | None:
    """Whether the address is given up: by a domain that is gone, or after long enough."""
    if row is None:
        return None
    if row.hosts >= _HOSTS:
        return "hard"
    long_enough = row.last_at - row.first_at >= timedelta(days=soft_days) - _SLACK
    enough = row.issues >= soft_issues and (long_enough or not soft_days)
    return "soft" if enough else None


def _verdict(past: Past) -> Verdict | None:
    """SOFT or NO_HOST when it failed for now."""
    by_reason = {REASONS[verdict]: verdict for verdict in (Verdict.SOFT, Verdict.NO_HOST)}
    if past.state == State.BOUNCED:
        return by_reason.get(past.reason or "")
    if past.state == State.REFUSED and past.reason == "recipient":
        found = answered(past.answer or "")
        return found if found in by_reason.values() else None
    return None


def _arrived(past: Past, now: datetime) -> bool:
    if past.state in (State.DELIVERED, State.COMPLAINED):
        return True
    taken = past.state == State.SUBMITTED and past.submitted_at is not None
    return taken and past.submitted_at is not None and past.submitted_at <= now - SILENCE


def remember(
    session: Session, subscriber_id: int, settings: Bounces, now: datetime
) -> Literal["hard", "soft"] | None:
    """Bring the memory of a reader up to date, and give the address up or take that back.

    Returns why it is given up, if it is. What lies before an editor released the address counts
    no more.
    """
    if not reported.hold(session, subscriber_id):
        return None
    row = failed_row(_pasts(session, subscriber_id), now)
    _write(session, subscriber_id, row)
    why = conclusion(row, settings.soft_issues, settings.soft_days)
    if row is None or why is None:
        reported.works_again(session, subscriber_id)
        return None
    barred = reported.dead(session, subscriber_id, reported.UNDELIVERABLE, row.last_at, now)
    return why if barred else None


def _pasts(session: Session, subscriber_id: int) -> list[Past]:
    columns = (Delivery.state, Delivery.reason, Delivery.answer, Delivery.submitted_at)
    query = (
        select(Delivery.issue_id, Issue.launched_at, *columns)
        .join(Issue, Issue.id == Delivery.issue_id)
        .where(Delivery.subscriber_id == subscriber_id, Issue.launched_at.is_not(None))
        .order_by(Issue.launched_at.desc(), Issue.id.desc())
        .limit(_LOOKED_AT)
    )
    released = reported.released_at(session, subscriber_id)
    return [
        Past(issue_id, launched_at, state, reason, answer, submitted_at)
        for issue_id, launched_at, state, reason, answer, submitted_at in session.execute(query)
        if issue_id and launched_at and (released is None or launched_at > released)
    ]


def _write(session: Session, subscriber_id: int, row: Row | None) -> None:
    if row is None:
        session.execute(delete(SoftBounce).where(SoftBounce.subscriber_id == subscriber_id))
        return
    kept = session.get(SoftBounce, subscriber_id)
    if kept is None:
        kept = SoftBounce(subscriber_id=subscriber_id)
        session.add(kept)
    kept.issues, kept.last_issue_id = row.issues, row.last_issue_id
    kept.first_at, kept.last_at = row.first_at, row.last_at
    session.flush()


def remembered(session: Session, subscriber_ids: Iterable[int]) -> set[int]:
    """Those of whom a failure is remembered."""
    ids = sorted(set(subscriber_ids))
    query = select(SoftBounce.subscriber_id).where(SoftBounce.subscriber_id.in_(ids))
    return set(session.scalars(query))


def clear_old(session: Session, settings: Bounces, now: datetime, limit: int = 200) -> int:
    """Forget what a later message disproved that did not come back; returns of how many."""
    arrived = exists().where(
        Delivery.subscriber_id == SoftBounce.subscriber_id,
        Delivery.issue_id == Issue.id,
        Issue.launched_at > SoftBounce.last_at,
        Delivery.state == State.SUBMITTED,
        Delivery.submitted_at <= now - SILENCE,
    )
    due = select(SoftBounce.subscriber_id).where(SoftBounce.last_at <= now - SILENCE, arrived)
    found = session.scalars(due.order_by(SoftBounce.subscriber_id).limit(limit)).all()
    for subscriber_id in found:
        remember(session, subscriber_id, settings, now)
    return len(found)
