"""An entry as it is gathered from a feed's elements, and what becomes of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from newsletter.language.cutting import cut
from newsletter.sources import links, moments, tongues
from newsletter.sources.entry import Entry
from newsletter.sources.markup import line, text_of, twice

_TITLE = 90
_SUMMARY = 1000


@dataclass
class RawEntry:
    """The texts as they stand in the feed; `plain_title` when they hold no markup."""

    title: str = ""
    plain_title: bool = False
    link: str = ""
    fallback_link: str = ""
    guid: str = ""
    published: str = ""
    changed: str = ""
    language: str = ""
    text: str = ""
    base: str = ""


@dataclass
class RawFeed:
    """What has been read so far."""

    title: str = ""
    site: str = ""
    language: str = ""
    entries: list[Entry] = field(default_factory=list)
    fault: str = ""
    left_out: int = 0
    """Entries without a link, which no reader could follow."""


def finished(raw: RawEntry, feed_language: str) -> Entry | None:
    """The entry; None without a link. One without a title gets the beginning of its text."""
    fallback = raw.fallback_link if raw.fallback_link.lower().startswith("http") else ""
    url = links.absolute(raw.base, raw.link) or links.absolute(raw.base, fallback)
    if not url:
        return None
    summary = text_of(raw.text)[:_SUMMARY]
    title = line(raw.title) if raw.plain_title else twice(raw.title)
    title = title or cut(summary, _TITLE)
    declared = tongues.code(raw.language) or feed_language
    return Entry(
        guid=line(raw.guid)[:2000] or links.clean(url),
        url=links.clean(url),
        title=title[:1000],
        published_at=moments.moment(raw.published) or moments.moment(raw.changed),
        language=tongues.of(title, declared),
        summary=summary,
    )
