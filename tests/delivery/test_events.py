"""What comes back: each thing once, in any order, late, forged or in a burst."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.delivery import applying, events, message_ids
from newsletter.delivery.hearing import Said, fate
from newsletter.delivery.models import Delivery
from newsletter.delivery.models import Event as Row
from newsletter.delivery.policy import Verdict
from newsletter.delivery.states import State
from newsletter.providers.events import Event, Kind
from subscribers import journal
from tests.delivery import newsroom
from tests.delivery.returns import (
    T0,
    barred,
    delivery,
    hear,
    next_issue,
    outcomes,
    put,
    said,
    subscription,
    taken,
    tell,
)


@pytest.mark.parametrize(
    ("told", "state", "why"),
    [
        ((Kind.DELIVERED, ""), ("delivered", None), []),
        ((Kind.BOUNCED, "5.1.1"), ("bounced", "hard_bounce"), ["hard_bounce"]),
        ((Kind.BOUNCED, "5.2.2"), ("bounced", "soft_bounce"), []),
        ((Kind.BOUNCED, "5.7.1"), ("bounced", "ours"), []),
        ((Kind.BOUNCED, "5.6.7"), ("bounced", "eai"), []),
        ((Kind.DEFERRED, "4.2.1"), ("submitted", None), []),
        ((Kind.OTHER, ""), ("submitted", None), []),
        ((Kind.COMPLAINED, ""), ("complained", None), ["complaint"]),
    ],
)
def test_an_event_moves_its_delivery_and_bars_only_whom_it_must(
    any_services: Services,
    told: tuple[Kind, str],
    state: tuple[str, str | None],
    why: list[str],
) -> None:
    first, other = taken(any_services, newsroom.publish(any_services, 2))
    assert tell(any_services, said(any_services, first, *told)) == 1
    assert delivery(any_services, first) == state
    assert delivery(any_services, other) == ("submitted", None)
    assert barred(any_services) == why


def test_the_same_event_is_kept_once_however_often_it_is_told(any_services: Services) -> None:
    first, _ = taken(any_services, newsroom.publish(any_services, 2))
    one = said(any_services, first, Kind.COMPLAINED, key="abc")
    assert hear(any_services, one, one) == 1
    assert hear(any_services, one) == 0
    assert hear(any_services, one, source="mailbox") == 1  # another one's key may be the same
    assert applying.apply_waiting(any_services, T0) == 2
    assert hear(any_services, one) == 0
    assert applying.apply_waiting(any_services, T0) == 0
    assert subscription(any_services, first) == ("ended", "complaint", 1)


def test_a_complaint_ends_the_subscription_and_is_in_the_journal(services: Services) -> None:
    first, other = taken(services, newsroom.publish(services, 2))
    tell(services, said(services, first, Kind.COMPLAINED))
    assert subscription(services, first) == ("ended", "complaint", 1)
    assert subscription(services, other)[0] == "active"
    assert [gone.how for gone in journal.read(services.settings.home)] == ["complaint"]
    with reading(services.engine) as session:  # no mail follows
        assert session.scalar(select(func.count()).select_from(Delivery)) == 2


def test_who_leaves_at_the_provider_is_off_the_list_and_not_barred(services: Services) -> None:
    first, other = taken(services, newsroom.publish(services, 2))
    tell(services, said(services, first, Kind.UNSUBSCRIBED))
    assert subscription(services, first) == ("ended", "provider", 1)
    tell(services, said(services, other, Kind.UNSUBSCRIBED), source="mailbox")
    assert subscription(services, other) == ("ended", "mail", 1)
    assert barred(services) == []
    assert delivery(services, first) == ("submitted", None)


_STORIES = {
    "bounced after it was delivered": (
        [("delivered", "", 1), ("bounced", "5.1.1", 9)],
        ("bounced", "hard_bounce", "active", "hard_bounce"),
    ),
    "delivered after a full mailbox": (
        [("bounced", "4.2.2", 1), ("delivered", "", 9)],
        ("delivered", None, "active", None),
    ),
    "full after all": (
        [("delivered", "", 1), ("bounced", "5.2.2", 9)],
        ("bounced", "soft_bounce", "active", None),
    ),
    "a clock that goes wrong": (
        [("bounced", "5.1.1", 1), ("delivered", "", 9)],
        ("bounced", "hard_bounce", "active", "hard_bounce"),
    ),
    "complained": (
        [("delivered", "", 1), ("complained", "", 5), ("bounced", "5.2.2", 9)],
        ("complained", None, "ended", "complaint"),
    ),
    "gone and complained": (
        [("bounced", "5.1.1", 1), ("complained", "", 1)],
        ("complained", None, "ended", "complaint"),
    ),
    "at one instant": (
        [("bounced", "5.2.2", 3), ("bounced", "5.7.1", 3), ("delivered", "", 3)],
        ("bounced", "soft_bounce", "active", None),
    ),
    "everything": (
        [("deferred", "4.4.1", 1), ("bounced", "5.4.4", 2), ("delivered", "", 3),
         ("unsubscribed", "", 4)],
        ("delivered", None, "ended", None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("story", _STORIES)
def test_any_order_and_any_repetition_has_the_same_end(services: Services, story: str) -> None:
    """Each order is told to a reader of its own, in pieces, with everything told again."""
    told, end = _STORIES[story]
    orders = list(permutations(told))
    ids = taken(services, newsroom.publish(services, len(orders)))
    ends = set()
    for number, (delivery_id, order) in enumerate(zip(ids, orders, strict=True)):
        for part, (kind, status, minute) in enumerate([*order, *reversed(order)]):
            at = T0 + timedelta(minutes=minute)
            event = said(services, delivery_id, Kind(kind), status, at=at, key=f"{part % 7}{at}")
            again = said(services, delivery_id, Kind(kind), status, at=at)
            hear(services, event, again, now=T0 + timedelta(hours=1))
            if (part + number) % 2:
                applying.apply_waiting(services, T0 + timedelta(hours=1))
        applying.apply_waiting(services, T0 + timedelta(hours=1))
        held = subscription(services, delivery_id)
        assert held[2] == (held[0] == "ended")
        ends.add((*delivery(services, delivery_id), held[0], _is_barred(services, delivery_id)))
    assert ends == {end}


_SAID = st.builds(
    lambda told, minute: Said(told[0], told[1], T0 + timedelta(minutes=minute)),
    st.sampled_from(
        [
            (Kind.DELIVERED, Verdict.NONE),
            (Kind.BOUNCED, Verdict.SOFT),
            (Kind.BOUNCED, Verdict.OURS),
            (Kind.BOUNCED, Verdict.HARD),
            (Kind.DEFERRED, Verdict.NONE),
            (Kind.COMPLAINED, Verdict.COMPLAINT),
            (Kind.OTHER, Verdict.NONE),
        ]
    ),
    st.integers(0, 2),
)
_BEFORE = (State.UNKNOWN, State.SUBMITTED, State.REFUSED, State.SKIPPED)


@settings(max_examples=1000)
@given(st.lists(_SAID, max_size=4), st.randoms(use_true_random=False), st.sampled_from(_BEFORE))
def test_a_fate_is_that_of_the_sorted_events(
    told: list[Said], chance: Random, state: State
) -> None:
    again = [*told, *chance.sample(told, chance.randint(0, len(told)))]
    chance.shuffle(again)
    in_order = sorted(told, key=lambda one: (one.at, one.kind, one.verdict))
    assert fate(state, again) == fate(state, in_order)
    step: State = state  # and in pieces, as they come
    for number in range(1, len(again) + 1):
        found = fate(step, again[:number])
        step = found.state if found else step
    whole = fate(state, again)
    assert step == (whole.state if whole else state)


def _is_barred(services: Services, delivery_id: int) -> str | None:
    from subscribers import suppression

    with reading(services.engine) as session:
        reader = session.get_one(Delivery, delivery_id).subscriber_id
        held = suppression.barred(session, suppression.index_of(session, reader or 0))
        return held.reason if held else None


@pytest.mark.parametrize(
    ("kind", "status", "state"),
    [
        (Kind.DELIVERED, "", "delivered"),
        (Kind.BOUNCED, "5.1.1", "bounced"),
        (Kind.COMPLAINED, "", "complained"),
        (Kind.DEFERRED, "4.2.0", "submitted"),
        (Kind.OTHER, "", "unknown"),
    ],
)
def test_an_event_settles_a_doubt(services: Services, kind: Kind, status: str, state: str) -> None:
    first, _ = taken(services, newsroom.publish(services, 2))
    put(services, first, state="unknown", owner="somebody:1:ff", submitted_at=None)
    tell(services, said(services, first, kind, status))
    assert delivery(services, first)[0] == state
    with reading(services.engine) as session:
        found = session.get_one(Delivery, first)
        assert (found.submitted_at is None, found.owner is None) == (state == "unknown",
                                                                   state != "unknown")  # fmt: skip


def test_an_event_that_is_quicker_than_our_own_outcome_waits_for_it(any_services: Services) -> None:
    first, other = taken(any_services, newsroom.publish(any_services, 2))
    put(any_services, first, state="planned", submitted_at=None)
    early = said(any_services, first, Kind.DELIVERED)
    assert tell(any_services, early, said(any_services, other, Kind.DELIVERED)) == 1
    assert delivery(any_services, first) == ("planned", None)
    put(any_services, first, state="submitted", submitted_at=T0)
    assert applying.apply_waiting(any_services, T0) == 1
    assert delivery(any_services, first) == ("delivered", None)


def test_what_was_delivered_is_not_sent_again_though_it_is_planned(services: Services) -> None:
    """An earlier try had been taken after all: the reader has it."""
    first, _ = taken(services, newsroom.publish(services, 2))
    put(services, first, state="planned", submitted_at=None, attempts=1)
    assert tell(services, said(services, first, Kind.DELIVERED)) == 0
    assert applying.apply_waiting(services, T0 + timedelta(minutes=16)) == 1
    assert delivery(services, first) == ("delivered", None)


@pytest.mark.parametrize("state", ["refused", "skipped"])
def test_what_never_left_stays_so_but_its_reader_is_heard(services: Services, state: str) -> None:
    first, _ = taken(services, newsroom.publish(services, 2))
    put(services, first, state=state, reason="cancelled", submitted_at=None)
    tell(services, said(services, first, Kind.BOUNCED, "5.1.1"))
    assert delivery(services, first) == (state, "cancelled")
    assert barred(services) == ["hard_bounce"]


def test_an_erased_reader_is_done_with(services: Services) -> None:
    first, _ = taken(services, newsroom.publish(services, 2))
    put(services, first, subscriber_id=None)
    told = [said(services, first, kind, "5.1.1") for kind in Kind]
    assert tell(services, *told) == len(Kind)
    assert delivery(services, first) == ("complained", None)
    assert barred(services) == []


def test_noise_and_forgeries_name_nobody_and_nothing_follows(any_services: Services) -> None:
    """Tokens made up, altered, of another use or of a delivery that is gone; none at all."""
    first, _ = taken(any_services, newsroom.publish(any_services, 2))
    genuine = message_ids.unique(any_services.ring.index, first)
    elsewhere = message_ids.unique(b"another key", first)
    gone = message_ids.unique(any_services.ring.index, 999_999)
    for number, text in enumerate(
        ["", "0" * 32, genuine[:-1] + "0123456789abcdef"[genuine[-1] == "0"], elsewhere, gone]
    ):
        forged = Event(Kind.COMPLAINED, f"k{number}", None, (text,), "r1@example.org")
        assert hear(any_services, forged) == 1
    assert applying.apply_waiting(any_services, T0) == 0
    assert outcomes(any_services) == ["unmatched"] * 5
    assert (barred(any_services), delivery(any_services, first)) == ([], ("submitted", None))
    assert subscription(any_services, first)[0] == "active"


def test_a_provider_that_takes_everything_and_bounces_later(any_services: Services) -> None:
    """The whole way: sent by a worker, finished, and only then does it come back."""
    issue_id = newsroom.publish(any_services, 6)
    newsroom.start(any_services, issue_id)
    newsroom.work_off(any_services)
    assert newsroom.status(any_services, issue_id)[0] == "sent"
    ids = [row.id for row in newsroom.rows(any_services, issue_id)]
    later = now() + timedelta(days=1)
    told = [said(any_services, one, Kind.BOUNCED, "5.1.1", at=later) for one in ids[:2]]
    told += [said(any_services, one, Kind.DELIVERED, at=later) for one in ids[2:]]
    assert tell(any_services, *told, now=later) == 6
    found = newsroom.counts(any_services, issue_id)
    assert (found.balanced, found.submitted, found.audience) == (True, 6, 6)
    assert barred(any_services) == ["hard_bounce", "hard_bounce"]
    assert newsroom.status(any_services, issue_id)[0] == "sent"
    again = next_issue(any_services, issue_id, 1)
    launched = newsroom.start(any_services, again)
    assert (launched.planned, launched.skipped) == (4, 2)


def test_a_return_path_names_its_delivery_too(services: Services) -> None:
    first, _ = taken(services, newsroom.publish(services, 2))
    left = message_ids.unique(services.ring.index, first, message_ids.RETURN_PATH)
    told = Event(Kind.BOUNCED, "1", None, (f"b+{left}@bounce.example",), status="5.1.1")
    assert tell(services, told, source="mailbox") == 1
    assert delivery(services, first) == ("bounced", "hard_bounce")


def test_nothing_of_an_address_is_kept(any_services: Services) -> None:
    newsroom.publish(any_services, 1)
    words = "550 5.1.1 <jsmith@example.org>: mailbox jsmith\x00 unknown\nsee \ud800 /home/jsmith"
    told = Event(Kind.BOUNCED, "1", None, (), "jsmith@example.org", "5.1.1", words)
    whole = b"From: jsmith@example.org \xff\x00"
    odd = Event(Kind.OTHER, "2", None, (), "jsmith@example.org", raw=whole)
    assert hear(any_services, told, odd) == 2
    with reading(any_services.engine) as session:
        bounce, other = session.scalars(select(Row).order_by(Row.kind))
        assert (
            bounce.answer == "550 5.1.1 <[address]>: mailbox [address] unknown see  /home/[address]"
        )
        assert other.raw is not None
        assert b"jsmith" not in other.raw
        assert "jsmith@example.org" in any_services.sealer.open(other.raw)


def test_a_burst_of_fifty_thousand_with_forged_ones_takes_seconds(any_services: Services) -> None:
    ids = taken(any_services, newsroom.publish(any_services, 40))
    burst = [
        said(any_services, ids[n % 40], Kind.DELIVERED, key=f"genuine {n}")
        if n % 10
        else Event(Kind.COMPLAINED, f"forged {n}", T0, (f"<{n:032x}@news.example>",))
        for n in range(50_000)
    ]
    began = time.process_time()  # what other work on the machine takes does not count
    assert sum(hear(any_services, *burst[n : n + 1000]) for n in range(0, 50_000, 1000)) == 50_000
    stored = time.process_time() - began
    assert hear(any_services, *burst[:1000]) == 0
    assert applying.apply_waiting(any_services, T0, limit=5000) == 5000
    assert stored < 30
    assert barred(any_services) == []


def test_what_names_nobody_is_forgotten_after_a_month(services: Services) -> None:
    first, _ = taken(services, newsroom.publish(services, 2))
    odd = Event(Kind.OTHER, "2", None, (), raw=b"?")
    known = said(services, first, Kind.DELIVERED)
    tell(services, odd, known, said(services, 999_999, Kind.DELIVERED))
    with writing(services.engine) as session:
        assert events.forget_old(session, T0 + timedelta(days=29)) == 0
        assert events.forget_old(session, T0 + timedelta(days=31)) == 2
    assert outcomes(services) == ["delivered"]
