"""The time, always aware and in UTC; wall time only together with its IANA zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from newsletter.core.errors import InputError


def now() -> datetime:
    """The present instant in UTC, to the microsecond."""
    return datetime.now(UTC)


def zone(name: str) -> ZoneInfo:
    """The IANA zone of this name, such as Asia/Yangon; InputError when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as err:
        raise InputError(
            "zone", f"'{name}' is not an IANA time zone; write one such as Asia/Yangon or UTC"
        ) from err


def at_wall(day: date, hour: int, minute: int, zone_name: str) -> datetime:
    """The instant of a wall time in a zone, in UTC.

    A time that the clocks skip in spring is moved on by the gap; of a time that comes twice
    in autumn the first is meant (PEP 495, fold=0).
    """
    wall = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone(zone_name))
    return wall.astimezone(UTC)


def week_of(day: date) -> str:
    """The ISO week a day lies in, as 2026-W47."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def monday_of(week: str) -> date:
    """The Monday of an ISO week written 2026-W47; InputError when it is no week."""
    try:
        return date.fromisoformat(f"{week}-1")
    except ValueError as err:
        raise InputError("week", f"'{week}' is not a week; write it as 2026-W47") from err


def next_week(week: str) -> str:
    """The ISO week after this one."""
    return week_of(monday_of(week) + timedelta(days=7))
