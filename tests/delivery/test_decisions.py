"""The pure decisions: when to try again, what an answer means, which moves there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.core.errors import ProviderError, Retry
from newsletter.delivery import outcomes, retries
from newsletter.delivery.retries import Deadline
from newsletter.delivery.states import MOVES, OPEN, State, sources_of

NOW = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=12)
UNTIL = Deadline(LATER, LATER + timedelta(hours=12))


def minutes(attempt: int, answer: str, delivery_id: int = 7) -> float:
    """The pause after this try."""
    at = retries.again(
        attempt=attempt, delivery_id=delivery_id, answer=answer, now=NOW, deadline=UNTIL
    )
    assert at is not None
    return (at - NOW).total_seconds() / 60


@given(st.integers(1, 10**9), st.integers(1, 50))
def test_greylisting_is_answered_after_5_15_and_60_minutes_and_not_all_at_once(
    delivery_id: int, attempt: int
) -> None:
    least = (5, 15, 60)[min(attempt, 3) - 1]
    pause = minutes(attempt, "451 4.7.1 Greylisted, come back", delivery_id)
    assert least <= pause <= least * 1.25
    assert pause == minutes(attempt, "451 4.7.1 Greylisted, come back", delivery_id)


def test_a_thousand_put_off_together_come_back_spread_out() -> None:
    pauses = {round(minutes(3, "451 4.3.0 busy", n), 1) for n in range(1000)}
    assert len(pauses) > 60


def test_it_ends_after_the_deadline_but_never_before_the_fourth_try() -> None:
    def again(attempt: int, now: datetime) -> datetime | None:
        return retries.again(
            attempt=attempt, delivery_id=1, answer="450 4.2.1 busy", now=now, deadline=UNTIL
        )

    assert again(40, LATER - timedelta(seconds=1)) is not None
    assert again(3, LATER) is not None
    assert again(4, LATER) is None
    assert again(1, UNTIL.last_at) is None, "stale news is not tried again, however few its tries"


@pytest.mark.parametrize(
    ("answer", "hard"),
    [
        ("550 5.1.1 no such user", True),
        ("553 5.1.10 null MX", True),
        ("550 5.2.1 disabled", True),
        ("552 5.2.2 mailbox full", False),
        ("550 5.7.1 blocked", False),
        ("550 5.1.15 nothing known", False),
        ("550 said 5.1.1 elsewhere", False),
        ("451 4.1.1 odd", False),
        ("550 no such user", False),
    ],
)
def test_only_a_mailbox_that_does_not_exist_bars_the_address(answer: str, hard: bool) -> None:
    error = ProviderError("no", retry=Retry.NEVER, answer=answer, recipient=True)
    found = outcomes.judged(error, delivery_id=1, attempt=1, now=NOW, deadline=UNTIL)
    assert (found.state, found.hard_bounce) == (State.REFUSED, hard)
    assert outcomes.counts_against_server(error) is not hard


def test_no_failure_of_all_leads_from_doubt_to_a_second_message() -> None:
    for halts in (False, True):
        error = ProviderError("?", retry=Retry.UNKNOWN, halts=halts)
        found = outcomes.judged(error, delivery_id=1, attempt=1, now=NOW, deadline=UNTIL)
        assert found.state is State.UNKNOWN


def test_an_answer_never_carries_an_address() -> None:
    error = ProviderError("no", retry=Retry.NEVER, answer="550 <aye@example.org> gone")
    found = outcomes.judged(error, delivery_id=1, attempt=1, now=NOW, deadline=UNTIL)
    assert found.answer == "550 <[address]> gone"


def test_every_open_delivery_has_a_way_out_and_what_was_sent_has_none_back() -> None:
    for state in OPEN:
        assert MOVES[state] - OPEN
    reachable = {State.SUBMITTED}
    while True:
        further = reachable | {to for state in reachable for to in MOVES[state]}
        if further == reachable:
            break
        reachable = further
    assert not reachable & (OPEN | {State.UNKNOWN, State.SKIPPED, State.REFUSED})
    assert sources_of(State.UNKNOWN) == {State.SUBMITTING}
