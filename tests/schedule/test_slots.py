"""Slots are planned only for what was approved, one per week, and shown before they come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.core.errors import InputError, NotAllowedNow
from newsletter.editorial import issues, publications
from newsletter.schedule import slots
from newsletter.schedule.models import Slot
from tests.editorial.making import NOW, WEEK, a_publication, an_approved_issue, write

DUE = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
EXACT = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)


def test_weekly_slot_in_the_publications_zone(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        slot = slots.schedule(session, publication, issue, at=None, now=NOW)
        assert (slot.key, slot.due_at, slot.wall) == (WEEK, DUE, "2026-11-23 09:00")
        assert (slot.zone, issue.status) == ("Asia/Yangon", "scheduled")
        again = slots.schedule(session, publication, issue, at=None, now=NOW)
        assert again is slot
    with reading(any_services.engine) as session:
        shown = slots.upcoming(session, publications.get(session, None), NOW, count=2)
    assert shown == [
        {
            "week": WEEK,
            "due_at": "2026-11-23T02:30:00+00:00",
            "wall": "2026-11-23 09:00",
            "zone": "Asia/Yangon",
            "issue": 1,
            "status": "scheduled",
        },
        {
            "week": "2026-W49",
            "due_at": "2026-11-30T02:30:00+00:00",
            "wall": "2026-11-30 09:00",
            "zone": "Asia/Yangon",
            "issue": None,
            "status": None,
        },
    ]


def test_exact_time_takes_the_place_of_the_weekly_slot(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        slots.schedule(session, publication, issue, at=None, now=NOW)
        slots.schedule(session, publication, issue, at=EXACT + timedelta(days=9), now=NOW)
        slots.schedule(session, publication, issue, at=EXACT, now=NOW)
        slots.sync(session, NOW)
        mine = [s for s in slots.pending(session) if s.issue_id == issue.id]
        assert [(s.due_at, s.wall) for s in mine] == [(EXACT, "2026-11-19 18:30")]
        lines = slots.upcoming(session, publication, NOW, count=2)
        assert [[line["week"], line["issue"]] for line in lines] == [[None, 1], [WEEK, None]]
        slots.withdraw(session, issue)
        slots.sync(session, NOW)
        assert issue.status == "approved"
        mine = [s for s in slots.pending(session) if s.issue_id == issue.id]
        assert [s.key for s in mine] == [WEEK]


def test_issue_without_a_week_gets_the_next_free_one(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        an_approved_issue(session, publication, WEEK)
        extra = an_approved_issue(session, publication, "2026-W50")
        extra.week = None
        slot = slots.schedule(session, publication, extra, at=None, now=NOW)
        assert slot.key == issues.get(session, publication, extra.number).week == "2026-W49"


def test_only_what_was_approved_as_it_stands_is_scheduled(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        issue.editorials[0].title = "Slipped in"
        with pytest.raises(NotAllowedNow, match="not what was approved any more"):
            slots.schedule(session, publication, issue, at=EXACT, now=NOW)
        write(session, issue)
        with pytest.raises(NotAllowedNow, match="issue 1 is draft; approve it first"):
            slots.schedule(session, publication, issue, at=EXACT, now=NOW)
        issues.approve(session, issue, [], now=NOW)
        issues.hold(issue, "wait for the minister", NOW)
        slots.schedule(session, publication, issue, at=EXACT, now=NOW)
        assert (issue.status, issue.held_reason) == ("scheduled", None)
        issue.status = "sent"
        with pytest.raises(NotAllowedNow, match="cannot be scheduled or sent: it was sent already"):
            slots.schedule(session, publication, issue, at=EXACT, now=NOW)


def test_times_that_have_passed_are_refused(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        with pytest.raises(InputError, match="has passed; give a later time"):
            slots.schedule(session, publication, issue, at=NOW - timedelta(seconds=61), now=NOW)
        with pytest.raises(InputError, match="zone"):
            slots.schedule(session, publication, issue, at=EXACT.replace(tzinfo=None), now=NOW)
        with pytest.raises(NotAllowedNow, match="the slot of 2026-W48 has passed"):
            slots.schedule(session, publication, issue, at=None, now=DUE + timedelta(minutes=2))
        slots.schedule(session, publication, issue, at=NOW - timedelta(seconds=30), now=NOW)


def test_rows_follow_the_rule_of_today_and_are_made_once(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        publication = a_publication(session)
        an_approved_issue(session, publication, "2026-W50")
        past = an_approved_issue(session, publication, "2026-W40")
        slots.sync(session, NOW)
        publications.set_value(session, publication, "slot.time", "10:00")
        slots.sync(session, NOW)
        found = [(s.key, s.wall, s.issue_id) for s in slots.pending(session)]
        assert [(key, wall) for key, wall, _ in found] == [
            (WEEK, "2026-11-23 10:00"),
            ("2026-W50", "2026-12-07 10:00"),
        ]
        assert past.id not in {issue_id for _, _, issue_id in found}


def test_a_week_has_one_slot_in_the_database_itself(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        publication = a_publication(session)
        slots.sync(session, NOW)
        twin = Slot(publication_id=publication.id, key=WEEK, due_at=DUE, wall="x", zone="UTC")
        with pytest.raises(IntegrityError), session.begin_nested():
            session.add(twin)
            session.flush()
