"""What all that was ever said about a message makes of its delivery. Pure.

It is judged anew from everything each time, so that the end is the same in whatever order it
came, however late and however often.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from newsletter.delivery.policy import Verdict
from newsletter.delivery.states import OPEN, State
from newsletter.providers.events import Kind

REASONS = {
    Verdict.HARD: "hard_bounce",
    Verdict.SOFT: "soft_bounce",
    Verdict.NO_HOST: "no_host",
    Verdict.OURS: "ours",
    Verdict.EAI: "eai",
}
"""Why a delivery is `bounced`, as it stands in its row."""
_PROVES = frozenset({Kind.DELIVERED, Kind.BOUNCED, Kind.DEFERRED, Kind.COMPLAINED})
_SETTLES = frozenset({State.UNKNOWN, State.SUBMITTED, State.DELIVERED, State.BOUNCED})
_ARRIVED = frozenset({Kind.DELIVERED, Kind.COMPLAINED})


@dataclass(frozen=True, slots=True)
class Said:
    """One thing said about a delivery, and what it was judged to be."""

    kind: str
    verdict: Verdict
    at: datetime


@dataclass(frozen=True, slots=True)
class Fate:
    """Where a delivery stands now, and why."""

    state: State
    reason: str | None


def is_early(state: State) -> bool:
    """Whether our own outcome is still to be written down: then what was said waits for it."""
    return state in OPEN


def fate(state: State, said: Iterable[Said], *, stuck: bool = False) -> Fate | None:
    """Where the delivery goes by all that was said; None when it stays as it is.

    That somebody spoke of the message proves that it was taken, so it settles a doubt. One that is
    still planned goes on only when it is `stuck`: nobody has it in hand, and it would be sent a
    second time. What was refused or skipped stays so, unless it reached its reader after all.
    """
    heard = list(said)
    told = _told(heard)
    if told is None:
        return None
    if state in _SETTLES or (stuck and state is State.PLANNED):
        return told
    arrived = any(one.kind in _ARRIVED for one in heard)
    return told if state is State.REFUSED and arrived else None


def _told(said: Iterable[Said]) -> Fate | None:
    found = [one for one in said if one.kind in _PROVES]
    if any(one.kind == Kind.COMPLAINED for one in found):
        return Fate(State.COMPLAINED, None)
    if any(one.verdict is Verdict.HARD for one in found):
        return Fate(State.BOUNCED, REASONS[Verdict.HARD])
    ends = [one for one in found if one.kind == Kind.DELIVERED or one.verdict in REASONS]
    if not ends:
        return Fate(State.SUBMITTED, None) if found else None
    last = max(ends, key=lambda one: (one.at, one.kind == Kind.BOUNCED, one.verdict))
    if last.kind == Kind.DELIVERED:
        return Fate(State.DELIVERED, None)
    return Fate(State.BOUNCED, REASONS[last.verdict])
