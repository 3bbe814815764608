"""The week's rhythm is kept in wall time, through clock changes, and decides without surprises."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.core.clock import week_of
from newsletter.core.errors import InputError
from newsletter.editorial.states import Status
from newsletter.schedule.cycle import SlotRule, decide, next_slots, span, weekly_due

ZONES = [
    "UTC",
    "Asia/Yangon",
    "America/New_York",
    "Europe/Berlin",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Australia/Lord_Howe",
    "Africa/Cairo",
]
rules = st.builds(
    SlotRule,
    weekday=st.integers(1, 7),
    time=st.times().map(lambda t: t.strftime("%H:%M")),
    zone=st.sampled_from(ZONES),
)
weeks = st.dates(date(2020, 1, 6), date(2037, 12, 20)).map(week_of)
moments = st.datetimes(datetime(2020, 1, 6), datetime(2037, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(rules, weeks)
def test_slot_lies_in_its_week_on_its_weekday_in_its_zone(rule: SlotRule, week: str) -> None:
    wall = weekly_due(rule, week).astimezone(ZoneInfo(rule.zone))
    assert week_of(wall.date()) == week
    assert wall.isoweekday() == rule.weekday


@given(rules, moments)
def test_next_slots_follow_and_leave_no_week_out(rule: SlotRule, after: datetime) -> None:
    found = next_slots(rule, after, 4)
    dues = [due for _, due in found]
    assert after < dues[0] <= after + timedelta(days=7, hours=1)
    for one, other in pairwise(dues):
        assert timedelta(days=6, hours=22) < other - one < timedelta(days=7, hours=2)
    for week, due in found:
        assert weekly_due(rule, week) == due
    assert next_slots(rule, dues[0], 1)[0] == found[1]


def test_yangon_keeps_its_half_hour() -> None:
    assert weekly_due(SlotRule(1, "09:00", "Asia/Yangon"), "2026-W48") == datetime(
        2026, 11, 23, 2, 30, tzinfo=UTC
    )
    assert weekly_due(SlotRule(1, "03:00", "Asia/Yangon"), "2026-W48") == datetime(
        2026, 11, 22, 20, 30, tzinfo=UTC
    )


def test_hour_that_comes_twice_in_autumn_is_one_slot_at_its_first() -> None:
    rule = SlotRule(7, "01:30", "America/New_York")
    first = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    assert weekly_due(rule, "2026-W44") == first
    second = first + timedelta(hours=1)
    assert second.astimezone(ZoneInfo(rule.zone)).strftime("%H:%M") == "01:30"
    assert next_slots(rule, first, 1) == [("2026-W45", datetime(2026, 11, 8, 6, 30, tzinfo=UTC))]


def test_hour_that_spring_skips_is_moved_on_and_the_next_week_is_itself_again() -> None:
    rule = SlotRule(7, "02:30", "America/New_York")
    walls = [
        due.astimezone(ZoneInfo(rule.zone)).strftime("%m-%d %H:%M")
        for _, due in next_slots(rule, datetime(2026, 3, 1, 12, tzinfo=UTC), 2)
    ]
    assert walls == ["03-08 03:30", "03-15 02:30"]


def test_a_year_of_53_weeks_is_walked_through() -> None:
    rule = SlotRule(1, "09:00", "Asia/Yangon")
    found = next_slots(rule, datetime(2026, 12, 22, tzinfo=UTC), 2)
    assert [week for week, _ in found] == ["2026-W53", "2027-W01"]


def test_unknown_zone_is_refused() -> None:
    with pytest.raises(InputError, match="IANA"):
        weekly_due(SlotRule(1, "09:00", "Asia/Naypyidaw"), "2026-W48")


DUE = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "problems", "minutes", "kind", "says"),
    [
        (Status.APPROVED, [], -1, "wait", "has not come"),
        (Status.APPROVED, [], 0, "send", "on time"),
        (Status.SCHEDULED, [], 45, "send", "45 minutes late"),
        (Status.SCHEDULED, [], 60, "send", "60 minutes late"),
        (Status.SCHEDULED, [], 61, "hold", "missed by 61 minutes, more than the 60 minutes"),
        (Status.SCHEDULED, ["editorial my: none"], 0, "hold", "editorial my: none"),
        (Status.DRAFT, [], 0, "hold", "not approved in time"),
        (Status.IN_REVIEW, ["x"], 0, "hold", "not approved in time; x"),
        (Status.SENDING, [], 0, "nothing", "already sending"),
        (Status.PAUSED, [], 0, "nothing", "already paused"),
        (Status.SENT, [], 9999, "nothing", "already sent"),
        (Status.CANCELLED, [], 0, "nothing", "already cancelled"),
    ],
)
def test_decision(status: Status, problems: list[str], minutes: int, kind: str, says: str) -> None:
    found = decide(status, problems, DUE, DUE + timedelta(minutes=minutes), 60)
    assert (found.kind, says in found.reason) == (kind, True), found


@given(
    st.sampled_from(Status),
    st.lists(st.text(min_size=1), max_size=2),
    st.integers(-10000, 10000),
    st.integers(1, 5000),
)
def test_only_an_approved_issue_without_problems_is_ever_sent(
    status: Status, problems: list[str], minutes: int, stale: int
) -> None:
    found = decide(status, problems, DUE, DUE + timedelta(minutes=minutes), stale)
    ready = status in (Status.APPROVED, Status.SCHEDULED) and not problems
    assert (found.kind == "send") == (ready and 0 <= minutes <= stale)
    assert found.reason


def test_lengths_are_told_in_the_unit_that_says_enough() -> None:
    told = [span(timedelta(minutes=m)) for m in (0, 1, 119, 120, 1440, 2879, 2880)]
    assert told == [
        "0 minutes",
        "1 minute",
        "119 minutes",
        "2 hours",
        "24 hours",
        "47 hours",
        "2 days",
    ]
