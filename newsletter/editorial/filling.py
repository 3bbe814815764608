"""What a file says goes into an issue: editorials, image, resources."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from newsletter.core.errors import InputError
from newsletter.editorial import arrivals, images, inbox, issues, pictures, post_text
from newsletter.editorial.conversions import Document
from newsletter.editorial.headings import Headings
from newsletter.editorial.issue_file import IssueFile
from newsletter.editorial.models import Issue
from newsletter.editorial.picture_names import decorative
from newsletter.editorial.weekly_post import Post
from newsletter.rendering.markdown import escape, plain_blocks


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource of either form of file."""

    heading: str | None
    titles: Mapping[str, str]
    urls: Mapping[str, str]
    byline: str
    published_on: date
    lines: Sequence[int]


def write_post(
    session: Session,
    issue: Issue,
    post: Post,
    language: str | None,
    now: datetime,
    *,
    whole: Document | None = None,
) -> list[Entry]:
    """Write the editorial of a post in its language; gives back its resources."""
    tongue = _tongue(issue, post, language)
    issues.set_editorial(
        session,
        issue,
        tongue,
        title=post.title,
        body=markdown(post.paragraphs, post.footnotes),
        authors=post.authors,
        pull_quote=post.pull_quote,
        footnotes=[{"mark": mark, "text": text} for mark, text in post.footnotes.items()],
        about=post.about,
        reading_minutes=post.reading_minutes,
        document=whole or document(issue, post, language),
        now=now,
    )
    issue.warnings = [{"line": n.line, "text": n.text, "kind": n.kind} for n in post.notices]
    return [
        Entry(r.heading, _fitting(issue, r.titles, r.lines), {}, r.byline, issue.date, r.lines)
        for r in post.resources
    ]


def _tongue(issue: Issue, post: Post, language: str | None) -> str:
    there = issue.publication.languages
    return language or (post.language if post.language in there else there[0])


def document(issue: Issue, content: Post | IssueFile, language: str | None) -> Document:
    """All that a file says, to be judged as one: is it in an old encoding?"""
    if isinstance(content, IssueFile):
        return arrivals.of_issue_file(issue.publication, content)
    body = markdown(content.paragraphs, content.footnotes)
    return arrivals.of_post(issue.publication, content, _tongue(issue, content, language), body)


def _fitting(issue: Issue, titles: Mapping[str, str], lines: Sequence[int]) -> dict[str, str]:
    """Titles in the publication's own languages; one in another is said: moved, or left out."""
    there = issue.publication.languages
    found = {c: title for c, title in titles.items() if c in there}
    moved = next(iter(titles)) if not found else None
    if moved:
        found[there[0]] = titles[moved]
    warned = []
    for place, (code, title) in enumerate(titles.items()):
        if code not in there:
            what = f"it was taken as '{there[0]}'" if code == moved else "it was left out"
            text = f"the publication does not have the language of “{title}”; {what}"
            warned.append({"line": lines[2 * place], "text": text, "kind": "not_understood"})
    issue.warnings = [*issue.warnings, *warned]
    return found


def markdown(paragraphs: Sequence[str], marks: Mapping[str, str]) -> str:
    """Plain paragraphs as Markdown that shows them exactly; `[1]` with a note becomes `[^1]`."""
    return "\n\n".join(_paragraph(text, marks) for text in paragraphs)


def _paragraph(text: str, marks: Mapping[str, str]) -> str:
    pieces, seen = post_text.MARK.split(text), text
    for place in range(1, len(pieces), 2):
        digits, mark = pieces[place], str(int(pieces[place]))
        pieces[place] = f"[^{mark}]" if mark in marks else escape(f"[{digits}]")
        seen = seen.replace(f"[{digits}]", f"[{mark}]") if mark in marks else seen
    pieces[::2] = [escape(piece) for piece in pieces[::2]]
    whole = "".join(pieces)
    return whole if plain_blocks(whole) == [seen] else escape(text)


def write_texts(
    session: Session,
    issue: Issue,
    content: IssueFile,
    now: datetime,
    whole: Document | None = None,
) -> None:
    """Write the editorials of an issue file, and what an earlier import warned of."""
    whole = whole or document(issue, content, None)
    for language, text in content.editions.items():
        if not text.written and not text.title.strip():
            continue
        issues.set_editorial(
            session,
            issue,
            language,
            title=text.title,
            body=text.body,
            authors=text.authors,
            pull_quote=text.pull_quote,
            footnotes=[note.model_dump() for note in text.footnotes],
            about=text.about,
            reading_minutes=text.reading_minutes,
            document=whole,
            now=now,
        )
    issue.warnings = [warning.model_dump() for warning in content.warnings]


def write_image(
    issue: Issue,
    content: IssueFile,
    *,
    directory: Path | None,
    name: str,
    now: datetime,
    whole: Document | None = None,
) -> None:
    """Keep the image an issue file names: one beside the file, else one kept before."""
    alts = content.image_alternatives
    if content.image_decorative:
        alts = decorative(issue.publication.languages)
    if content.image is None:
        issue.image_alts = issues.image_words(issue, alts, now, whole)
        return
    session, folder = pictures.session_of(issue), directory or Path()
    there = os.path.lexists(folder / content.image)
    stored = None if there else pictures.find(session, content.image)
    if stored is None:
        data = _image_bytes(folder, content.image, name)
        try:
            stored = pictures.store(session, data)
        except InputError as err:
            raise InputError(name, f"the image {content.image}: {err.message}") from err
    issues.set_image(issue, stored, alts, now, whole)


def _image_bytes(folder: Path, image: str, name: str) -> bytes:
    """A regular file in this directory or below it, never more than an image may be large.

    The file may come from anybody, so a link that leads out of the directory is not followed,
    and neither a pipe nor a device is waited for.
    """
    strange = f"the image {image} is no file of this directory; put it beside the text"
    try:
        path = (folder / image).resolve(strict=True)
        if not path.is_relative_to(folder.resolve()):
            raise InputError(name, strange)
        with open(path, "rb", opener=_without_following) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InputError(name, strange)
            data = file.read(images.LARGEST_FILE + 1)
    except IsADirectoryError as err:
        raise InputError(name, strange) from err
    except (OSError, RuntimeError) as err:
        why = getattr(err, "strerror", None) or "its links go in a circle"
        raise InputError(
            name, f"the image {folder / image} cannot be read ({why}); put it beside the file"
        ) from err
    return _not_too_large(data, image, name)


def _without_following(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _not_too_large(data: bytes, image: str, name: str) -> bytes:
    if len(data) > images.LARGEST_FILE:
        most = images.LARGEST_FILE // 1024**2
        raise InputError(name, f"the image {image} is larger than {most} MB; take a smaller one")
    return data


def file_entries(content: IssueFile) -> list[Entry]:
    """The resources of an issue file."""
    return [
        Entry(r.category, r.title, r.link, r.byline, r.published or content.date, r.lines)
        for r in content.resources
    ]


def add_all(
    session: Session,
    issue: Issue,
    entries: Sequence[Entry],
    *,
    headings: Headings,
    document: Document,
    name: str,
    now: datetime,
) -> None:
    """Put the resources into the issue in their order; InputError names the line."""
    for position, entry in enumerate(entries):
        try:
            resource = inbox.add(
                session,
                issue.publication,
                byline=entry.byline,
                titles=entry.titles,
                urls=entry.urls,
                category=None if entry.heading is None else headings.category(entry.heading),
                published_on=entry.published_on,
                lines=entry.lines,
                document=document,
                now=now,
            )
        except InputError as err:
            where = f"{name}:{entry.lines[0]}" if entry.lines else name
            raise InputError(where, f"{err.field}: {err.message}") from err
        resource.issue, resource.position = issue, position
    session.flush()
