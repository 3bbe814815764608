"""What came back against the limits of Gmail and Yahoo: when an issue pauses, and when not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter.app import Services
from newsletter.core.bounce_settings import Bounces
from newsletter.core.db import reading, writing
from newsletter.core.settings import Settings
from newsletter.delivery import pausing, rates
from newsletter.delivery.models import Notice
from newsletter.delivery.rates import Returned, passed
from newsletter.editorial.models import Issue
from newsletter.providers.events import Kind
from tests.delivery import newsroom
from tests.delivery.returns import T0, barred, put, said, taken, tell


@pytest.fixture
def limits(services: Services) -> Bounces:
    """The shipped ones."""
    settings: Settings = services.settings
    return settings.bounces


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        (Returned(taken=50, complaints=1), []),  # 2 %, but one in fifty
        (Returned(taken=50, complaints=2), []),
        (Returned(taken=900, complaints=3), ["complaints"]),
        (Returned(taken=1100, complaints=3), []),
        (Returned(taken=100_000, complaints=299), []),
        (Returned(taken=100_000, complaints=300), ["complaints"]),
        (Returned(taken=1000, complaints=3, gone=10), ["complaints"]),  # of what arrived: 0.303 %
        (Returned(taken=20, gone=9), []),
        (Returned(taken=200, gone=10), ["bounces"]),
        (Returned(taken=201, gone=10), []),
        (Returned(taken=1000, soft=400), []),
        (Returned(taken=1000, ours=1), ["refused"]),
        (Returned(taken=1000, ours=19), ["refused"]),
        (Returned(taken=1000, ours=20), ["refused_often"]),
        (Returned(taken=0), []),
    ],
)
def test_a_limit_holds_from_a_number_on(limits: Bounces, found: Returned, kinds: list[str]) -> None:
    said_of = passed(found, limits, "issue 3")
    assert [one.kind for one in said_of] == kinds
    assert all("issue 3" in one.sentence for one in said_of)
    assert [one.pauses for one in said_of] == [kind != "refused" for kind in kinds]


def test_an_issue_pauses_at_complaints_and_goes_on_once_it_is_resumed(
    any_services: Services,
) -> None:
    issue_id = newsroom.publish(any_services, 40)
    ids = taken(any_services, issue_id)
    tell(any_services, *(said(any_services, one, Kind.COMPLAINED) for one in ids[:2]))
    rates.look(any_services, T0)
    assert newsroom.status(any_services, issue_id)[0] == "sending"
    tell(any_services, said(any_services, ids[2], Kind.COMPLAINED))
    rates.look(any_services, T0)
    status, reason = newsroom.status(any_services, issue_id)
    assert (status, reason and reason[:36]) == ("paused", "3 readers of issue 1 reported it as ")
    (notice,) = _notices(any_services)
    assert "newsletter resume 1" in notice.text
    with writing(any_services.engine) as session:
        pausing.resume(session, session.get_one(Issue, issue_id), T0)
    tell(any_services, said(any_services, ids[3], Kind.COMPLAINED))
    rates.look(any_services, T0 + timedelta(hours=3))
    assert newsroom.status(any_services, issue_id)[0] == "sending"
    assert len(_notices(any_services)) == 1


def test_a_provider_that_takes_all_and_bounces_later_stops_the_issue(services: Services) -> None:
    """Whoever is gone is barred; whoever our own fault kept from it is not."""
    issue_id = newsroom.publish(services, 40)
    ids = taken(services, issue_id)
    gone = [said(services, one, Kind.BOUNCED, "5.1.1", at=T0) for one in ids[:12]]
    ours = [said(services, one, Kind.BOUNCED, "5.7.26") for one in ids[12:15]]
    tell(services, *gone, *ours, source="mailbox", now=T0 + timedelta(hours=1))
    rates.look(services, T0 + timedelta(hours=1))
    assert newsroom.status(services, issue_id)[0] == "paused"
    assert barred(services) == ["hard_bounce"] * 12
    assert sorted(notice.kind for notice in _notices(services)) == ["bounces", "refused"]
    with reading(services.engine) as session:
        found = rates.of_issue(session, issue_id)
        assert (found.taken, found.gone, found.ours) == (40, 12, 3)
        assert rates.of_publication(session, 1, T0) == found


def test_our_own_fault_pauses_when_it_is_often_and_says_what_was_said(services: Services) -> None:
    issue_id = newsroom.publish(services, 40)
    ids = taken(services, issue_id)
    told = [
        said(services, one, Kind.BOUNCED, "5.7.515", answer=f"550 5.7.515 r{one}@x.org no DKIM")
        for one in ids[:10]
    ]  # fmt: skip
    tell(services, *told)
    rates.look(services, T0)
    status, reason = newsroom.status(services, issue_id)
    assert status == "paused"
    assert reason
    assert "550 5.7.515 [address] no DKIM" in reason
    assert barred(services) == []


def test_an_issue_that_has_ended_is_told_of_and_stays_ended(services: Services) -> None:
    issue_id = newsroom.publish(services, 10)
    ids = taken(services, issue_id)
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        issue.status, issue.sent_at = "sent", T0
    tell(services, *(said(services, one, Kind.COMPLAINED) for one in ids[:4]))
    rates.look(services, T0 + timedelta(days=6))
    assert _notices(services) == []
    rates.look(services, T0 + timedelta(days=4))
    assert newsroom.status(services, issue_id)[0] == "sent"
    (notice,) = _notices(services)
    assert "paused" not in notice.text


def test_refused_and_unknown_ones_are_not_counted_as_taken(services: Services) -> None:
    issue_id = newsroom.publish(services, 4)
    ids = taken(services, issue_id)
    put(services, ids[0], state="refused")
    put(services, ids[1], state="unknown")
    with reading(services.engine) as session:
        assert rates.of_issue(session, issue_id).taken == 2


def _notices(services: Services) -> list[Notice]:
    with reading(services.engine) as session:
        found = list(session.scalars(select(Notice).order_by(Notice.id)))
        session.expunge_all()
        return found
