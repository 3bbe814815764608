"""The tags of a page that say what it is, read in one pass however broken it is. Pure.

The standard library's parser takes time that grows with the square on pages made for that; here
nothing is looked at twice.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_OPENING = re.compile(
    r"<(?:(!--)|(html|head|body|title|meta|link|base|script|style|textarea|noscript|h1|time)"
    r"(?=[\s/>]))",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"[\s/]*(?:(>)|([^\s\"'<>/=]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>]+))?)?|[\"'=])"
)
_WITH_TEXT = frozenset({"title", "script", "style", "textarea", "h1", "time"})
_CLOSING = {
    name: re.compile(rf"</{name}[^>]{{0,50}}>", re.IGNORECASE) for name in ("title", "h1", "time")
} | {name: re.compile(rf"</{name}", re.IGNORECASE) for name in ("script", "style", "textarea")}
_MOST_ATTRIBUTES = 60
_MOST_TAGS = 10_000


@dataclass(frozen=True, slots=True)
class Tag:
    """One opening tag; names in small letters, values without entities."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    """What stands between it and its end, as it is written."""


def tags(page: str) -> Iterator[Tag]:
    """The tags of interest in their order; what is commented out is none."""
    at = 0
    unclosed: set[str] = set()
    for _ in range(_MOST_TAGS):
        opening = _OPENING.search(page, at)
        if opening is None:
            break
        at = opening.end()
        if opening[1]:
            end = page.find("-->", max(at - 2, 0))  # "<!-->" is a whole comment
            at = len(page) if end < 0 else end + 3
            continue
        name = opening[2].lower()
        attributes, at = _attributes(page, at)
        text = ""
        if name in _WITH_TEXT and name not in unclosed:
            closing = _CLOSING[name].search(page, at)
            if closing is None:
                unclosed.add(name)
            else:
                text = page[at : closing.start()]
                at = closing.end() if name not in ("h1", "time") else at
        yield Tag(name, attributes, text)


def _attributes(page: str, at: int) -> tuple[dict[str, str], int]:
    found: dict[str, str] = {}
    for _ in range(_MOST_ATTRIBUTES):
        part = _ATTRIBUTE.match(page, at)
        if part is None:
            break
        at = part.end()
        if part[1]:
            break
        if part[2]:
            value = next((v for v in part.groups()[2:] if v is not None), "")
            found.setdefault(part[2].lower(), html.unescape(value))
    return found, at
