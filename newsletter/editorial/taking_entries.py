"""Entries of a source come into the inbox: each once ever, a text in two languages as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.core.clock import zone
from newsletter.editorial import arrivals, inbox
from newsletter.editorial.cleaning import is_anything
from newsletter.editorial.conversions import Arriving, Document
from newsletter.editorial.models import Publication, Resource
from newsletter.editorial.poll_times import next_poll
from newsletter.editorial.polling import Answer
from newsletter.editorial.recognising import Earlier, earlier
from newsletter.editorial.source_models import Source, SourceEntry
from newsletter.editorial.sources_kept import hashed
from newsletter.sources import links, page, tongues
from newsletter.sources.entry import Entry

_STALE = timedelta(days=45)
"""What is older is no news, even if it was not seen before: a site that moved gives all its old
entries new names."""
_MOST = 100
"""At one time; the rest comes with the next question."""
_AT_ONCE = 400
_GONE = 410


@dataclass
class Taken:
    """What became of one answer."""

    new: list[Resource] = field(default_factory=list)
    completed: list[Resource] = field(default_factory=list)
    """Resources that got their title in another language."""
    passed_over: int = 0
    """Too old, without a date at a first look, or in the inbox by another way."""
    problem: str = ""
    """Why there was nothing to take: a piece of a sentence."""
    fault: str = ""
    """What could not be read of what there was."""


def take_in(session: Session, answer: Answer, now: datetime, luck: float) -> Taken:
    """Put what is new into the inbox, and note when the source is asked next.

    `luck` (0 to 1) spreads the next questions. Nothing happens when the source was removed or its
    publication archived in the meantime.
    """
    query = select(Source).where(Source.id == answer.source_id)
    source = session.scalar(
        query.with_for_update(of=Source).execution_options(populate_existing=True)
    )
    if source is None or source.publication.archived_at is not None:
        return Taken(problem="it is no longer asked")
    every = timedelta(minutes=source.every_minutes)
    source.checked_at = now
    if answer.problem:
        source.failures += 1
        source.last_error = answer.problem[:500]
        source.active = source.active and answer.status != _GONE
        source.next_at = next_poll(now, every, source.failures, luck, answer.retry_after)
        return Taken(problem=answer.problem)
    taken, all_of_it = _entries(session, source, answer.entries, now)
    taken.fault = answer.fault
    source.seen_at, source.failures, source.last_error = now, 0, answer.fault[:500]
    source.next_at = next_poll(now, every, 0, luck, answer.retry_after)
    if answer.status != 304:
        source.etag = answer.marks.etag if all_of_it else ""
        source.last_modified = answer.marks.last_modified if all_of_it else ""
    session.flush()
    return taken


def _entries(
    session: Session, source: Source, entries: Sequence[Entry], now: datetime
) -> tuple[Taken, bool]:
    """What became of them, and whether all were dealt with."""
    taken = Taken()
    fresh = _unseen(session, source, entries)
    if not fresh:
        return taken, True
    wanted = [entry for entry in fresh if _is_news(source, entry, now)]
    wanted.sort(key=lambda entry: entry.published_at or now, reverse=True)
    wanted, later = wanted[:_MOST], wanted[_MOST:]
    kept = {entry.guid for entry in (*wanted, *later)}
    for entry in fresh:
        if entry.guid not in kept:
            _note(session, source, entry, None, now)
            taken.passed_over += 1
    intake = _Intake(session, source, wanted, now)
    for group in _groups(wanted):
        intake.take(group, taken)
    return taken, not later


def _unseen(session: Session, source: Source, entries: Sequence[Entry]) -> list[Entry]:
    by_hash = {hashed(entry.guid): entry for entry in reversed(entries)}
    known = set(_known(session, source, list(by_hash)))
    return [entry for name, entry in reversed(by_hash.items()) if name not in known]


def _known(session: Session, source: Source, hashes: list[str]) -> Iterable[str]:
    for start in range(0, len(hashes), _AT_ONCE):
        part = SourceEntry.guid_hash.in_(hashes[start : start + _AT_ONCE])
        query = select(SourceEntry.guid_hash).where(SourceEntry.source_id == source.id, part)
        yield from session.scalars(query)


def _is_news(source: Source, entry: Entry, now: datetime) -> bool:
    if source.seen_at is not None:
        return entry.published_at is None or entry.published_at >= now - _STALE
    since = now - timedelta(days=source.first_days)
    return entry.published_at is not None and entry.published_at >= since


def _groups(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Entries that are one text in several languages stand together."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        names = (entry.guid, *entry.translations)
        group = next((groups[name] for name in names if name in groups), [])
        group.append(entry)
        for name in names:
            groups.setdefault(name, group)
    return list({id(group): group for group in groups.values()}.values())


def _note(
    session: Session, source: Source, entry: Entry, resource: Resource | None, now: datetime
) -> None:
    session.add(
        SourceEntry(
            source_id=source.id,
            guid_hash=hashed(entry.guid),
            url_hash=hashed(links.same(entry.url)),
            seen_at=now,
            resource_id=None if resource is None else resource.id,
        )
    )


class _Intake:
    """One answer on its way into the inbox of one publication."""

    def __init__(
        self, session: Session, source: Source, entries: Sequence[Entry], now: datetime
    ) -> None:
        self._session = session
        self._source = source
        self._publication = source.publication
        self._now = now
        self._earlier: Earlier = earlier(session, source.publication, now)
        self._document = Document(source.publication, self._texts(entries))

    def take(self, group: list[Entry], taken: Taken) -> None:
        """One text: new, in a language more, or known by its link."""
        there = self._earlier.same_link(entry.url for entry in group) or self._sibling(group)
        by_language = self._by_language(group)
        if there is None:
            there = self._added(by_language)
            self._earlier.remember(there)
            taken.new.append(there)
        elif self._completed(there, by_language):
            taken.completed.append(there)
        else:
            taken.passed_over += len(group)
        for entry in group:
            _note(self._session, self._source, entry, there, self._now)
        self._session.flush()

    def _texts(self, entries: Sequence[Entry]) -> list[Arriving]:
        return [
            text
            for entry in entries
            for text in arrivals.of_resource(
                self._source.name, {self._language(entry): self._title(entry)}
            )
        ]

    def _language(self, entry: Entry) -> str:
        said = tongues.of(self._title(entry), self._source.language or entry.language)
        return fitting(self._publication, said)

    def _title(self, entry: Entry) -> str:
        for title in (entry.title, page.unread(entry.url).title):
            if is_anything(title):
                return title
        return links.host_of(entry.url)

    def _by_language(self, group: list[Entry]) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        for entry in group:
            found.setdefault(self._language(entry), entry)
        order = self._publication.languages
        return {code: found[code] for code in order if code in found}

    def _sibling(self, group: list[Entry]) -> Resource | None:
        """What came of the same text in another language, at an earlier time."""
        names = {name for entry in group for name in entry.translations}
        if not names:
            return None
        query = (
            select(Resource)
            .join(SourceEntry, SourceEntry.resource_id == Resource.id)
            .where(
                SourceEntry.source_id == self._source.id,
                SourceEntry.guid_hash.in_([hashed(name) for name in names]),
            )
        )
        return self._session.scalars(query.limit(1)).first()

    def _completed(self, resource: Resource, by_language: dict[str, Entry]) -> bool:
        """Whether it got a language that it lacked: only while it lies in the inbox."""
        more = {code: e for code, e in by_language.items() if code not in resource.titles}
        if not more or resource.issue_id is not None or resource.dropped_at is not None:
            return False
        inbox.complete(
            self._session,
            resource,
            titles={code: self._title(entry) for code, entry in more.items()},
            urls={code: entry.url for code, entry in more.items()},
            document=self._document,
            now=self._now,
        )
        return True

    def _added(self, by_language: dict[str, Entry]) -> Resource:
        dates = [e.published_at for e in by_language.values() if e.published_at is not None]
        return inbox.add(
            self._session,
            self._publication,
            byline=self._source.name,
            titles={code: self._title(entry) for code, entry in by_language.items()},
            urls={code: entry.url for code, entry in by_language.items()},
            category=self._source.category,
            published_on=day_of(self._publication, min(dates, default=None), self._now),
            now=self._now,
            document=self._document,
        )


def fitting(publication: Publication, language: str) -> str:
    """The language of the publication that this one is, or its first."""
    codes = publication.languages
    if language in codes:
        return language
    primary = language.partition("-")[0]
    alike = (code for code in codes if code.partition("-")[0] == primary)
    return next(alike, codes[0])


def day_of(publication: Publication, at: datetime | None, now: datetime) -> date:
    """The day in the publication's own calendar; today for what says none, or is to come."""
    moment = min(at or now, now).astimezone(UTC)
    return moment.astimezone(zone(publication.slot_zone)).date()
