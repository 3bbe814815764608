"""What came before: the same link, or nearly the same title of the same publisher."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.editorial.checks import title_of
from newsletter.editorial.duplicates import near
from newsletter.editorial.models import Publication, Resource
from newsletter.sources import links

_BACK = timedelta(days=60)
_MOST = 1000
_COMPARED = 200
"""Titles looked at, the newest first: comparing takes its time."""


@dataclass
class Earlier:
    """The resources of a publication of the last two months, dropped ones too."""

    languages: list[str]
    by_link: dict[str, Resource] = field(default_factory=dict)
    newest: list[Resource] = field(default_factory=list)

    def same_link(self, urls: Iterable[str]) -> Resource | None:
        """The resource that has one of these links already."""
        known = (self.by_link.get(links.same(url)) for url in urls)
        return next((one for one in known if one is not None), None)

    def remember(self, resource: Resource) -> None:
        """Let what comes after know of this one; flag it when it resembles an earlier one."""
        resource.near_duplicate_of = self._twin(resource)
        self.newest.insert(0, resource)
        for url in resource.urls.values():
            self.by_link.setdefault(links.same(url), resource)

    def _twin(self, resource: Resource) -> int | None:
        mine = (title_of(resource, self.languages), resource.byline)
        for other in self.newest[:_COMPARED]:
            if other.dropped_at is None and near(
                (title_of(other, self.languages), other.byline), mine
            ):
                return other.id
        return None


def earlier(session: Session, publication: Publication, now: datetime) -> Earlier:
    """What came in the last two months, for telling what is new."""
    query = (
        select(Resource)
        .where(Resource.publication_id == publication.id, Resource.added_at >= now - _BACK)
        .order_by(Resource.id.desc())
        .limit(_MOST)
    )
    found = Earlier(list(publication.languages), newest=list(session.scalars(query)))
    for resource in reversed(found.newest):
        for url in resource.urls.values():
            found.by_link.setdefault(links.same(url), resource)
    return found
