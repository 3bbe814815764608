"""Where a page says that its site's feeds are. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from newsletter.sources import links
from newsletter.sources.charsets import decoded
from newsletter.sources.markup import twice
from newsletter.sources.page import LONGEST
from newsletter.sources.tags import tags

_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json")
_API = "https://api.w.org/"
_MOST = 20


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed that a page points at; `title` may be empty."""

    url: str
    title: str


@dataclass(frozen=True, slots=True)
class Ways:
    """How the news of a site may be had."""

    feeds: list[FeedLink]
    wordpress: str = ""
    """The root of its WordPress API, when it has one."""


def read(data: bytes, url: str, content_type: str = "") -> Ways:
    """The feeds of a page, those of comments last; never raises."""
    feeds: dict[str, FeedLink] = {}
    base, api = url, ""
    for tag in tags(decoded(data[:LONGEST], content_type)):
        said = tag.attributes
        rel, href = said.get("rel", "").lower().split(), said.get("href", "")
        if tag.name == "base":
            base = links.absolute(url, href) or base
        elif tag.name == "link" and _API in rel:
            api = api or links.absolute(base, href)
        elif tag.name == "link" and _is_feed(rel, said.get("type", "")):
            found = links.absolute(base, href)
            if found and len(feeds) < _MOST:
                feeds.setdefault(found, FeedLink(found, twice(said.get("title", ""))))
    return Ways(sorted(feeds.values(), key=_is_of_comments), api)


def _is_feed(rel: list[str], kind: str) -> bool:
    named = kind.partition(";")[0].strip().lower()
    return "alternate" in rel and (
        named in _TYPES or (named == "application/json" and "feed" in rel)
    )


def _is_of_comments(feed: FeedLink) -> bool:
    return "comment" in f"{feed.url} {feed.title}".lower()
