"""How long a provider asks us to wait, in all the ways they say it. Pure.

RFC 9110 §10.2.3 knows seconds and a date; Resend says `ratelimit-reset`, Brevo
`x-sib-ratelimit-reset`, both in seconds; some others write the moment as a Unix time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_NAMES = ("retry-after", "x-sib-ratelimit-reset", "ratelimit-reset", "x-ratelimit-reset")
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_LONGEST = 86_400.0
_UNIX_TIMES = 1_000_000_000.0
"""From here on a number is no pause of thirty years but a moment."""


def wait_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """The pause asked for, from 0 to a day; None when there is none, or an absurd one."""
    found = (_seconds(headers[name].strip(), now) for name in _NAMES if name in headers)
    return next((seconds for seconds in found if seconds is not None), None)


def _seconds(text: str, now: datetime) -> float | None:
    if _NUMBER.fullmatch(text):
        seconds = float(text)
        if seconds >= _UNIX_TIMES:
            seconds = max(0.0, seconds - now.timestamp())
    else:
        moment = _moment(text)
        if moment is None or (now - moment).total_seconds() > _LONGEST:
            return None
        seconds = max(0.0, (moment - now).total_seconds())
    return seconds if seconds <= _LONGEST else None


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
