"""JSON Feed 1.0 and 1.1 (jsonfeed.org). Pure."""

from __future__ import annotations

import json
from typing import Any

from newsletter.sources import links, tongues
from newsletter.sources.markup import line
from newsletter.sources.raw import RawEntry, RawFeed, finished

_MOST = 2000


def read(text: str, url: str) -> RawFeed:
    """The feed, whatever stands in the place of its values; never raises."""
    try:
        document = json.loads(text.strip("\x00\ufeff \r\n\t"))
    except (ValueError, RecursionError):
        return RawFeed(fault="it is no valid JSON, or longer than is read")
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        return RawFeed(fault="it is JSON, but no feed")
    found = RawFeed(
        title=line(_text(document, "title"))[:500],
        site=links.absolute(url, _text(document, "home_page_url")),
        language=tongues.code(_text(document, "language")),
    )
    for item in document["items"][:_MOST]:
        entry = finished(_raw(item, url), found.language) if isinstance(item, dict) else None
        if entry is None:
            found.left_out += 1
        else:
            found.entries.append(entry)
    return found


def _raw(item: dict[str, Any], url: str) -> RawEntry:
    given = item.get("id")
    guid = str(given) if isinstance(given, str | float) or type(given) is int else ""
    return RawEntry(
        title=_text(item, "title"),
        plain_title=True,
        link=_text(item, "url") or _text(item, "external_url"),
        fallback_link=guid,
        guid=guid,
        published=_text(item, "date_published"),
        changed=_text(item, "date_modified"),
        language=_text(item, "language"),
        text=_text(item, "summary") or _text(item, "content_html") or _text(item, "content_text"),
        base=url,
    )


def _text(values: dict[str, Any], key: str) -> str:
    found = values.get(key)
    return found if isinstance(found, str) else ""
