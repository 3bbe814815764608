"""The order in which an issue's resources stand. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from newsletter.editorial.models import Category, Resource

_LAST = 1_000_000
"""Resources in no category come after all categories."""


def in_order(resources: Iterable[Resource]) -> list[Resource]:
    """As readers meet them: the publication's category order, then the place inside it."""
    return sorted(resources, key=lambda r: (_rank(r), r.position, r.id or 0))


def by_category(resources: Iterable[Resource]) -> list[tuple[Category | None, list[Resource]]]:
    """The resources in order, under their categories; those in no category last."""
    groups = groupby(in_order(resources), key=_rank)
    found = [list(members) for _, members in groups]
    return [(members[0].category, members) for members in found]


def close_gaps(members: Sequence[Resource]) -> None:
    """Number the places of one category, given in order, as they are seen: 0, 1, 2 …"""
    for place, resource in enumerate(members):
        if resource.position != place:
            resource.position = place


def arrange(resources: Sequence[Resource], pinned: set[int]) -> None:
    """Number the places of one category: newest first, around those an editor has put.

    `pinned` holds ids of resources that keep their position (two on one place stand one after
    the other); the others fill what is left, newest first, of one day in the order of arrival.
    """
    taken: set[int] = set()
    for resource in sorted(resources, key=lambda r: (r.position, r.id or 0)):
        if resource.id in pinned:
            _put(resource, resource.position, taken)
    others = [r for r in resources if r.id not in pinned]
    others.sort(key=lambda r: r.id or 0)
    others.sort(key=lambda r: r.published_on, reverse=True)
    for resource in others:
        _put(resource, 0, taken)


def _put(resource: Resource, place: int, taken: set[int]) -> None:
    while place in taken:
        place += 1
    taken.add(place)
    if resource.position != place:
        resource.position = place


def heading(category: Category, language: str) -> str:
    """The category's name in a language; where it has none, its first name, then its key."""
    return category.names.get(language) or next(
        (name for name in category.names.values() if name), category.key
    )


def _rank(resource: Resource) -> int:
    return resource.category.position if resource.category is not None else _LAST
