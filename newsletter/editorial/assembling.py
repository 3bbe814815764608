"""Assembling: the draft issue of a week, made from the inbox, or brought up to date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from newsletter.core.clock import monday_of
from newsletter.core.errors import NotAllowedNow
from newsletter.editorial import checks, issues
from newsletter.editorial.archiving import require_open
from newsletter.editorial.models import Issue, Publication, Resource
from newsletter.editorial.ordering import arrange, by_category, close_gaps, in_order
from newsletter.editorial.states import EDITABLE, Status


@dataclass(frozen=True, slots=True)
class Assembled:
    """What became of it: the issue, what it took this time, and what an editor still owes it."""

    issue: Issue
    taken: list[Resource]
    missing: list[str]
    reopened: bool = False
    """It had been approved (or scheduled, or held) and is a draft again."""


def assemble(session: Session, publication: Publication, *, week: str, now: datetime) -> Assembled:
    """Make the draft issue of an ISO week (2026-W47), or bring the one there is up to date.

    Takes from the inbox what was published up to the Sunday that ends the week, whatever the day
    of its slot, also what earlier weeks left over; each resource once ever. Stands them newest
    first under their categories, around what an editor's hand has placed; dropped ones stay
    dropped, texts stay untouched.
    A draft outside the rhythm whose date lies in this week (an imported post) becomes its issue.
    Taking something new makes an approved issue a draft again, and `missing` says so.
    Raises InputError for what is no week, NotAllowedNow when the week's issue already went out
    or the publication is archived.
    """
    require_open(publication)
    day = slot_day(publication, week)
    session.execute(
        select(Publication.id).where(Publication.id == publication.id).with_for_update()
    )
    issue = _of_week(session, publication, week, day)
    if issue is None:
        issue = issues.create(session, publication, day=day, week=week, now=now)
    elif issue.status not in EDITABLE:
        raise NotAllowedNow(
            f"issue {issue.number} of {week} is {issue.status} and takes nothing more; "
            "assemble the next week"
        )
    issue.week = week
    taken = _waiting(session, issue, monday_of(week) + timedelta(days=6))
    before = issue.status
    if taken:
        _take(session, issue, taken, now)
    reopened = bool(taken) and before not in (Status.DRAFT, Status.IN_REVIEW)
    missing = [f"{p.place}: {p.text}" for p in checks.content(issue, publication)]
    if reopened:
        missing.insert(0, f"it was {before}: with what is new it has to be approved again")
    return Assembled(issue, taken, missing, reopened)


def slot_day(publication: Publication, week: str) -> date:
    """The day of the week's slot in the publication's own calendar."""
    return monday_of(week) + timedelta(days=publication.slot_weekday - 1)


def _of_week(session: Session, publication: Publication, week: str, day: date) -> Issue | None:
    mine = select(Issue).where(Issue.publication_id == publication.id)
    found = session.scalar(mine.where(Issue.week == week))
    if found is not None:
        return found
    loose = mine.where(
        Issue.week.is_(None),
        Issue.status.in_((Status.DRAFT, Status.IN_REVIEW)),
        Issue.date > day - timedelta(days=7),
        Issue.date <= day,
    )
    return session.scalar(loose.order_by(Issue.number).limit(1))


def _waiting(session: Session, issue: Issue, last: date) -> list[Resource]:
    query = select(Resource).where(
        Resource.publication_id == issue.publication_id,
        Resource.issue_id.is_(None),
        Resource.dropped_at.is_(None),
        Resource.published_on <= last,
        or_(Resource.withheld_from.is_(None), Resource.withheld_from != issue.id),
    )
    return list(session.scalars(query.order_by(Resource.published_on.desc(), Resource.id)))


def _take(session: Session, issue: Issue, taken: Sequence[Resource], now: datetime) -> None:
    issues.touched(issue, now)
    pinned = {r.id for r in issue.resources if r.edited_at is not None}
    for _, members in by_category(issue.resources):
        close_gaps(members)
    for resource in taken:
        resource.withheld_from = None
        issue.resources.append(resource)
    for _, members in by_category(issue.resources):
        arrange(members, pinned)
    _mark_twins(issue)
    session.flush()


def _mark_twins(issue: Issue) -> None:
    ordered = in_order(issue.resources)
    found = checks.twins(ordered, issue.publication.languages)
    for index, resource in enumerate(ordered):
        twin = ordered[found[index]].id if index in found else None
        if resource.near_duplicate_of != twin:
            resource.near_duplicate_of = twin
