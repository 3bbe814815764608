"""Lists of `tag=value` pairs, as DKIM (RFC 6376 §3.2) and DMARC (RFC 9989 §4.7) write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Tags:
    """The pairs by their names in small letters, the first of each, and what was no pair."""

    pairs: Mapping[str, str]
    faults: tuple[str, ...] = ()


def parse(text: str) -> Tags:
    """The pairs of a text; never raises."""
    pairs: dict[str, str] = {}
    faults: list[str] = []
    for piece in text.split(";"):
        if not piece.strip():
            continue
        name, sign, value = (part.strip() for part in piece.partition("="))
        name = name.lower()
        if not sign or not name.isascii() or not name.replace("_", "").isalnum():
            faults.append(f"'{piece.strip()[:40]}' is no tag=value")
        elif name in pairs:
            faults.append(f"'{name}=' stands twice")
        else:
            pairs[name] = value
    return Tags(MappingProxyType(pairs), tuple(faults))
