"""Quiet hours: whether a publication is to be silent now, and until when. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from newsletter.core.clock import at_wall, zone
from newsletter.core.quiet_hours import parse


def quiet_until(quiet_hours: str, zone_name: str, now: datetime) -> datetime | None:
    """When the quiet ends that lies over `now`, in UTC; None outside it, and for no quiet hours.

    Judged on the wall of the zone, as people sleep. An end that the clocks skip in spring comes
    with the moment they jump; of an end that comes twice in autumn the first that is still ahead
    is meant.
    """
    hours = parse(quiet_hours)
    if hours is None:
        return None
    begin, end = hours
    wall = now.astimezone(zone(zone_name))
    # Wall times compare without their zone; seconds matter, as the end itself is not quiet.
    at = wall.time()
    over_midnight = end < begin
    if not (at >= begin or at < end if over_midnight else begin <= at < end):
        return None
    day = wall.date() + timedelta(days=1) if over_midnight and at >= begin else wall.date()
    until = at_wall(day, end.hour, end.minute, zone_name)
    until = _not_in_a_gap(until, end.hour * 60 + end.minute, zone_name)
    if until <= now:  # the first of two, while the second is still to come
        second = datetime.combine(day, end.replace(fold=1), zone(zone_name))
        until = second.astimezone(UTC)
    return until


def _not_in_a_gap(instant: datetime, minute_of_day: int, zone_name: str) -> datetime:
    """The instant itself, or, where it stands for a skipped wall time, the moment of the jump."""
    place = zone(zone_name)
    wall = instant.astimezone(place)
    beyond = wall.hour * 60 + wall.minute - minute_of_day
    if not beyond:
        return instant
    offset = wall.utcoffset()
    jump = instant
    while (jump - timedelta(minutes=1)).astimezone(place).utcoffset() == offset:
        jump -= timedelta(minutes=1)
    return jump
