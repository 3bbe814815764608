"""One thing that a source published, whatever form it came in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """`guid` names it at its source for ever; `url` is http or https, without tracking."""

    guid: str
    url: str
    title: str
    published_at: datetime | None = None
    language: str = ""
    """As the title shows it or the source says it; "" when neither does."""
    summary: str = ""
    """The beginning of its text, plain."""
    translations: tuple[str, ...] = ()
    """The guids of the same thing in other languages."""
