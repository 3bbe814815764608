"""The posts of a WordPress site by its REST API (developer.wordpress.org/rest-api). Pure.

Where the site writes in several languages with Polylang or WPML, and shows it, the posts that
are one text in two languages know each other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from newsletter.sources import links, moments, tongues
from newsletter.sources.entry import Entry
from newsletter.sources.markup import text_of, twice

PER_PAGE = 30
_FIELDS = (
    "id,link,title,date,date_gmt,excerpt,lang,translations,wpml_current_locale,wpml_translations"
)


@dataclass(frozen=True, slots=True)
class Posts:
    """A page of posts; `fault` says in a piece of a sentence why there are none."""

    entries: tuple[Entry, ...] = ()
    fault: str = ""


def api_of(url: str) -> str:
    """The root of the API that a site at this address has, or its own when it is one."""
    parts = urlsplit(url)
    if "rest_route=" in parts.query or "/wp-json" in parts.path:
        base = url.partition("/wp-json")[0] if "/wp-json" in parts.path else ""
        return f"{base}/wp-json/" if base else url
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + "/wp-json/", "", ""))


def posts_address(api: str, page: int, after: datetime) -> str:
    """Where the posts since then are, newest first. `after` is taken in the site's own time."""
    query = (
        f"per_page={PER_PAGE}&page={page}&orderby=date&order=desc&_fields={_FIELDS}"
        f"&after={quote(after.strftime('%Y-%m-%dT%H:%M:%S'))}"
    )
    if "rest_route=" in api:
        return f"{api.rstrip('/')}/wp/v2/posts&{query}"
    return f"{api.rstrip('/')}/wp/v2/posts?{query}"


def pages(said: str) -> int:
    """X-WP-TotalPages as a number; 1 when it says none."""
    return int(said) if said.isascii() and said.isdigit() and len(said) < 6 else 1


def read(data: bytes, url: str) -> Posts:
    """The posts of an answer; never raises."""
    try:
        document = json.loads(data.decode("utf-8", "replace").strip("\ufeff \r\n\t"))
    except (ValueError, RecursionError):
        return Posts(fault="it is no valid JSON, or longer than is read")
    if isinstance(document, dict):
        said = twice(document["message"]) if isinstance(document.get("message"), str) else ""
        return Posts(fault=f"the site says: {said[:200]}" if said else "it is no list of posts")
    if not isinstance(document, list):
        return Posts(fault="it is no list of posts")
    found = (_entry(post, url) for post in document[:200] if isinstance(post, dict))
    return Posts(tuple(entry for entry in found if entry is not None))


def _entry(post: dict[str, Any], url: str) -> Entry | None:
    link = links.absolute(url, _text(post.get("link")))
    number = post.get("id")
    title = twice(_rendered(post.get("title")))
    if not link or type(number) is not int:
        return None
    declared = tongues.code(post.get("lang")) or tongues.code(post.get("wpml_current_locale"))
    return Entry(
        guid=f"post {number}",
        url=links.clean(link),
        title=title[:1000],
        published_at=_published(post),
        language=tongues.of(title, declared),
        summary=text_of(_rendered(post.get("excerpt")))[:1000],
        translations=tuple(f"post {other}" for other in _others(post, number)),
    )


def _published(post: dict[str, Any]) -> datetime | None:
    exact = moments.moment(f"{_text(post.get('date_gmt'))}Z")
    return exact or moments.moment(_text(post.get("date")))


def _others(post: dict[str, Any], own: int) -> list[int]:
    """Polylang: {"en": 3, "my": 4}; WPML: [{"locale": "my_MM", "id": 4}]."""
    found: list[object] = []
    polylang, wpml = post.get("translations"), post.get("wpml_translations")
    if isinstance(polylang, dict):
        found += polylang.values()
    if isinstance(wpml, list):
        found += [one.get("id") for one in wpml if isinstance(one, dict)]
    numbers = [one for one in found[:20] if type(one) is int and one != own]
    return sorted(dict.fromkeys(numbers))


def _rendered(value: object) -> str:
    return _text(value.get("rendered")) if isinstance(value, dict) else _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
