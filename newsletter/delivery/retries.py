"""When a message that was put off is tried again, and what an answer says of the address. Pure.

Greylisting servers say 450/451 4.7.1 to every first try and want the same message again after
some minutes; 5, 15 and 60 satisfy all that are known. The pauses differ a little from delivery
to delivery, by its id, so that a thousand messages put off together do not come back together.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_MINUTES = {"greylisted": (5, 15, 60), "busy": (2, 10, 30, 60)}
_JITTER = 0.25
_LEAST_TRIES = 4
"""Even when the deadline lies behind us, after a long pause of the issue: greylisting ends."""

_ANSWER = re.compile(r"\s*([2-5]\d\d)(?:[ -]+([245]\.\d{1,3}\.\d{1,3})(?=\s|$))?")
_HARD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})


@dataclass(frozen=True, slots=True)
class Deadline:
    """How long a message that is put off is tried."""

    soft_at: datetime
    """From here on only until it had its few tries, as after a long pause of the issue."""
    last_at: datetime
    """From here on not at all: the news is stale."""


def again(
    *,
    attempt: int,
    delivery_id: int,
    answer: str,
    now: datetime,
    deadline: Deadline,
    asked_seconds: float | None = None,
) -> datetime | None:
    """When to try next after the `attempt`-th try (from 1); None when it is time to give up.

    `asked_seconds`: what the provider itself asked for (Retry-After); never sooner than that.
    """
    if now >= deadline.last_at or (now >= deadline.soft_at and attempt >= _LEAST_TRIES):
        return None
    minutes = _MINUTES["greylisted" if is_greylisting(answer) else "busy"]
    own = 60.0 * minutes[min(attempt, len(minutes)) - 1]
    pause = max(own, asked_seconds or 0.0)
    return now + timedelta(seconds=pause * (1 + _JITTER * _share(delivery_id, attempt)))


def line_pause(errors: int) -> float:
    """Seconds to wait before a server that is not there is looked for again: 1, 2, 4 … 60."""
    return float(min(60, 2 ** min(errors - 1, 6)))


def is_greylisting(answer: str) -> bool:
    """True for "come back in a few minutes" (450 or 451 with 4.7.1, or saying so)."""
    code, enhanced = _parsed(answer)
    if code not in ("450", "451"):
        return False
    return enhanced == "4.7.1" or "greylist" in answer.lower() or "graylist" in answer.lower()


def is_hard_bounce(answer: str) -> bool:
    """True when the mailbox or its domain does not exist (RFC 3463): never mail it again."""
    return _parsed(answer)[1] in _HARD


def _parsed(answer: str) -> tuple[str, str]:
    found = _ANSWER.match(answer)
    return (found[1], found[2] or "") if found else ("", "")


def _share(delivery_id: int, attempt: int) -> float:
    """The same number between 0 and 1 for the same try, on every machine."""
    digest = hashlib.sha256(f"{delivery_id}/{attempt}".encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32
