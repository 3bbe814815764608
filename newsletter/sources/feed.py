"""A feed in any of its forms: RSS 0.9x, 1.0 and 2.0, Atom, JSON Feed 1. Pure.

Read with the machine's own XML parser and our mending, because feedparser takes time that grows
with the square on feeds made for that (docs/decisions/feeds.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from newsletter.sources import feed_json, feed_xml, kinds
from newsletter.sources.charsets import decoded
from newsletter.sources.entry import Entry


@dataclass(frozen=True, slots=True)
class Feed:
    """What could be read; `fault` says in a piece of a sentence what could not."""

    title: str = ""
    site: str = ""
    language: str = ""
    entries: tuple[Entry, ...] = ()
    fault: str = ""


def read(data: bytes, url: str, content_type: str = "") -> Feed:
    """The feed at `url`, its entries as they stand, of a damaged one those that are whole.

    Never raises.
    """
    text = decoded(data, content_type)
    if kinds.guess(data, content_type) == "json feed":
        made = feed_json.read(text, url)
    else:
        made = feed_xml.read(text, url)
    return Feed(made.title, made.site, made.language, tuple(made.entries), made.fault)
