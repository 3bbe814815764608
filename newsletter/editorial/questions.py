"""What was changed or asked in an issue, and what of it still waits for an answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, object_session

from newsletter.editorial import conversion_places as places
from newsletter.editorial.conversions import State, place_of
from newsletter.editorial.models import Conversion, Issue, Publication, Resource


def of_issue(session: Session, issue: Issue) -> list[Conversion]:
    """Everything that was changed or asked in an issue and in its resources, oldest first."""
    own = [resource.id for resource in issue.resources]
    mine = or_(Conversion.issue_id == issue.id, Conversion.resource_id.in_(own))
    return list(session.scalars(select(Conversion).where(mine).order_by(Conversion.id)))


def of_desk(session: Session, publication: Publication) -> list[Conversion]:
    """The same of a publication's settings, and of what lies in its inbox."""
    inbox = select(Resource.id).where(
        Resource.publication_id == publication.id,
        Resource.issue_id.is_(None),
        Resource.dropped_at.is_(None),
    )
    mine = and_(
        Conversion.publication_id == publication.id,
        Conversion.issue_id.is_(None),
        or_(Conversion.resource_id.is_(None), Conversion.resource_id.in_(inbox)),
    )
    return list(session.scalars(select(Conversion).where(mine).order_by(Conversion.id)))


def standing(session: Session, rows: Iterable[Conversion]) -> dict[int, str | None]:
    """What stands now at the place of each row, by the row's id; None when nothing does."""
    seen: dict[tuple[str, int], dict[tuple[str, str], str]] = {}
    found: dict[int, str | None] = {}
    for row in rows:
        owner = _owner(row)
        if owner not in seen:
            seen[owner] = dict(_texts(session, owner))
        language = "" if row.place == places.BYLINE else row.language
        found[row.id] = seen[owner].get((row.place, language))
    return found


def _owner(row: Conversion) -> tuple[str, int]:
    if row.resource_id is not None:
        return "resource", row.resource_id
    if row.issue_id is not None:
        return "issue", row.issue_id
    return "publication", row.publication_id


def _texts(session: Session, owner: tuple[str, int]) -> Iterator[tuple[tuple[str, str], str]]:
    kind, number = owner
    found: Iterable[tuple[str, str | None, str]]
    if kind == "resource":
        found = places.texts_of_resource(session.get_one(Resource, number))
    elif kind == "issue":
        found = places.texts_of_issue(session.get_one(Issue, number))
    else:
        found = places.texts_of_publication(session.get_one(Publication, number))
    for place, language, text in found:
        yield (place, language or ""), text


def is_open(row: Conversion, now_there: str | None) -> bool:
    """Does it wait for an answer? Not when the text was written anew meanwhile."""
    return row.state == State.ASKED and now_there == row.original


def open_questions(session: Session, issue: Issue) -> list[Conversion]:
    """What an editor has to answer before the issue is approved: its own texts, those of its
    resources, and those of the publication that stand in every mail."""
    own = [resource.id for resource in issue.resources]
    settings = and_(
        Conversion.publication_id == issue.publication_id,
        Conversion.issue_id.is_(None),
        Conversion.resource_id.is_(None),
    )
    mine = or_(Conversion.issue_id == issue.id, Conversion.resource_id.in_(own), settings)
    query = select(Conversion).where(mine, Conversion.state == State.ASKED)
    rows = session.scalars(query.order_by(Conversion.id)).all()
    there = standing(session, rows)
    return [row for row in rows if is_open(row, there[row.id])]


def problems(issue: Issue) -> Iterator[tuple[str, str, str]]:
    """(place, text, remedy) of each question that nobody answered: it forbids approval."""
    session = object_session(issue)
    if session is None:
        return
    for row in open_questions(session, issue):
        number = f"{issue.number} " if _owner(row)[0] != "publication" else ""
        yield (
            place_of(row),
            f"it may be in the old Zawgyi encoding and nobody has said which text is right "
            f"(question {row.id})",
            f"look at both with 'newsletter burmese {issue.number}', then run 'newsletter burmese "
            f"{number}--accept {row.id}' or '--keep {row.id}'",
        )
