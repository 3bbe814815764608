"""Issues: made, found, written, approved. What an editor does to one, from draft to held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, func, inspect, select
from sqlalchemy.orm import Session, object_session

from newsletter.core.errors import InputError, NotAllowedNow, NotFound
from newsletter.editorial import arrivals, pictures
from newsletter.editorial.conversions import Document, Door
from newsletter.editorial.describing import describe
from newsletter.editorial.freezing import content_hash
from newsletter.editorial.models import Editorial, Issue, Publication
from newsletter.editorial.states import EDITABLE, Status, require_move

if TYPE_CHECKING:
    from newsletter.editorial.checks import Problem
    from newsletter.editorial.picture_names import StoredImage

__all__ = [
    "approve",
    "cancel",
    "content_hash",
    "create",
    "describe",
    "editorial",
    "get",
    "hold",
    "image_words",
    "latest",
    "listing",
    "lock",
    "set_editorial",
    "set_image",
    "submit",
    "touched",
]


def create(
    session: Session,
    publication: Publication,
    *,
    day: date,
    now: datetime,
    week: str | None = None,
) -> Issue:
    """An empty draft with the publication's next number; `day` is the date readers see."""
    locked = select(Publication.id).where(Publication.id == publication.id).with_for_update()
    session.execute(locked)  # two editors at once must not be given the same number
    last = session.scalar(
        select(func.max(Issue.number)).where(Issue.publication_id == publication.id)
    )
    issue = Issue(
        publication=publication,
        number=(last or 0) + 1,
        week=week,
        date=day,
        status=Status.DRAFT,
        warnings=[],
        image_alts={},
        image_expected=False,
        created_at=now,
        changed_at=now,
        editorials=[],
        resources=[],
    )
    session.add(issue)
    session.flush()
    return issue


def get(session: Session, publication: Publication, number: int) -> Issue:
    """The issue of this number; NotFound says which there are."""
    found = session.scalar(_of(publication).where(Issue.number == number))
    if found is None:
        last = latest(session, publication)
        there = f"the latest is {last.number}" if last else "there is none yet"
        raise NotFound("issue", f"'{publication.slug}' has no issue {number}; {there}")
    return found


def latest(session: Session, publication: Publication) -> Issue | None:
    """The issue with the highest number."""
    return session.scalar(_of(publication).order_by(Issue.number.desc()).limit(1))


def listing(session: Session, publication: Publication) -> list[Issue]:
    """All issues, newest first."""
    return list(session.scalars(_of(publication).order_by(Issue.number.desc())))


def lock(issue: Issue) -> None:
    """Look at the issue's state again and keep others from changing it until this unit ends.

    On a server of several processes an edit and the firing of the slot may meet; the later one
    must see what the earlier one did. (SQLite writes one after the other anyway.)
    """
    session = object_session(issue)
    if session is not None and inspect(issue).persistent:
        session.flush()  # a refresh throws away what was not flushed
        session.refresh(issue, ["status", "content_hash", "launched_at"], with_for_update=True)


def touched(issue: Issue, now: datetime) -> None:
    """To be called on every edit: what was approved, scheduled or held is a draft again.

    Raises NotAllowedNow when the issue can no longer be edited.
    """
    lock(issue)
    if issue.status not in EDITABLE:
        raise NotAllowedNow(
            f"issue {issue.number} is {issue.status} and can no longer be edited; "
            "what is to be said now belongs into the next issue"
        )
    issue.status = Status.DRAFT
    issue.content_hash = None
    issue.approved_at = None
    issue.held_reason = None
    issue.changed_at = now


def approve(session: Session, issue: Issue, problems: Iterable[Problem], *, now: datetime) -> None:
    """Say yes to the issue as it stands now and freeze it by its hash.

    `problems` come from `checks.check`; one of level error refuses with all errors named.
    An issue approved before is approved anew and keeps its slot.
    """
    errors = [p for p in problems if p.level == "error"]
    if errors:
        listed = "; ".join(f"{p.place}: {p.text}" for p in errors)
        raise NotAllowedNow(f"issue {issue.number} cannot be approved yet: {listed}")
    lock(issue)
    if issue.status not in (Status.APPROVED, Status.SCHEDULED):
        require_move(issue.number, issue.status, Status.APPROVED)
        issue.status = Status.APPROVED
    session.flush()
    issue.content_hash = content_hash(issue)
    issue.approved_at = now
    issue.held_reason = None


def submit(issue: Issue, now: datetime) -> None:
    """Put a draft before the colleague who approves."""
    lock(issue)
    require_move(issue.number, issue.status, Status.IN_REVIEW)
    issue.status, issue.changed_at = Status.IN_REVIEW, now


def hold(issue: Issue, reason: str, now: datetime) -> None:
    """Stop the issue before it goes out and say why; an approval stays valid."""
    lock(issue)
    require_move(issue.number, issue.status, Status.HELD)
    issue.status, issue.held_reason, issue.changed_at = Status.HELD, reason, now


def cancel(issue: Issue, now: datetime) -> None:
    """Give the issue up. Before anything left, its resources go back to the inbox and its week
    is free again; afterwards they stay with it, since readers have seen them."""
    lock(issue)
    require_move(issue.number, issue.status, Status.CANCELLED)
    if issue.launched_at is None:
        issue.resources = []
        issue.week = None
    issue.status, issue.changed_at = Status.CANCELLED, now


def editorial(issue: Issue, language: str) -> Editorial | None:
    """The written piece in this language."""
    return next((e for e in issue.editorials if e.language == language), None)


def set_editorial(
    session: Session,
    issue: Issue,
    language: str,
    *,
    title: str,
    body: str,
    authors: Sequence[str] = (),
    pull_quote: str = "",
    footnotes: Sequence[Mapping[str, str]] = (),
    about: str = "",
    reading_minutes: int | None = None,
    document: Document | None = None,
    now: datetime,
) -> Editorial:
    """Write the editorial in one language, or write it anew; the issue becomes a draft.

    `body` is Markdown with notes as `[^1]`; `footnotes` are `{"mark": "1", "text": "…"}` in the
    order of the text; `reading_minutes` None means: compute it; `document` is the file that it
    all came in. Raises InputError for a language
    the publication does not have, NotAllowedNow when the issue went out.
    """
    _require_language(issue, language)
    _require_title_for_a_subject(title, language)
    notes = [_footnote(note) for note in footnotes]
    touched(issue, now)
    door = Door(session, issue.publication, issue=issue, document=document, now=now)
    title, body, pull_quote, about, *others = door.take(
        arrivals.of_editorial(
            language,
            title=title,
            body=body,
            pull_quote=pull_quote,
            about=about,
            authors=authors,
            notes=[note["text"] for note in notes],
        )
    )
    texts = others[len(authors) :]
    found = editorial(issue, language)
    if found is None:
        found = Editorial(language=language)
        issue.editorials.append(found)
    found.title, found.body = title.strip(), body.strip("\n")
    found.authors, found.pull_quote = others[: len(authors)], pull_quote.strip()
    found.footnotes = [note | {"text": text} for note, text in zip(notes, texts, strict=True)]
    found.about, found.reading_minutes = about.strip(), reading_minutes
    found.changed_at = now
    session.flush()
    door.close()
    return found


def image_words(
    issue: Issue, alts: Mapping[str, str], now: datetime, document: Document | None = None
) -> dict[str, str]:
    """The words for an image's readers as they are to be kept, by language."""
    session = object_session(issue)
    if session is None:
        return dict(alts)
    door = Door(session, issue.publication, issue=issue, document=document, now=now)
    texts = door.take(arrivals.of_image(alts))
    door.close()
    return dict(zip(alts, texts, strict=True))


def set_image(
    issue: Issue,
    stored: StoredImage,
    alts: Mapping[str, str],
    now: datetime,
    document: Document | None = None,
) -> None:
    """Give the issue its featured image; `alts` says per language what is to be seen on it.

    Every text empty says that it is decorative. The image before is forgotten when nothing else
    shows it.
    """
    for language in alts:
        _require_language(issue, language)
    touched(issue, now)
    before = issue.image_name
    issue.image_name = stored.name
    issue.image_width, issue.image_height = stored.width, stored.height
    issue.image_alts = image_words(issue, alts, now, document)
    session = object_session(issue)
    if session is not None and before != stored.name:
        pictures.discard(session, before)


def _of(publication: Publication) -> Select[Issue]:
    return select(Issue).where(Issue.publication_id == publication.id)


def _require_language(issue: Issue, language: str) -> None:
    there = issue.publication.languages
    if language not in there:
        raise InputError(
            "language", f"the publication has no '{language}'; it has {', '.join(there)}"
        )


def _require_title_for_a_subject(title: str, language: str) -> None:
    """The title becomes the Subject, where `=?` begins an encoded-word (RFC 2047 §2)."""
    if "=?" in title:
        raise InputError(
            "title",
            f"the title in '{language}' holds '=?', which mail programs read as a code; "
            "write '= ?' instead",
        )


def _footnote(note: Mapping[str, str]) -> dict[str, Any]:
    mark, text = str(note.get("mark", "")).strip(), str(note.get("text", "")).strip()
    if not mark or not text:
        raise InputError("footnotes", "each note needs a mark and a text")
    return {"mark": mark, "text": text}
