"""What a fetched text is, by its beginning and not by what its server calls it. Pure."""

from __future__ import annotations

import re
from typing import Literal

from newsletter.sources.charsets import decoded

Kind = Literal["feed", "json feed", "posts", "page", "other"]

_LOOKED_AT = 8000
_LEADING = re.compile(
    r"(?:\s+|\ufeff|<\?.{0,2000}?\?>|<!--.{0,4000}?-->|<!doctype[^>\[]{0,300}>)+",
    re.DOTALL | re.IGNORECASE,
)
_FEED = re.compile(r"<(?:\w+:)?(?:rss|rdf|feed|channel)[\s>]", re.IGNORECASE)
_PAGE = re.compile(r"<(?:html|head|body|title|meta|div|article|main|p)[\s>]", re.IGNORECASE)


def guess(data: bytes, content_type: str = "") -> Kind:
    """Feed, list of WordPress posts, page or something else; never raises."""
    start = decoded(data[:_LOOKED_AT], content_type).strip("\x00")
    leading = _LEADING.match(start)
    rest = start[leading.end() :] if leading else start
    if _FEED.match(rest):
        return "feed"
    if rest.startswith("{") and "jsonfeed.org/version" in start:
        return "json feed"
    if re.match(r"\[\s*\{", rest) and '"link"' in start:
        return "posts"
    if _PAGE.search(rest[:4000]) or "html" in content_type.lower():
        return "page"
    return "feed" if _FEED.search(rest) else "other"
