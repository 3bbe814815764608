"""When a source is asked next. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_LONGEST = timedelta(days=1)
_SPREAD = 0.1
"""A tenth earlier or later, so that not all sources are asked in the same minute."""
_MOST_DOUBLINGS = 10


def next_poll(
    now: datetime, every: timedelta, failures: int, luck: float, retry_after: str = ""
) -> datetime:
    """After a sound answer one interval on; after `failures` in a row twice as long for each, a
    day at most (or the interval, if that is longer).

    `luck` is between 0 and 1. A site that says when to come again is not asked before
    (Retry-After, RFC 9110 §10.2.3), within a week.
    """
    longer: timedelta = every * (1 << min(failures, _MOST_DOUBLINGS))
    wait = min(longer, max(_LONGEST, every))
    wait *= 1 - _SPREAD + 2 * _SPREAD * luck
    return max(now + wait, min(_asked_for(retry_after, now), now + timedelta(days=7)))


def _asked_for(text: str, now: datetime) -> datetime:
    if text.isascii() and text.isdigit() and len(text) < 9:
        return now + timedelta(seconds=int(text))
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return now
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
