"""The sources of a publication: named, changed, taken away, and how they are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, Literal

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from newsletter.core.errors import InputError, NotFound
from newsletter.core.fetching import Marks
from newsletter.editorial.models import Category, Publication
from newsletter.editorial.polling import Question
from newsletter.editorial.source_models import Source, SourceEntry
from newsletter.sources import links

KINDS = ("feed", "wordpress")
SHORTEST = 5
"""Minutes."""
LEASE = timedelta(minutes=15)
"""Whoever asks a source has it to itself so long; killed, another asks it after that."""
_AT_A_TIME = 20


class _Unchanged(Enum):
    UNCHANGED = "unchanged"


UNCHANGED: Final = _Unchanged.UNCHANGED


@dataclass(frozen=True, slots=True)
class Health:
    """How a source is: `state` is ok, new, failing or off."""

    state: Literal["ok", "new", "failing", "off"]
    this_week: int
    """Entries of the last seven days that came into the inbox."""
    taken: int
    """All that ever did."""


def add(
    session: Session,
    publication: Publication,
    *,
    kind: str,
    url: str,
    name: str,
    category: Category | None = None,
    language: str = "",
    every_minutes: int,
    first_days: int,
    now: datetime,
) -> Source:
    """Keep a source, to be asked at once. `name` is the byline of what comes from it.

    `language` empty: as each title shows it. Raises InputError by field, also when the
    publication has this source already.
    """
    if kind not in KINDS:
        raise InputError("kind", f"'{kind}' is none; a source is a feed or wordpress")
    made = Source(
        publication_id=publication.id,
        kind=kind,
        url=_url(url),
        url_hash=hashed(links.same(_url(url))),
        name=_name(name),
        category=_own(publication, category),
        language=_language(publication, language),
        every_minutes=_every(every_minutes),
        first_days=_days(first_days),
        active=True,
        etag="",
        last_modified="",
        added_at=now,
        next_at=now,
        failures=0,
        last_error="",
    )
    _require_new(session, made)
    session.add(made)
    session.flush()
    return made


def get(session: Session, publication: Publication, source_id: int) -> Source:
    """The source of this number; NotFound when the publication has no such one."""
    found = session.get(Source, source_id)
    if found is None or found.publication_id != publication.id:
        raise NotFound("source", f"there is no {source_id}; 'newsletter sources list' shows them")
    return found


def listing(session: Session, publication: Publication) -> list[Source]:
    """All sources of a publication by their names."""
    mine = select(Source).where(Source.publication_id == publication.id)
    return list(session.scalars(mine.order_by(func.lower(Source.name), Source.id)))


def edit(
    session: Session,
    source: Source,
    *,
    url: str | None = None,
    name: str | None = None,
    category: Category | _Unchanged | None = UNCHANGED,
    language: str | None = None,
    every_minutes: int | None = None,
    active: bool | None = None,
    now: datetime,
) -> Source:
    """Change what is given; None leaves a thing as it is. It is asked soon after.

    What came already stays as it is. Raises InputError as `add`.
    """
    if name is not None:
        source.name = _name(name)
    if category is not UNCHANGED:
        source.category = _own(source.publication, category)
    if language is not None:
        source.language = _language(source.publication, language)
    if every_minutes is not None:
        source.every_minutes = _every(every_minutes)
    if url is not None and _url(url) != source.url:
        source.url, source.url_hash = _url(url), hashed(links.same(_url(url)))
        source.etag = source.last_modified = ""
        _require_new(session, source)
    if active is not None:
        source.active = active
    source.failures, source.last_error, source.next_at = 0, "", now
    session.flush()
    return source


def remove(session: Session, source: Source) -> None:
    """Forget a source and what was seen there; what came from it into the inbox stays."""
    session.delete(source)
    session.flush()


def health(session: Session, sources: Sequence[Source], now: datetime) -> dict[int, Health]:
    """How each of these sources is, by its id."""
    week = _taken(session, sources, now - timedelta(days=7))
    ever = _taken(session, sources, None)
    return {
        one.id: Health(_state(one), week.get(one.id, 0), ever.get(one.id, 0)) for one in sources
    }


def is_any_due(session: Session, now: datetime) -> bool:
    """Whether there is anything to ask; nothing is taken."""
    waiting = select(Source.id).where(Source.active, Source.next_at <= now).limit(1)
    return session.scalar(waiting) is not None


def claim(session: Session, now: datetime, *, only: Sequence[int] | None = None) -> list[Question]:
    """Take the sources that are due, for this process alone and for a quarter of an hour.

    `only`: these, whether due or not. None of an archived publication, and none that is off.
    `now` is the database's clock.
    """
    query = (
        select(Source)
        .join(Publication, Publication.id == Source.publication_id)
        .where(Source.active, Publication.archived_at.is_(None))
    )
    due = Source.next_at <= now if only is None else Source.id.in_(only)
    waiting = query.where(due).order_by(Source.next_at, Source.id)
    waiting = waiting.limit(_AT_A_TIME if only is None else len(only))
    return [
        _question(one, now) for one in session.scalars(waiting).all() if _won(session, one, now)
    ]


def hashed(text: str) -> str:
    """A text of any length as one that every database can index."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _won(session: Session, source: Source, now: datetime) -> bool:
    """One UPDATE that only one process can win."""
    mine = update(Source).where(Source.id == source.id, Source.next_at == source.next_at)
    moved = session.execute(
        mine.values(next_at=now + LEASE).execution_options(synchronize_session=False)
    )
    assert isinstance(moved, CursorResult)  # noqa: S101
    session.expire(source, ["next_at"])
    return moved.rowcount == 1


def _question(source: Source, now: datetime) -> Question:
    first = now - timedelta(days=source.first_days)
    marks = Marks(source.etag, source.last_modified)
    return Question(source.id, source.kind, source.url, marks, source.seen_at or first)


def _taken(session: Session, sources: Sequence[Source], since: datetime | None) -> dict[int, int]:
    query = select(SourceEntry.source_id, func.count()).where(
        SourceEntry.source_id.in_([one.id for one in sources]),
        SourceEntry.resource_id.is_not(None),
    )
    if since is not None:
        query = query.where(SourceEntry.seen_at >= since)
    rows = session.execute(query.group_by(SourceEntry.source_id))
    return {source_id: count for source_id, count in rows}  # noqa: C416


def _state(source: Source) -> Literal["ok", "new", "failing", "off"]:
    if not source.active:
        return "off"
    if source.failures:
        return "failing"
    return "ok" if source.checked_at else "new"


def _require_new(session: Session, source: Source) -> None:
    mine = select(Source).where(
        Source.publication_id == source.publication_id, Source.url_hash == source.url_hash
    )
    with session.no_autoflush:
        there = next((one for one in session.scalars(mine) if one is not source), None)
    if there is not None:
        raise InputError("url", f"this is source {there.id} already ({there.name})")


def _url(url: str) -> str:
    found = links.absolute(url.strip(), url.strip())
    if not found:
        raise InputError("url", f"'{url[:80]}' is no web address; it starts with https://")
    return found


def _name(text: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise InputError("name", "say who publishes it: it is the byline of what comes from it")
    return line[:200]


def _language(publication: Publication, language: str) -> str:
    if language and language not in publication.languages:
        there = ", ".join(publication.languages)
        raise InputError(
            "language", f"the publication has no language '{language}'; it has {there}"
        )
    return language


def _every(minutes: int) -> int:
    if not SHORTEST <= minutes <= 10_080:
        raise InputError("every", "give minutes between 5 and 10080, which is a week")
    return minutes


def _days(days: int) -> int:
    if not 0 <= days <= 365:
        raise InputError("first_days", "give days between 0 and 365")
    return days


def _own(publication: Publication, category: Category | None) -> Category | None:
    if category is not None and category.publication_id != publication.id:
        raise InputError("category", f"'{category.key}' belongs to another publication")
    return category
