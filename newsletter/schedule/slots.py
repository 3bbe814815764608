"""Slots as rows: planned, bound to issues, withdrawn, shown. One per publication and week."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.core.clock import zone
from newsletter.core.errors import InputError, NotAllowedNow
from newsletter.editorial import issues
from newsletter.editorial.archiving import require_open
from newsletter.editorial.models import Issue, Publication
from newsletter.editorial.states import EDITABLE, Status, require_move
from newsletter.schedule.cycle import SlotRule, next_slots, weekly_due
from newsletter.schedule.models import Slot

_GRACE = timedelta(minutes=1)


def rule_of(publication: Publication) -> SlotRule:
    """The weekly rule a publication has set."""
    return SlotRule(publication.slot_weekday, publication.slot_time, publication.slot_zone)


def schedule(
    session: Session,
    publication: Publication,
    issue: Issue,
    *,
    at: datetime | None,
    now: datetime,
) -> Slot:
    """Give an approved issue its time: `at`, or the weekly slot of its week (None).

    An issue without a week gets the next weekly slot that is free. A former time is given up.
    Raises NotAllowedNow when it is not approved as it stands, the slot has passed or the
    publication is archived, InputError for a time that has passed or has no zone.
    """
    require_open(publication)
    _lock(session, publication)
    issues.lock(issue)
    _require_approved(issue)
    if at is None:
        slot = plan_weekly(session, publication, issue, now)
    else:
        slot = plan_exact(session, publication, issue, at, now)
    if issue.status != Status.SCHEDULED:
        require_move(issue.number, issue.status, Status.SCHEDULED)
    issue.status, issue.held_reason, issue.changed_at = Status.SCHEDULED, None, now
    session.flush()
    return slot


def plan_weekly(session: Session, publication: Publication, issue: Issue, now: datetime) -> Slot:
    """The slot of the issue's week, or of the next week that has no issue yet."""
    rule = rule_of(publication)
    week = issue.week or _free_week(session, publication, rule, now)
    due = weekly_due(rule, week)
    slot = _row(session, publication, week)
    if due < now - _GRACE or (slot is not None and slot.fired_at is not None):
        raise NotAllowedNow(
            f"the slot of {week} has passed ({_wall(due, rule.zone)} {rule.zone}); "
            "give the issue an exact time"
        )
    issue.week = week
    _forget(session, issue, keep=slot)
    if slot is None:
        slot = _new(session, publication, week, due)
    slot.issue_id = issue.id
    session.flush()
    return slot


def plan_exact(
    session: Session, publication: Publication, issue: Issue, at: datetime, now: datetime
) -> Slot:
    """A slot of the issue's own, whatever the rhythm; its weekly one is given up."""
    if at.tzinfo is None:
        raise InputError("at", "say the zone of the time, or UTC")
    if at < now - _GRACE:
        wall = _wall(at, publication.slot_zone)
        raise InputError("at", f"{wall} {publication.slot_zone} has passed; give a later time")
    _forget(session, issue, keep=None)
    exact = Slot.key.startswith(f"exact-{issue.id}-", autoescape=True)
    used = session.scalar(select(func.count()).where(Slot.publication_id == publication.id, exact))
    slot = _new(session, publication, f"exact-{issue.id}-{(used or 0) + 1}", at)
    slot.issue_id = issue.id
    session.flush()
    return slot


def withdraw(session: Session, issue: Issue) -> None:
    """Take back the time given to an issue. It is approved again, and as such goes out at the
    slot of its week if it has one; hold or cancel it when it shall not."""
    issues.lock(issue)
    _forget(session, issue, keep=None)
    if issue.status == Status.SCHEDULED:
        issue.status = Status.APPROVED


def sync(session: Session, now: datetime) -> None:
    """Bring the rows in step with publications and issues: one for each publication's next week,
    one for each week that has an issue, all at the time the rule says today.

    A week that had passed before its issue was made gets none: nobody waits for it. Nor does an
    archived publication.
    """
    for publication in _locked_publications(session):
        rows = {slot.key: slot for slot in _weekly(session, publication)}
        for week, issue in _wanted(session, publication, now).items():
            due = weekly_due(rule_of(publication), week)
            slot = rows.get(week)
            if slot is None:
                slot = _new(session, publication, week, due)
            if slot.fired_at is None:
                _set_time(slot, due, publication.slot_zone)
                slot.issue_id = issue.id if issue else None
    session.flush()


def pending(session: Session) -> list[Slot]:
    """All slots that have not fired and will, the earliest first: none of an archived one."""
    query = (
        select(Slot)
        .join(Publication, Publication.id == Slot.publication_id)
        .where(Slot.fired_at.is_(None), Publication.archived_at.is_(None))
    )
    return list(session.scalars(query.order_by(Slot.due_at, Slot.id)))


def upcoming(
    session: Session, publication: Publication, now: datetime, count: int = 4
) -> list[dict[str, Any]]:
    """The next slots, weekly and exact, and those overdue, for editors to see.

    Each has `week` (None for an exact time), `due_at` (UTC, ISO 8601), `wall` and `zone` (the
    publication's), `issue` (its number or None), `status`. An archived publication has none.
    """
    if publication.archived_at is not None:
        return []
    rule = rule_of(publication)
    by_week = {i.week: i for i in issues.listing(session, publication) if i.week}
    mine = [slot for slot in pending(session) if slot.publication_id == publication.id]
    elsewhere = {slot.issue_id for slot in mine if _exact(slot)}
    found = [
        _line(week, due, rule.zone, None if issue and issue.id in elsewhere else issue)
        for week, due in next_slots(rule, now, count)
        for issue in [by_week.get(week)]
    ]
    for slot in mine:
        if slot.issue_id is not None and (_exact(slot) or slot.due_at <= now):
            week = None if _exact(slot) else slot.key
            found.append(_line(week, slot.due_at, rule.zone, session.get(Issue, slot.issue_id)))
    return sorted(found, key=lambda line: str(line["due_at"]))[:count]


def _line(week: str | None, due: datetime, zone_name: str, issue: Issue | None) -> dict[str, Any]:
    return {
        "week": week,
        "due_at": due.isoformat(),
        "wall": _wall(due, zone_name),
        "zone": zone_name,
        "issue": issue.number if issue else None,
        "status": str(issue.status) if issue else None,
    }


def _wall(due: datetime, zone_name: str) -> str:
    return due.astimezone(zone(zone_name)).strftime("%Y-%m-%d %H:%M")


def _exact(slot: Slot) -> bool:
    return slot.key.startswith("exact-")


def _lock(session: Session, publication: Publication) -> None:
    session.execute(
        select(Publication.id).where(Publication.id == publication.id).with_for_update()
    )


def _locked_publications(session: Session) -> list[Publication]:
    going_on = select(Publication).where(Publication.archived_at.is_(None))
    return list(session.scalars(going_on.order_by(Publication.id).with_for_update()))


def _require_approved(issue: Issue) -> None:
    if issue.status in EDITABLE and issue.content_hash is None:
        raise NotAllowedNow(
            f"issue {issue.number} is {issue.status}; approve it first: "
            f"'newsletter approve {issue.number}'"
        )
    if issue.status in EDITABLE and issues.content_hash(issue) != issue.content_hash:
        raise NotAllowedNow(
            f"issue {issue.number} is not what was approved any more; approve it anew: "
            f"'newsletter approve {issue.number}'"
        )


def _free_week(session: Session, publication: Publication, rule: SlotRule, now: datetime) -> str:
    taken = set(
        session.scalars(select(Issue.week).where(Issue.publication_id == publication.id))
    ) | {slot.key for slot in _weekly(session, publication) if slot.fired_at is not None}
    return next(week for week, _ in next_slots(rule, now, len(taken) + 1) if week not in taken)


def _row(session: Session, publication: Publication, key: str) -> Slot | None:
    return session.scalar(
        select(Slot).where(Slot.publication_id == publication.id, Slot.key == key)
    )


def _weekly(session: Session, publication: Publication) -> list[Slot]:
    exact = Slot.key.startswith("exact-")
    return list(session.scalars(select(Slot).where(Slot.publication_id == publication.id, ~exact)))


def _new(session: Session, publication: Publication, key: str, due: datetime) -> Slot:
    slot = Slot(publication_id=publication.id, key=key)
    _set_time(slot, due, publication.slot_zone)
    session.add(slot)
    return slot


def _set_time(slot: Slot, due: datetime, zone_name: str) -> None:
    slot.due_at, slot.wall, slot.zone = due, _wall(due, zone_name), zone_name


def _forget(session: Session, issue: Issue, keep: Slot | None) -> None:
    """Give up the issue's slots that have not fired; a week's row stays, bound to nothing."""
    session.flush()
    mine = select(Slot).where(Slot.issue_id == issue.id, Slot.fired_at.is_(None))
    for slot in session.scalars(mine).all():
        if _exact(slot):
            session.delete(slot)
        elif slot is not keep:
            slot.issue_id = None
    session.flush()


def _wanted(session: Session, publication: Publication, now: datetime) -> dict[str, Issue | None]:
    """Each week that needs a row → the issue that goes out then, if there is one."""
    rule = rule_of(publication)
    coming = next_slots(rule, now, 1)[0][0]
    found: dict[str, Issue | None] = {coming: None}
    exact = select(Slot.issue_id).where(
        Slot.fired_at.is_(None), Slot.key.startswith("exact-"), Slot.issue_id.is_not(None)
    )
    waiting = select(Issue).where(
        Issue.publication_id == publication.id,
        Issue.week.is_not(None),
        Issue.status.in_(EDITABLE) | (Issue.week == coming),
        Issue.id.not_in(exact),
    )
    for issue in session.scalars(waiting):
        if issue.week and weekly_due(rule, issue.week) >= issue.created_at:
            found[issue.week] = issue
    return found
