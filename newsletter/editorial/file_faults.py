"""What is wrong with the facts of an issue file, each fault with its line. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from newsletter.core.errors import InputError

_HEADER = re.compile(r"\s*(\[{1,2})\s*([^\]\[]+?)\s*\]{1,2}\s*(?:#.*)?")
_ENTRY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[^\s=.]+)*)\s*=""")
_WORD = re.compile(r""""([^"]*)"|'([^']*)'|([^\s."']+)""")
_MOST = 12
"""Faults said at once; a file with more is mended in several rounds."""

Place = tuple[int | str, ...]


def explain(
    err: ValidationError, facts: Mapping[str, Any], head: Sequence[str], name: str, first: int
) -> InputError:
    """All that is wrong, in one sentence; it begins with the line of the first fault.

    `head` are the lines of the facts, the first of which is line `first` of the file `name`.
    """
    places = list(_places(head))
    found = []
    for problem in err.errors():
        place = tuple(part for part in problem["loc"] if part != "[key]")
        line = _line_of(place, places)
        found.append((None if line is None else first + line, _sentence(problem, place, facts)))
    found.sort(key=lambda fault: fault[0] or 0)
    (line, text), *others = found
    said = [text, *(f"line {n}: {other}" if n else other for n, other in others[: _MOST - 1])]
    if len(found) > _MOST:
        said.append(f"and {len(found) - _MOST} more")
    return InputError(f"{name}:{line}" if line else name, "; ".join(said))


def _sentence(problem: ErrorDetails, place: Place, facts: Mapping[str, Any]) -> str:
    what, inner = _named(place, facts)
    dotted = ".".join(str(p + 1) if isinstance(p, int) else p for p in inner)
    if problem["type"] == "missing" and what:
        return f"{what} has no {dotted}"
    if problem["type"] == "extra_forbidden":
        message = "there is no such entry; docs/issue-file.md lists them all"
    elif problem["type"] == "value_error":
        message = str(problem["ctx"]["error"])
    else:
        message = problem["msg"][:1].lower() + problem["msg"][1:]
    return ": ".join(part for part in (what, dotted, message) if part)


def _named(place: Place, facts: Mapping[str, Any]) -> tuple[str, Place]:
    """A resource as an editor knows it, by number and title, and the place inside it."""
    if len(place) < 2 or place[0] != "resources" or not isinstance(place[1], int):
        return "", place
    resource = facts["resources"][place[1]]
    titles = resource.get("title") if isinstance(resource, dict) else None
    told = titles.values() if isinstance(titles, dict) else ()
    title = next((t.strip() for t in told if isinstance(t, str) and t.strip()), "")
    return f"resource {place[1] + 1}" + (f" “{title}”" if title else ""), place[2:]


def _line_of(wanted: Place, places: Sequence[tuple[int, Place]]) -> int | None:
    """The line of the entry or, when it is missing, of the header it is missing under."""
    best, line = 0, None
    for number, place in places:
        shared = _shared(place, wanted)
        if shared > best:
            best, line = shared, number
    return line


def _shared(one: Place, other: Place) -> int:
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _places(head: Sequence[str]) -> Iterator[tuple[int, Place]]:
    """Where each line of TOML stands in the data, as near as can be told without its values."""
    seen: Counter[Place] = Counter()
    table: Place = ()
    for number, line in enumerate(head):
        header, entry = _HEADER.fullmatch(line), _ENTRY.match(line)
        if header:
            table = _table(_words(header[2]), seen, several=header[1] == "[[")
            yield number, table
        elif entry:
            yield number, (*table, *_words(entry[1]))


def _table(words: list[str], seen: Counter[Place], *, several: bool) -> Place:
    """The place of a header; inside a list it belongs to the last member of it."""
    place: Place = ()
    for word in words[:-1]:
        place = (*place, word)
        place = (*place, seen[place] - 1) if seen[place] else place
    place = (*place, words[-1])
    if several:
        seen[place] += 1
        return (*place, seen[place] - 1)
    return place


def _words(dotted: str) -> list[str]:
    return [one or two or bare for one, two, bare in _WORD.findall(dotted)]
