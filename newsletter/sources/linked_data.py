"""JSON-LD of a page: what its publisher tells search engines (schema.org). Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_LONGEST = 200_000
_MOST = 500
_ARTICLES = ("article", "report", "posting", "pressrelease", "scholarly", "analysis", "review")
_PAGES = ("webpage", "creativework", "publicationissue", "book", "videoobject", "podcastepisode")


def parsed(text: str) -> Any:
    """JSON, or None for what is none, is too long or too deep."""
    if len(text) > _LONGEST:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def things(document: Any) -> Iterator[dict[str, Any]]:
    """The things of a document, articles first, at most 500."""
    found: list[dict[str, Any]] = []
    waiting = [document]
    for _ in range(_MOST):
        if not waiting:
            break
        one = waiting.pop(0)
        if isinstance(one, list):
            waiting += one[:_MOST]
        elif isinstance(one, dict):
            found.append(one)
            waiting += [one[key] for key in ("@graph", "mainEntity") if key in one]
    yield from sorted(found, key=_rank)


def is_about_the_page(thing: dict[str, Any]) -> bool:
    """Whether it describes an article or a page, and not its site or its owner."""
    return _rank(thing) < 2


def name_of(value: Any) -> str:
    """The name of what may be a text, a thing with a name, or a list of such."""
    if isinstance(value, list):
        return next(filter(None, map(name_of, value[:5])), "")
    if isinstance(value, dict):
        return text(value.get("name"))
    return text(value)


def text(value: Any) -> str:
    """A text, or "" for anything else."""
    return value if isinstance(value, str) else ""


def _rank(thing: dict[str, Any]) -> int:
    kinds = thing.get("@type")
    names = kinds if isinstance(kinds, list) else [kinds]
    said = " ".join(one.lower() for one in names if isinstance(one, str))
    if any(kind in said for kind in _ARTICLES):
        return 0
    return 1 if any(kind in said for kind in _PAGES) else 2
