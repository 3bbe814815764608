"""The rhythm of the week: when a slot is due and what becomes of it. Pure.

A slot is a wall time in a zone, never a fixed offset: clocks that change move the instant, and
editors and readers keep their hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from newsletter.core.clock import at_wall, monday_of, next_week, week_of, zone
from newsletter.editorial.states import Status


@dataclass(frozen=True, slots=True)
class SlotRule:
    """ISO weekday (1 is Monday), wall time "HH:MM", IANA zone."""

    weekday: int
    time: str
    zone: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with an issue at its slot, and why, in words for its editors."""

    kind: Literal["wait", "send", "hold", "nothing"]
    reason: str


def weekly_due(rule: SlotRule, week: str) -> datetime:
    """The instant, in UTC, of the slot of an ISO week (2026-W47).

    A time the clocks skip in spring is moved on by the gap; of a time that comes twice in
    autumn the first is meant (PEP 495), and it comes once, since a week has one slot.
    """
    day = monday_of(week) + timedelta(days=rule.weekday - 1)
    hour, _, minute = rule.time.partition(":")
    return at_wall(day, int(hour), int(minute), rule.zone)


def next_slots(rule: SlotRule, after: datetime, count: int) -> list[tuple[str, datetime]]:
    """The next `count` weeks and instants (UTC) that lie after a moment."""
    week = week_of(after.astimezone(zone(rule.zone)).date() - timedelta(days=7))
    found: list[tuple[str, datetime]] = []
    while len(found) < count:
        due = weekly_due(rule, week)
        if due > after:
            found.append((week, due))
        week = next_week(week)
    return found


def decide(
    status: Status, problems: Sequence[str], due_at: datetime, now: datetime, stale_minutes: int
) -> Decision:
    """What becomes of an issue whose slot this is.

    Sent only when approved and without problems; late when the service was down, but not later
    than `stale_minutes` after the slot: then, and when it is not ready, it is held.
    """
    if now < due_at:
        return Decision("wait", "its time has not come")
    if status not in _BEFORE:
        return Decision("nothing", f"it is already {status}")
    reasons = [] if status in _READY else ["it was not approved in time"]
    reasons += problems
    late = now - due_at
    if late > timedelta(minutes=stale_minutes):
        limit = span(timedelta(minutes=stale_minutes))
        reasons.append(f"its time was missed by {span(late)}, more than the {limit} allowed")
    if reasons:
        return Decision("hold", "; ".join(reasons))
    return Decision("send", "on time" if late < _PUNCTUAL else f"{span(late)} late")


_READY = frozenset({Status.APPROVED, Status.SCHEDULED})
_BEFORE = _READY | {Status.DRAFT, Status.IN_REVIEW}
_PUNCTUAL = timedelta(minutes=1)


def span(length: timedelta) -> str:
    """A length of time in the largest unit that says enough: 45 minutes, 26 hours, 4 days."""
    minutes = int(length.total_seconds() // 60)
    for size, unit in ((2 * 1440, "day"), (2 * 60, "hour"), (0, "minute")):
        if minutes >= size:
            count = minutes // {"day": 1440, "hour": 60, "minute": 1}[unit]
            break
    return f"{count} {unit}{'' if count == 1 else 's'}"
