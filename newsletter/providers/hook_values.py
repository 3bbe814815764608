"""Reads what a provider's webhook says, whatever that really is: nothing here raises.

A body comes from outside even when its sender is proved. So texts are bounded and hold nothing
that a database refuses (NUL, half a surrogate), times are aware or None, and lists have an end.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

_LONGEST = 2_000
_MOST_REFERENCES = 20
_MOST_DIGITS = 18
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_AFTER_CODE = re.compile(r"(?<![\d.])[245]\d\d[ -]#?([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_WATCHING = re.compile(r"open|click|loaded_?by", re.IGNORECASE)


def read(raw: bytes | str) -> object:
    """The JSON in `raw`; None when it is none, cut off, or too deep."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def inside(value: object, *names: str) -> object:
    """What stands under these names, one inside the other; None when it is not there."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def items(value: object) -> Sequence[object]:
    """The entries of a list; of anything else none."""
    return value if isinstance(value, list) else ()


def word(value: object, longest: int = _LONGEST) -> str:
    """A text, or a number as one; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    try:
        text = str(value)
    except ValueError:  # a number of more digits than Python writes
        return ""
    return text[:longest].replace("\0", "").encode("utf-8", "replace").decode()


def is_watching(kind: str) -> bool:
    """Whether it says who opened or clicked, under any of the many names: dropped unread."""
    return _WATCHING.search(kind) is not None


def at_epoch(value: object, *, per_second: int = 1) -> datetime | None:
    """A time in seconds since 1970 (or parts of them), as a number or text."""
    text = word(value, _MOST_DIGITS)
    try:
        return datetime.fromtimestamp(float(text) / per_second, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def at_iso(value: object) -> datetime | None:
    """A time as in RFC 3339; one without a zone is meant in UTC."""
    try:
        found = datetime.fromisoformat(word(value, 40))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def status_in(*texts: str) -> str:
    """The first enhanced status code (RFC 3463) in these texts, best right behind an SMTP code."""
    for pattern in (_AFTER_CODE, _STATUS):
        for text in texts:
            if found := pattern.search(text):
                return found[1]
    return ""


def references(*values: object) -> tuple[str, ...]:
    """All texts in these, inside lists and objects too (not deep), each once."""
    found = dict.fromkeys(text for value in values for text in _texts(value, 3))
    return tuple(found)[:_MOST_REFERENCES]


def _texts(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, Mapping | list):
        if depth:
            inner = value.values() if isinstance(value, Mapping) else value
            for one in inner:
                yield from _texts(one, depth - 1)
    elif text := word(value, 400):
        yield text


def message_ids(headers: object) -> tuple[str, ...]:
    """The Message-ID in a list of headers with names and values, in capitals or not."""
    return tuple(
        word(_lower(one).get("value"), 400)
        for one in items(headers)
        if word(_lower(one).get("name")).lower() == "message-id"
    )


def _lower(value: object) -> Mapping[str, Any]:
    return {str(k).lower(): v for k, v in value.items()} if isinstance(value, Mapping) else {}


def hashed(*fields: object) -> str:
    """One text for all of these, short and the same for the same."""
    try:
        text = json.dumps(fields, default=str)
    except (ValueError, RecursionError):
        text = "/".join(map(word, fields))
    return hashlib.sha256(text.encode()).hexdigest()
