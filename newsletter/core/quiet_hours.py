"""Quiet hours as they are written, "22:00-07:00": from when to when nothing goes out. Pure."""

from __future__ import annotations

import re
from datetime import time

_FORM = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)


def parse(text: str) -> tuple[time, time] | None:
    """Their beginning and end on the wall, over midnight when the end is the earlier; empty: None.

    ValueError with a sentence for anything else.
    """
    if not text:
        return None
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"write quiet hours as 22:00-07:00, or nothing for none, not '{text}'")
    first, first_minute, last, last_minute = map(int, match.groups())
    begin, end = time(first, first_minute), time(last, last_minute)
    if begin == end:
        raise ValueError(
            f"quiet hours that begin and end at {begin:%H:%M} are a whole day or nothing: write "
            "two different times, or nothing for none"
        )
    return begin, end
