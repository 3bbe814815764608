"""Launching: who is owed a message is decided once, for everybody, and adds up."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import writing
from newsletter.core.errors import NotAllowedNow
from newsletter.delivery import chunks
from newsletter.editorial.models import Issue
from subscribers import leaving, suppression
from subscribers.models import Subscriber, Subscription
from tests.delivery import newsroom


def test_the_audience_is_decided_once_with_a_reason_for_everybody(any_services: Services) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 9)
    with writing(services.engine) as session:
        publication_id = session.get_one(Issue, issue_id).publication_id
        people = session.scalars(select(Subscriber).order_by(Subscriber.id)).all()
        leaving.leave(
            session,
            public_id=people[0].public_id,
            publication_id=publication_id,
            how="page",
            wording="left",
            now=now(),
        )
        suppression.suppress(session, people[1].address_index, "complaint", now())
        session.execute(
            Subscription.__table__.update()  # type: ignore[attr-defined]
            .where(Subscription.subscriber_id == people[2].id)
            .values(state="pending")
        )
    launched = newsroom.start(services, issue_id)
    assert (launched.planned, launched.skipped) == (6, 2)
    with writing(services.engine) as session:
        newsroom.enrol(services, session, publication_id, ["late"])
    assert newsroom.start(services, issue_id) == launched
    found = newsroom.counts(services, issue_id)
    assert found.as_json() == {
        "issue": 1,
        "audience": 8,
        "total": 8,
        "planned": 6,
        "claimed": 0,
        "submitting": 0,
        "submitted": 0,
        "delivered": 0,
        "bounced": 0,
        "complained": 0,
        "refused": 0,
        "skipped": {"pending": 1, "suppressed": 1},
        "unknown": 0,
        "by_edition": {"en": 2, "en+my": 3, "my": 3},
        "balanced": True,
    }
    assert newsroom.status(services, issue_id)[0] == "sending"


def test_a_row_too_few_is_noticed(services: Services) -> None:
    issue_id = newsroom.publish(services, 3)
    newsroom.start(services, issue_id)
    with writing(services.engine) as session:
        lost = newsroom.rows(services, issue_id)[1]
        chunks.touch(session, [lost.id])
        session.delete(session.merge(lost))
    assert not newsroom.counts(services, issue_id).balanced
    newsroom.work_off(services)
    status, reason = newsroom.status(services, issue_id)
    assert status == "paused"
    assert reason is not None
    assert "3 people were chosen and 2 stand in it" in reason


def test_readers_of_an_edition_that_is_not_there_are_not_left_out_in_silence(
    services: Services,
) -> None:
    issue_id = newsroom.publish(services, 3)
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        issue.editorials = [e for e in issue.editorials if e.language == "en"]
    with pytest.raises(NotAllowedNow, match="no text in 'my'"):
        newsroom.start(services, issue_id)
    assert newsroom.counts(services, issue_id).total == 0
    with writing(services.engine) as session:
        session.get_one(Issue, issue_id).publication.fallback_language = "en"
    assert newsroom.start(services, issue_id).planned == 3


def test_a_draft_is_not_launched(services: Services) -> None:
    issue_id = newsroom.publish(services, 1)
    with writing(services.engine) as session:
        session.get_one(Issue, issue_id).status = "draft"
    with pytest.raises(NotAllowedNow, match="it is a draft"):
        newsroom.start(services, issue_id)
