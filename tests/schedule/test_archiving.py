"""An archived publication: nothing fires, nothing is made, everything is still there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from newsletter.app import Services
from newsletter.core.db import writing
from newsletter.core.errors import InputError, NotAllowedNow
from newsletter.delivery.launching import launch
from newsletter.editorial import archiving, publications
from newsletter.editorial.assembling import assemble
from newsletter.editorial.models import Issue, Publication
from newsletter.editorial.states import Status
from newsletter.schedule import slots
from newsletter.schedule.firing import fire_due
from newsletter.schedule.models import Slot
from tests.editorial.making import NOW, WEEK, a_publication, an_approved_issue

DUE = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)


def test_no_slot_fires_and_nothing_is_assembled_until_it_is_taken_up_again(
    any_services: Services,
) -> None:
    with writing(any_services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        slots.schedule(session, publication, issue, at=None, now=NOW)
        assert archiving.archive(session, publication, NOW)
        assert not archiving.archive(session, publication, NOW)
        assert fire_due(session, DUE + timedelta(minutes=1)) == []
        assert slots.pending(session) == []
        assert slots.upcoming(session, publication, NOW) == []
        assert session.scalars(select(Slot.fired_at)).all() == [None]
        for refused in (
            lambda: assemble(session, publication, week=WEEK, now=NOW),
            lambda: slots.schedule(session, publication, issue, at=DUE, now=NOW),
            lambda: launch(session, issue, DUE),
        ):
            with pytest.raises(NotAllowedNow, match="publication unarchive"):
                refused()
        assert archiving.unarchive(session, publication)
        assert not archiving.unarchive(session, publication)
        (fired,) = fire_due(session, DUE + timedelta(minutes=1))
        assert fired.issue_number == issue.number


def test_an_issue_that_is_going_out_is_not_cut_off(services: Services) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        issue.status = Status.PAUSED
        session.flush()
        with pytest.raises(NotAllowedNow, match="is going out"):
            archiving.archive(session, publication, NOW)
        session.get_one(Issue, issue.id).status = Status.SENT
        session.flush()
        assert archiving.archive(session, publication, NOW)


def test_the_one_that_goes_on_is_meant_without_a_name(services: Services) -> None:
    with writing(services.engine) as session:
        first = a_publication(session)
        wanted = publications.default().model_copy(update={"slug": "monthly"})
        second = publications.create(session, wanted, now=NOW)
        with pytest.raises(InputError, match=f"monthly, {first.slug}"):
            publications.get(session, None)
        archiving.archive(session, first, NOW)
        assert publications.get(session, None).id == second.id
        assert publications.get(session, first.slug).id == first.id
        archiving.archive(session, second, NOW)
        with pytest.raises(InputError, match="several"):
            publications.get(session, None)
        session.delete(session.get_one(Publication, second.id))
        session.flush()
        assert publications.get(session, None).id == first.id
