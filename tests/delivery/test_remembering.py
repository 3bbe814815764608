"""What fails issue after issue is given up at last, and what arrives in between forgets it."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import select

from newsletter.app import Services
from newsletter.core.addresses import parse
from newsletter.core.db import reading, writing
from newsletter.delivery import applying, remembering
from newsletter.delivery.models import Delivery, SoftBounce
from newsletter.delivery.remembering import Past, conclusion, failed_row
from newsletter.providers.events import Event, Kind
from subscribers import suppression
from tests.delivery import newsroom
from tests.delivery.returns import T0, barred, hear, next_issue, put, said, taken, tell

WEEK = timedelta(weeks=1)


def _weeks(services: Services, states: str) -> list[int]:
    """One reader's deliveries of issues a week apart; b: bounced soft, h: no host, d: delivered,
    s: submitted and not heard of again, o: bounced by our own fault."""
    first = newsroom.publish(services, 1)
    made = []
    for week, letter in enumerate(states):
        issue_id = first if not week else next_issue(services, first, week)
        at = T0 + week * WEEK - timedelta(seconds=20 * week)
        with writing(services.engine) as session:  # whoever is barred is launched all the same
            suppression_of = suppression.barred(
                session, services.sealer.blind_index(parse("r1@example.org").lookup)
            )
        if suppression_of is not None:
            break
        (delivery_id,) = taken(services, issue_id, at)
        made.append(delivery_id)
        told = _told(services, delivery_id, letter, at + timedelta(minutes=5))
        tell(services, *told, now=at + timedelta(hours=1))
    return made


def _told(services: Services, delivery_id: int, letter: str, at: datetime) -> list[Event]:
    kinds = {
        "b": (Kind.BOUNCED, "4.2.2"),
        "h": (Kind.BOUNCED, "5.4.4"),
        "d": (Kind.DELIVERED, ""),
        "o": (Kind.BOUNCED, "5.7.1"),
    }
    return [said(services, delivery_id, *kinds[letter], at=at)] if letter in kinds else []


@pytest.mark.parametrize(
    ("weeks", "given_up"),
    [
        ("bb", False),
        ("bbb", True),
        ("bdbb", False),
        ("bsbb", False),
        ("bobb", True),
        ("bbdbbb", True),
        ("h", False),
        ("hh", True),
        ("hdh", False),
        ("hbh", True),
        ("bhb", True),
    ],
)
def test_three_issues_in_a_row_over_two_weeks(
    services: Services, weeks: str, given_up: bool
) -> None:
    made = _weeks(services, weeks)
    assert len(made) == len(weeks)
    assert barred(services) == (["undeliverable"] if given_up else [])


def test_a_daily_newsletter_is_given_more_than_three_days() -> None:
    def past(day: int) -> Past:
        return Past(day, T0 + timedelta(days=day), "bounced", "soft_bounce", None, T0)

    now = T0 + timedelta(days=40)
    assert conclusion(failed_row([past(3), past(2), past(1)], now), 3, 14) is None
    row = failed_row([past(15), past(8), past(1)], now)
    assert conclusion(row, 3, 14) == "soft"
    assert conclusion(row, 4, 14) is None
    assert conclusion(None, 3, 14) is None


def test_a_mailbox_that_the_server_refused_as_full_counts_too(services: Services) -> None:
    first = newsroom.publish(services, 1)
    (early,) = taken(services, first, T0)
    put(services, early, state="refused", reason="recipient", answer="552 5.2.2 mailbox full")
    for week in (1, 2):
        at = T0 + week * WEEK
        (delivery_id,) = taken(services, next_issue(services, first, week), at)
        tell(services, said(services, delivery_id, Kind.BOUNCED, "5.2.2", at=at), now=at)
    assert barred(services) == ["undeliverable"]


def test_the_memory_has_the_same_end_in_any_order(services: Services) -> None:
    """Three soft bounces and a late "delivered" of the second: nobody is given up in the end."""
    first = newsroom.publish(services, 1)
    deliveries = [
        taken(services, first if not week else next_issue(services, first, week), T0 + week * WEEK)[
            0
        ]
        for week in range(3)
    ]
    end = T0 + 3 * WEEK
    told = [
        *(said(services, one, Kind.BOUNCED, "4.2.2", at=T0 + n * WEEK)
          for n, one in enumerate(deliveries)),
        said(services, deliveries[1], Kind.DELIVERED, at=T0 + WEEK + timedelta(days=1)),
    ]  # fmt: skip
    ends = set()
    for number, order in enumerate(permutations(told)):
        for one in order:
            again = Event(
                one.kind, f"{one.key}/{number}", one.at, one.references, status=one.status
            )
            hear(services, again, now=end)
            applying.apply_waiting(services, end)
        with reading(services.engine) as session:
            kept = session.scalars(select(SoftBounce)).one()
            ends.add((tuple(barred(services)), kept.issues, kept.first_at, kept.last_at))
            states = session.execute(
                select(Delivery.state, Delivery.reason).order_by(Delivery.id)
            ).all()
        assert [tuple(row) for row in states] == [
            ("bounced", "soft_bounce"), ("delivered", None), ("bounced", "soft_bounce"),
        ]  # fmt: skip
    assert ends == {((), 1, T0 + 2 * WEEK, T0 + 2 * WEEK)}


def test_a_late_proof_that_it_arrived_takes_the_bar_back(any_services: Services) -> None:
    made = _weeks(any_services, "bbb")
    assert barred(any_services) == ["undeliverable"]
    late = said(any_services, made[2], Kind.DELIVERED, at=T0 + 2 * WEEK + timedelta(days=1))
    tell(any_services, late, now=T0 + 3 * WEEK)
    assert barred(any_services) == []
    with reading(any_services.engine) as session:
        assert session.scalars(select(SoftBounce)).all() == []


def test_a_mailbox_that_is_gone_stays_so_whatever_came_before(services: Services) -> None:
    made = _weeks(services, "bbb")
    tell(services, said(services, made[0], Kind.BOUNCED, "5.1.1"), now=T0 + 3 * WEEK)
    assert barred(services) == ["hard_bounce"]
    late = said(services, made[2], Kind.DELIVERED, at=T0 + 2 * WEEK + timedelta(days=1))
    tell(services, late, now=T0 + 3 * WEEK)
    assert barred(services) == ["hard_bounce"]


def test_whom_an_editor_released_begins_anew(services: Services) -> None:
    made = _weeks(services, "bbb")
    index = services.sealer.blind_index(parse("r1@example.org").lookup)
    with writing(services.engine) as session:
        suppression.release(
            session, index, why="it works", asked=False, now=T0 + 2 * WEEK + timedelta(days=1)
        )
    end = T0 + 3 * WEEK
    told = [said(services, one, Kind.BOUNCED, "5.1.1", key=f"late {one}") for one in made]
    tell(services, *told, now=end)
    assert barred(services) == []
    (fresh,) = taken(services, next_issue(services, 1, 4), end)
    tell(services, said(services, fresh, Kind.BOUNCED, "4.2.2", at=end), now=end)
    assert barred(services) == []
    tell(services, said(services, fresh, Kind.BOUNCED, "5.1.1", at=end), now=end)
    assert barred(services) == ["hard_bounce"]


def test_what_did_not_come_back_for_five_days_has_arrived(any_services: Services) -> None:
    _weeks(any_services, "bbs")
    settings = any_services.settings.bounces
    with writing(any_services.engine) as session:
        at = T0 + 2 * WEEK + timedelta(days=4)
        assert remembering.clear_old(session, settings, at) == 0
        assert remembering.clear_old(session, settings, at + timedelta(days=2)) == 1
        assert session.scalars(select(SoftBounce)).all() == []
        assert remembering.clear_old(session, settings, at + timedelta(days=2)) == 0
