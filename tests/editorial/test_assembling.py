"""Assembling takes each resource once, orders the week, and never undoes an editor's hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import event, insert

from newsletter.app import Services
from newsletter.core.db import writing
from newsletter.core.errors import InputError, NotAllowedNow
from newsletter.editorial import inbox, issues, publications
from newsletter.editorial.assembling import assemble
from newsletter.editorial.models import Issue, Resource
from newsletter.editorial.ordering import in_order
from tests.editorial.making import NOW, WEEK, a_publication, a_resource, an_approved_issue, write

LATER = NOW + timedelta(hours=1)


def _titles(issue: Issue) -> list[str]:
    return [r.titles["en"] for r in in_order(issue.resources)]


def test_draft_of_the_week_in_category_order_newest_first(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        publication = a_publication(session)
        for title, category, day in (
            ("Loose", None, 20),
            ("Report of Monday", "reports", 16),
            ("Report of Friday", "reports", 20),
            ("Left over from October", "reports", 1),
            ("Statement", "statements", 17),
            ("On the day of the slot", "news", 23),
            ("On the Sunday that ends the week", "news", 29),
            ("A day too late", "news", 30),
        ):
            a_resource(session, publication, title, category=category, day=date(2026, 11, day))
        made = assemble(session, publication, week=WEEK, now=NOW)
        assert (made.issue.number, made.issue.week, made.issue.status) == (1, WEEK, "draft")
        assert made.issue.date == date(2026, 11, 23)
        assert _titles(made.issue) == [
            "Statement",
            "Report of Friday",
            "Report of Monday",
            "Left over from October",
            "On the Sunday that ends the week",
            "On the day of the slot",
            "Loose",
        ]
        assert len(made.taken) == 7
        waiting = inbox.listing(session, publication)
        assert [r.titles["en"] for r in waiting] == ["A day too late"]
        following = assemble(session, publication, week="2026-W49", now=NOW)
        assert _titles(following.issue) == ["A day too late"]


@pytest.mark.parametrize("weekday", ["1", "4", "7"])
def test_the_whole_week_is_taken_whatever_the_day_of_the_slot(
    services: Services, weekday: str
) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        publications.set_value(session, publication, "slot.weekday", weekday)
        for day in (22, 23, 26, 29, 30):
            a_resource(session, publication, f"Of the {day}th", day=date(2026, 11, day))
        made = assemble(session, publication, week=WEEK, now=NOW)
        assert [r.published_on.day for r in made.taken] == [29, 26, 23, 22]


def test_again_changes_nothing_and_keeps_an_approval(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        publication = a_publication(session)
        a_resource(session, publication, "One")
        issue = assemble(session, publication, week=WEEK, now=NOW).issue
        write(session, issue)
        issues.approve(session, issue, [], now=NOW)
        frozen = issue.content_hash
        again = assemble(session, publication, week=WEEK, now=LATER)
        assert (again.issue, again.taken, again.reopened) == (issue, [], False)
        assert (issue.status, issue.content_hash, issue.changed_at) == ("approved", frozen, NOW)


def test_the_editors_hand_outlives_assembling_again(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        publication = a_publication(session)
        reports = publications.category(publication, "reports")
        rows = {
            title: a_resource(session, publication, title, day=date(2026, 11, day))
            for title, day in (("A", 19), ("B", 18), ("C", 17), ("Away", 16), ("No", 15))
        }
        moved = a_resource(session, publication, "From news", category="news")
        issue = assemble(session, publication, week=WEEK, now=NOW).issue
        write(session, issue)
        inbox.move(session, rows["C"], position=1, now=NOW)
        inbox.move(session, moved, category=reports, now=NOW)
        inbox.edit(session, rows["B"], titles={"en": "B corrected"}, now=NOW)
        inbox.drop(session, rows["No"], NOW)
        inbox.move(session, rows["Away"], issue=None, now=NOW)
        assert _titles(issue) == ["C", "A", "B corrected", "From news"]
        a_resource(session, publication, "Newer than all", day=date(2026, 11, 22))
        again = assemble(session, publication, week=WEEK, now=LATER)
        assert [r.titles["en"] for r in again.taken] == ["Newer than all"]
        assert _titles(issue)[0] == "C"
        assert _titles(issue) == ["C", "Newer than all", "B corrected", "From news", "A"]
        assert moved.category is reports
        assert issue.editorials[0].title == "Rivers and roads"
        later = assemble(session, publication, week="2026-W49", now=LATER)
        assert _titles(later.issue) == ["Away"]


def test_new_resources_reopen_an_approved_issue_and_say_so(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        a_resource(session, publication, "Came later")
        again = assemble(session, publication, week=WEEK, now=LATER)
        assert again.reopened
        assert again.missing[0].startswith("it was approved")
        assert (issue.status, issue.content_hash) == ("draft", None)


@pytest.mark.parametrize("status", ["sending", "paused", "sent"])
def test_issue_that_went_out_takes_nothing_more(services: Services, status: str) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        an_approved_issue(session, publication).status = status
        session.flush()
        waiting = a_resource(session, publication, "Came later")
        with pytest.raises(NotAllowedNow, match=f"{status} and takes nothing more"):
            assemble(session, publication, week=WEEK, now=LATER)
        assert waiting.issue_id is None


def test_what_is_missing_is_said(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        a_resource(session, publication, "Water in the delta", day=date(2026, 11, 17))
        twin = a_resource(session, publication, "Water in the Delta", category="statements")
        bare = a_resource(session, publication, "No link", category=None)
        inbox.edit(session, bare, urls={}, now=NOW)
        loose = issues.create(session, publication, day=date(2026, 11, 20), now=NOW)
        write(session, loose, "en")
        made = assemble(session, publication, week=WEEK, now=NOW)
        assert made.issue is loose
        said = "\n".join(made.missing)
        assert "no editorial in 'my'" in said
        assert "editorial en" not in said
        assert f"resource {bare.id}: “No link” has no link" in said
        assert f"resource {bare.id}: “No link” stands under no category" in said
        assert f"is nearly the same as resource {twin.id}" in said
        assert {r.near_duplicate_of for r in loose.resources} == {None, twin.id}


def test_a_cancelled_week_is_assembled_anew(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        a_resource(session, publication, "One")
        first = assemble(session, publication, week=WEEK, now=NOW).issue
        issues.cancel(first, NOW)
        second = assemble(session, publication, week=WEEK, now=NOW).issue
        assert second.number == 2
        assert _titles(second) == ["One"]


def test_what_is_no_week_is_refused(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        for text in ("next", "2026-47", "2026-W60"):
            with pytest.raises(InputError, match="write it as 2026-W47"):
                assemble(session, publication, week=text, now=NOW)


def test_old_resources_on_file_are_not_read(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        past = issues.create(session, publication, day=date(2025, 1, 6), now=NOW)
        row = {
            "publication_id": publication.id,
            "issue_id": past.id,
            "position": 0,
            "byline": "B",
            "titles": {"en": "T"},
            "urls": {},
            "published_on": date(2025, 1, 1),
            "lines": [],
            "added_at": NOW,
        }
        session.execute(insert(Resource), [row] * 3000)
        for title in "ABC":
            a_resource(session, publication, title)
    loaded = 0

    def count(*_: object) -> None:
        nonlocal loaded
        loaded += 1

    event.listen(Resource, "load", count)
    try:
        with writing(services.engine) as session:
            assemble(session, publications.get(session, None), week=WEEK, now=NOW)
    finally:
        event.remove(Resource, "load", count)
    assert loaded == 3
