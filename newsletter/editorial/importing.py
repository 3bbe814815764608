"""From a file to an issue: read it, make the issue, report what was not certain."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.core import clock
from newsletter.core.errors import InputError
from newsletter.core.settings import Language, shipped_languages
from newsletter.editorial import (
    conversions,
    decoding,
    filling,
    inbox,
    issue_file,
    issues,
    weekly_post,
    word_paste,
)
from newsletter.editorial.duplicates import near_duplicates
from newsletter.editorial.headings import Headings
from newsletter.editorial.issue_file import IssueFile
from newsletter.editorial.models import Category, Import, Issue, Publication, Resource
from newsletter.editorial.tongues import SHIPPED, Tongues
from newsletter.editorial.weekly_post import Post


@dataclass
class Imported:
    """The issue a file became; `again` when it had been imported before; what is to be said."""

    issue: Issue
    again: bool
    notes: list[str] = field(default_factory=list)


def read(
    data: bytes,
    name: str,
    *,
    language: str | None = None,
    headings: Sequence[str] = (),
    tongues: Tongues = SHIPPED,
) -> Post | IssueFile:
    """What a file says, whichever of the two forms it has; nothing is stored.

    InputError names the file, the line and the remedy for whatever is neither.
    """
    return _read(decoding.decode(data, name).text, name, language, headings, tongues)


def _read(
    text: str, name: str, language: str | None, headings: Sequence[str], tongues: Tongues
) -> Post | IssueFile:
    if issue_file.looks_like_one(text):
        return issue_file.parse(text, name)
    if word_paste.is_word_html(text):
        text = word_paste.as_text(text)
    return weekly_post.parse(text, name, language=language, headings=headings, tongues=tongues)


def store(
    session: Session,
    publication: Publication,
    data: bytes,
    name: str,
    *,
    language: str | None = None,
    category: Category | None = None,
    directory: Path | None = None,
    languages: Mapping[str, Language] | None = None,
    now: datetime,
) -> Imported:
    """Make a draft issue of a file: all of it or, on any error, nothing.

    `language` is that of a post's editorial; `category` takes the resources that stand under no
    heading; `directory` is where the images that an issue file names lie; `languages` are those
    of the settings, by whose scripts titles are told apart. The same file again
    changes nothing, or, with a category, only those of its resources that still have none.
    """
    _require_language(publication, language)
    tongues = Tongues.among(publication.languages, languages or shipped_languages())
    headings = Headings(session, publication, tongues, now)
    decoded = decoding.decode(data, name)
    content = _read(decoded.text, name, language, headings.known, tongues)
    earlier = _earlier(session, publication, digest := hashlib.sha256(data).hexdigest())
    if earlier is not None:
        return _again(session, earlier, content, category, name=name, now=now)
    issue = _empty_issue(session, publication, content, now)
    whole = filling.document(issue, content, language)
    if isinstance(content, Post):
        entries = filling.write_post(session, issue, content, language, now, whole=whole)
    else:
        filling.write_texts(session, issue, content, now, whole)
        filling.write_image(issue, content, directory=directory, name=name, now=now, whole=whole)
        entries = filling.file_entries(content)
        headings.declare(content.categories)
    filling.add_all(session, issue, entries, headings=headings, document=whole, name=name, now=now)
    changed = conversions.found_now(session, publication, now)
    notes = [*decoded.notes, *_notes(issue, content), *headings.notes]
    notes += conversions.told(changed, issue.number)
    if category is not None:
        notes.append(_categorise(session, issue, content, category, now))
    _record(session, issue, digest, name, now)
    return Imported(issue, again=False, notes=notes)


def _earlier(session: Session, publication: Publication, digest: str) -> Issue | None:
    """The issue this file became before; the lock makes two imports at once come one by one."""
    session.execute(
        select(Publication.id).where(Publication.id == publication.id).with_for_update()
    )
    found = session.scalar(
        select(Import).where(Import.publication_id == publication.id, Import.sha256 == digest)
    )
    if found is None:
        return None
    if found.issue_id is None:  # its issue is gone, so it may come again
        session.delete(found)
        session.flush()
        return None
    return session.get_one(Issue, found.issue_id)


def _again(
    session: Session,
    issue: Issue,
    content: Post | IssueFile,
    category: Category | None,
    *,
    name: str,
    now: datetime,
) -> Imported:
    what = "nothing was changed"
    if category is not None and _uncategorised(issue, content):
        what = _categorise(session, issue, content, category, now)
    said = f"{name} was imported before, as issue {issue.number}; {what}"
    return Imported(issue, again=True, notes=[said])


def _uncategorised(issue: Issue, content: Post | IssueFile) -> list[Resource]:
    """The resources of this file that still stand in its issue under no heading."""
    own = {tuple(resource.lines) for resource in content.resources}
    return [r for r in issue.resources if r.category is None and tuple(r.lines) in own]


def _categorise(
    session: Session,
    issue: Issue,
    content: Post | IssueFile,
    category: Category,
    now: datetime,
) -> str:
    """Put the resources without a heading under this one; their warnings are settled by it."""
    resources = _uncategorised(issue, content)
    for resource in resources:
        inbox.move(session, resource, category=category, now=now)
    settled = {line for resource in resources for line in resource.lines}
    issue.warnings = [
        w for w in issue.warnings if w.get("kind") != "no_category" or w["line"] not in settled
    ]
    return f"{len(resources)} resources without a heading were put under '{category.key}'"


def _require_language(publication: Publication, language: str | None) -> None:
    there = publication.languages
    if language is not None and language not in there:
        raise InputError(
            "language", f"the publication has no '{language}'; it has {', '.join(there)}"
        )


def _empty_issue(
    session: Session, publication: Publication, content: Post | IssueFile, now: datetime
) -> Issue:
    today = now.astimezone(clock.zone(publication.slot_zone)).date()
    day = (content.day or today) if isinstance(content, Post) else content.date
    issue = issues.create(session, publication, day=day, now=now)
    issue.image_expected = content.image_expected
    return issue


def _notes(issue: Issue, content: Post | IssueFile) -> list[str]:
    """Tie near duplicates together; a post's parser has said them, an issue file's has not."""
    doubled = _tie_duplicates(issue)
    if isinstance(content, Post):
        return []
    doubled += [
        f"the text in '{language}' is not written yet"
        for language, text in content.editions.items()
        if not text.written
    ]
    if content.number in (None, issue.number):
        return doubled
    said = f"the file calls itself issue {content.number}; it became issue {issue.number}"
    return [said, *doubled]


def _tie_duplicates(issue: Issue) -> list[str]:
    notes, resources = [], list(issue.resources)
    pairs = [(next(iter(r.titles.values())), r.byline) for r in resources]
    for later, earlier in near_duplicates(pairs).items():
        first, second = resources[earlier], resources[later]
        second.near_duplicate_of = first.id
        where = " and ".join(f"line {r.lines[0]}" for r in (first, second) if r.lines)
        notes.append(f"nearly the same resource twice: {where} (“{pairs[later][0]}”)")
    return notes


def _record(session: Session, issue: Issue, digest: str, name: str, now: datetime) -> None:
    session.add(
        Import(
            publication_id=issue.publication_id,
            issue_id=issue.id,
            sha256=digest,
            name=name,
            imported_at=now,
        )
    )
    session.flush()
