"""Quiet hours: by the wall of the place where readers sleep, over midnight, when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.core.quiet_hours import parse
from newsletter.delivery.quiet import quiet_until

BERLIN = "Europe/Berlin"


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "zone", "now", "until"),
    [
        ("", "UTC", "2026-11-21T03:00", None),
        ("22:00-07:00", "UTC", "2026-11-21T21:59:59", None),
        ("22:00-07:00", "UTC", "2026-11-21T22:00", "2026-11-22T07:00"),
        ("22:00-07:00", "UTC", "2026-11-22T03:00", "2026-11-22T07:00"),
        ("22:00-07:00", "UTC", "2026-11-22T06:59:59.999999", "2026-11-22T07:00"),
        ("22:00-07:00", "UTC", "2026-11-22T07:00", None),
        ("12:00-14:00", "UTC", "2026-11-22T13:00", "2026-11-22T14:00"),
        ("22:00-00:00", "UTC", "2026-11-22T23:00", "2026-11-23T00:00"),
        ("22:00-07:00", "Asia/Yangon", "2026-11-21T15:30", "2026-11-22T00:30"),
        ("22:00-07:00", "Asia/Yangon", "2026-11-22T00:30", None),
        # Spring in Berlin: 02:00 is followed by 03:00 on 2027-03-28, at 01:00 UTC.
        ("22:00-02:30", BERLIN, "2027-03-28T00:30", "2027-03-28T01:00"),
        ("22:00-03:00", BERLIN, "2027-03-28T00:30", "2027-03-28T01:00"),
        ("22:00-04:00", BERLIN, "2027-03-28T00:30", "2027-03-28T02:00"),
        # Autumn: 02:00 to 03:00 comes twice on 2027-10-31, from 00:00 and from 01:00 UTC.
        ("22:00-02:30", BERLIN, "2027-10-30T23:00", "2027-10-31T00:30"),
        ("22:00-02:30", BERLIN, "2027-10-31T00:30", None),
        ("22:00-02:30", BERLIN, "2027-10-31T01:10", "2027-10-31T01:30"),
        ("22:00-03:00", BERLIN, "2027-10-31T00:30", "2027-10-31T02:00"),
        # Samoa went without 2011-12-30.
        ("22:00-07:00", "Pacific/Apia", "2011-12-30T09:00", "2011-12-30T17:00"),
    ],
)
def test_the_quiet_ends_when_the_wall_says_so(
    hours: str, zone: str, now: str, until: str | None
) -> None:
    assert quiet_until(hours, zone, _utc(now)) == (_utc(until) if until else None)


TIMES = st.times().map(lambda one: f"{one:%H:%M}")
ZONES = ["UTC", "Asia/Yangon", BERLIN, "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]


@given(TIMES, TIMES, st.sampled_from(ZONES), st.datetimes(_utc("2010-01-01").replace(tzinfo=None)))
def test_it_is_not_quiet_when_the_quiet_ends(
    begin: str, end: str, zone: str, naive: datetime
) -> None:
    now = naive.replace(tzinfo=UTC, year=2010 + naive.year % 25, day=min(naive.day, 28))
    if begin == end:
        return
    until = quiet_until(f"{begin}-{end}", zone, now)
    if until is None:
        return
    assert now < until <= now + timedelta(hours=25)
    assert quiet_until(f"{begin}-{end}", zone, until) is None


@given(st.integers(0, 60 * 24 * 3), TIMES, TIMES)
def test_every_minute_of_three_days_is_as_its_wall_says(minute: int, begin: str, end: str) -> None:
    now = _utc("2026-11-20T00:00") + timedelta(minutes=minute)
    wall = f"{now:%H:%M}"
    quiet = begin <= wall < end if begin < end else begin != end and not end <= wall < begin
    if begin != end:
        assert (quiet_until(f"{begin}-{end}", "UTC", now) is not None) == quiet


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("22-7", "write quiet hours as 22:00-07:00, or nothing for none, not '22-7'"),
        ("22:00 - 07:00", "write quiet hours as"),
        ("24:00-07:00", "write quiet hours as"),
        ("22:00-07:60", "write quiet hours as"),
        ("22:00-07:00\n", "write quiet hours as"),
        ("၂၂:၀၀-၀၇:၀၀", "write quiet hours as"),
        ("07:00-07:00", "are a whole day or nothing"),
    ],
)
def test_whatever_is_no_time_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse(text)
