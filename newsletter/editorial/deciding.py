"""An editor answers: the proposed text takes its place, or the original stays or comes back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

from newsletter.core.errors import NotAllowedNow, NotFound
from newsletter.editorial import (
    cleaning,
    conversions,
    inbox,
    issues,
    logos,
    publications,
    questions,
)
from newsletter.editorial import conversion_places as places
from newsletter.editorial.conversions import State
from newsletter.editorial.models import Conversion, Editorial, Issue, Publication, Resource

Answer = Literal["accept", "keep"]


def chosen(rows: Sequence[Conversion], number: int) -> Conversion:
    """The row of this number among those of an issue; NotFound when it is none of them."""
    found = next((row for row in rows if row.id == number), None)
    if found is None:
        there = ", ".join(str(row.id) for row in rows) or "none"
        raise NotFound("question", f"there is no {number} here; there is {there}")
    return found


def decide(session: Session, row: Conversion, answer: Answer, *, now: datetime) -> bool:
    """Take the proposed text, or keep the original; False when it was so already.

    Works both ways at any time, so that a conversion can be undone. Where the text changes, its
    issue becomes a draft, as by any edit. Raises NotAllowedNow when the text was written anew
    meanwhile, when the issue went out, and for what was taken out because no text may hold it.
    """
    state = State.ACCEPTED if answer == "accept" else State.KEPT
    wanted = row.proposed if answer == "accept" else row.original
    here = questions.standing(session, [row])[row.id]
    if here == wanted and row.state != State.ASKED:
        return False
    if here not in (row.original, row.proposed):
        raise NotAllowedNow(
            f"{conversions.place_of(row)} was written anew since, so {row.id} asks nothing more"
        )
    if answer == "keep" and row.state == State.NORMALISED:
        _require_harmless(row)
    row.state, row.decided_at = state, now
    session.flush()  # the door looks the decision up when the text comes through it
    if here != wanted:
        _write(session, row, wanted, now)
    return True


def _require_harmless(row: Conversion) -> None:
    if all(reason.startswith(cleaning.TAKEN) for reason in row.reasons):
        raise NotAllowedNow(
            f"{conversions.place_of(row)}: what was taken out may not come back "
            f"({'; '.join(row.reasons)})"
        )


def _write(session: Session, row: Conversion, text: str, now: datetime) -> None:
    if row.resource_id is not None:
        _into_resource(session, row, text, now)
    elif row.issue_id is None:
        _into_settings(session, row, text, now)
    elif row.place.startswith(places.IMAGE):
        issue = session.get_one(Issue, row.issue_id)
        issues.touched(issue, now)
        issue.image_alts = {**issue.image_alts, row.language: text}
    else:
        _into_editorial(session, row, text, now)
    session.flush()


def _into_resource(session: Session, row: Conversion, text: str, now: datetime) -> None:
    resource = session.get_one(Resource, row.resource_id)
    if row.place == places.BYLINE:
        inbox.edit(session, resource, byline=text, now=now)
    else:
        inbox.edit(session, resource, titles={**resource.titles, row.language: text}, now=now)


def _into_settings(session: Session, row: Conversion, text: str, now: datetime) -> None:
    publication = session.get_one(Publication, row.publication_id)
    if row.place.startswith(places.LOGO):
        logos.say_otherwise(session, publication, row.language, text, now)
        return
    first, _, rest = row.place.partition(" ")
    key = f"categories.{rest}.{row.language}" if first == "category" else rest.replace(" ", ".")
    publications.set_value(session, publication, key, text, now=now)


def _into_editorial(session: Session, row: Conversion, text: str, now: datetime) -> None:
    issue = session.get_one(Issue, row.issue_id)
    written = next(e for e in issue.editorials if e.language == row.language)
    part = row.place.removeprefix(places.of_editorial(row.language, ""))
    issues.set_editorial(session, issue, row.language, **_with(written, part, text), now=now)


def _with(written: Editorial, part: str, text: str) -> dict[str, Any]:
    """All texts of an editorial, this one changed."""
    kind, _, number = part.partition(" ")
    authors, notes = list(written.authors), [dict(note) for note in written.footnotes]
    if kind == "author":
        authors[int(number) - 1] = text
    elif kind == "note":
        notes[int(number) - 1]["text"] = text
    texts: dict[str, Any] = {
        "title": written.title,
        "body": written.body,
        "pull_quote": written.pull_quote,
        "about": written.about,
        "authors": authors,
        "footnotes": notes,
        "reading_minutes": written.reading_minutes,
    }
    single = part.replace(" ", "_")
    return texts | ({single: text} if single in texts else {})
