"""The inbox: resources come in, are corrected, moved, dropped; an issue takes them from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Final, Literal
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from newsletter.core.errors import InputError, NotFound
from newsletter.editorial import arrivals
from newsletter.editorial.conversions import Document, Door
from newsletter.editorial.issues import touched
from newsletter.editorial.models import Category, Issue, Publication, Resource
from newsletter.editorial.ordering import close_gaps, in_order


class _Unchanged(Enum):
    UNCHANGED = "unchanged"


UNCHANGED: Final = _Unchanged.UNCHANGED
"""Says that nothing was said; None means "no category" or "no issue"."""
Unchanged = Literal[_Unchanged.UNCHANGED]


def add(
    session: Session,
    publication: Publication,
    *,
    byline: str,
    titles: Mapping[str, str],
    urls: Mapping[str, str],
    category: Category | None,
    published_on: date,
    now: datetime,
    lines: Sequence[int] = (),
    document: Document | None = None,
) -> Resource:
    """Put a resource into the inbox: `titles` and `urls` by language, `byline` without "By".

    `document` is the file that it came in. Raises InputError for no title at all, an empty
    byline, a link that is not http or https, or a language the publication does not have.
    """
    door = Door(session, publication, document=document, now=now)
    titles, byline = _taken(door, titles, byline)
    resource = Resource(
        publication_id=publication.id,
        byline=_byline(byline),
        titles=_titles(publication, titles),
        urls=_urls(publication, urls),
        category=_own(publication, category),
        published_on=published_on,
        lines=list(lines),
        position=0,
        added_at=now,
    )
    session.add(resource)
    session.flush()
    door.close(resource)
    return resource


def complete(
    session: Session,
    resource: Resource,
    *,
    titles: Mapping[str, str],
    urls: Mapping[str, str],
    document: Document | None = None,
    now: datetime,
) -> Resource:
    """Give a resource in the inbox titles and links in languages that it lacks, as a source does
    that publishes a translation later; what it has stays, and no editor's hand is noted."""
    publication = session.get_one(Publication, resource.publication_id)
    door = Door(session, publication, resource=resource, document=document, now=now)
    more = _titles(publication, _taken(door, titles, None)[0])
    resource.titles = {**more, **resource.titles}
    resource.urls = {**_urls(publication, urls), **resource.urls}
    session.flush()
    door.close()
    return resource


def get(session: Session, publication: Publication, resource_id: int) -> Resource:
    """The resource of this number; NotFound when the publication has no such one."""
    found = session.get(Resource, resource_id)
    if found is None or found.publication_id != publication.id:
        raise NotFound(
            "resource", f"there is no {resource_id}; 'newsletter resources list' shows their ids"
        )
    return found


def listing(
    session: Session,
    publication: Publication,
    *,
    issue: Issue | None = None,
    everything: bool = False,
) -> list[Resource]:
    """What waits in the inbox, newest first; of an issue, in its order; or all ever held,
    taken and dropped ones too."""
    if issue is not None:
        return in_order(issue.resources)
    query = select(Resource).where(Resource.publication_id == publication.id)
    if not everything:
        query = query.where(Resource.issue_id.is_(None), Resource.dropped_at.is_(None))
    return list(session.scalars(query.order_by(Resource.published_on.desc(), Resource.id)))


def edit(
    session: Session,
    resource: Resource,
    *,
    byline: str | None = None,
    titles: Mapping[str, str] | None = None,
    urls: Mapping[str, str] | None = None,
    published_on: date | None = None,
    now: datetime,
) -> Resource:
    """Correct a resource by hand; None leaves a thing as it is, `titles` and `urls` replace all
    languages. Its issue becomes a draft again.

    Raises InputError as `add`, NotAllowedNow when its issue went out.
    """
    publication = session.get_one(Publication, resource.publication_id)
    if resource.issue is not None:
        touched(resource.issue, now)
    door = Door(session, publication, resource=resource, now=now)
    if byline is not None:
        resource.byline = _byline(_taken(door, {}, byline)[1])
    if titles is not None:
        resource.titles = _titles(publication, _taken(door, titles, None)[0])
    if urls is not None:
        resource.urls = _urls(publication, urls)
    if published_on is not None:
        resource.published_on = published_on
    resource.edited_at = now
    session.flush()
    door.close()
    return resource


def move(
    session: Session,
    resource: Resource,
    *,
    category: Category | Unchanged | None = UNCHANGED,
    issue: Issue | Unchanged | None = UNCHANGED,
    position: int | None = None,
    now: datetime,
) -> Resource:
    """Put a resource elsewhere by hand; assembling again leaves it there.

    `category` None: under no heading. `issue` None: back into the inbox, for a later issue.
    `position` is the place under its heading, 1 the first; without it a resource that comes new
    under a heading stands last. A dropped resource comes back. Raises NotAllowedNow when an
    issue concerned went out, InputError for what belongs to another publication.
    """
    publication = session.get_one(Publication, resource.publication_id)
    if position is not None and position < 1:
        raise InputError("position", "places are counted from 1, the first under the heading")
    if position is not None and (resource.issue if issue is UNCHANGED else issue) is None:
        raise InputError(
            "position", "the inbox has no places, only an issue has; put it into one with --issue"
        )
    before = (resource.issue, resource.category)
    for concerned in {resource.issue, None if issue is UNCHANGED else issue}:
        if concerned is not None:
            touched(concerned, now)
    if category is not UNCHANGED:
        resource.category = _own(publication, category)
    if issue is not UNCHANGED:
        _to_issue(resource, issue)
    resource.dropped_at = None
    resource.edited_at = now
    if position is not None or before != (resource.issue, resource.category):
        _place(resource, position)
    session.flush()
    return resource


def drop(session: Session, resource: Resource, now: datetime) -> None:
    """Take a resource out for good: no issue takes it again. Raises NotAllowedNow when its
    issue went out."""
    if resource.issue is not None:
        touched(resource.issue, now)
    resource.issue = None
    resource.dropped_at = resource.edited_at = now
    resource.near_duplicate_of = None
    session.flush()
    session.execute(
        update(Resource)
        .where(Resource.near_duplicate_of == resource.id)
        .values(near_duplicate_of=None)
    )


def _to_issue(resource: Resource, issue: Issue | None) -> None:
    if issue is not None and issue.publication_id != resource.publication_id:
        raise InputError("issue", "the issue belongs to another publication")
    resource.withheld_from = resource.issue_id if issue is None else None
    resource.issue = issue


def _place(resource: Resource, position: int | None) -> None:
    there = resource.issue.resources if resource.issue is not None else []
    siblings = [r for r in there if r.category is resource.category and r is not resource]
    siblings = in_order(siblings)
    at = len(siblings) if position is None else position - 1
    siblings.insert(at, resource)
    close_gaps(siblings)


def _own(publication: Publication, category: Category | None) -> Category | None:
    if category is not None and category.publication_id != publication.id:
        raise InputError("category", f"'{category.key}' belongs to another publication")
    return category


def _taken(door: Door, titles: Mapping[str, str], byline: str | None) -> tuple[dict[str, str], str]:
    texts = door.take(arrivals.of_resource(byline, titles))
    kept = dict(zip(titles, texts, strict=False))
    return kept, "" if byline is None else texts[-1]


def _byline(text: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise InputError("byline", "say who published it")
    return line


def _titles(publication: Publication, titles: Mapping[str, str]) -> dict[str, str]:
    found = {c: " ".join(t.split()) for c, t in titles.items() if t.strip()}
    _require_languages(publication, "title", found)
    if not found:
        raise InputError("title", "give a title in at least one language")
    return found


def _urls(publication: Publication, urls: Mapping[str, str]) -> dict[str, str]:
    found = {c: u.strip() for c, u in urls.items() if u.strip()}
    _require_languages(publication, "url", found)
    for url in found.values():
        _require_web(url)
    return found


def _require_languages(publication: Publication, field: str, texts: Mapping[str, str]) -> None:
    unknown = next((c for c in texts if c not in publication.languages), None)
    if unknown is not None:
        there = ", ".join(publication.languages)
        raise InputError(field, f"the publication has no language '{unknown}'; it has {there}")


def _require_web(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    clean = not any(c.isspace() or not c.isprintable() or c in '<>"' for c in url)
    if parts.scheme.lower() not in ("http", "https") or not host or not clean:
        raise InputError("url", f"'{url[:80]}' is no web address; it starts with https://")
