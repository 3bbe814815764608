"""What of a publication stands on the web: issues that went out and were not withdrawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, extract, select
from sqlalchemy.orm import Session

from newsletter.core.errors import InputError
from newsletter.editorial import edition_codes
from newsletter.editorial.models import Issue, Publication


@dataclass(frozen=True, slots=True)
class Title:
    """An issue's title in one language, and where it is read in it."""

    language: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The issue before or after, by its number and its title in the best language there is."""

    number: int
    title: Title


def listing(
    session: Session, publication: Publication, *, year: int | None = None, limit: int | None = None
) -> list[Issue]:
    """The issues everybody may read, the newest first; of one year only, or only the latest."""
    shown = _gone_out(publication).order_by(Issue.number.desc()).limit(limit)
    if year is not None:
        shown = shown.where(extract("year", Issue.date) == year)
    return list(session.scalars(shown))


def _gone_out(publication: Publication) -> Select[Issue]:
    return select(Issue).where(
        Issue.publication_id == publication.id,
        Issue.launched_at.is_not(None),
        Issue.withdrawn_at.is_(None),
    )


def years(session: Session, publication: Publication) -> list[int]:
    """The years in which something went out, the latest first."""
    days = session.scalars(_gone_out(publication).with_only_columns(Issue.date))
    return sorted({day.year for day in days}, reverse=True)


def path(base: str, publication: Publication, number: int, edition: str) -> str:
    """Where an edition stands; `+` is written so that no program mangles it."""
    return f"{base}/archive/{publication.slug}/{number}/{edition.replace('+', '-')}"


def titles(base: str, issue: Issue, first: str) -> tuple[Title, ...]:
    """The titles of an issue in its publication's languages, the wished one first."""
    written = {e.language: e.title for e in issue.editorials if e.title}
    order = [code for code in issue.publication.languages if code in written]
    order.sort(key=lambda code: code != first)
    return tuple(
        Title(code, written[code], path(base, issue.publication, issue.number, code))
        for code in order
    )


def offered(issue: Issue, current: str) -> list[str]:
    """The editions an issue can be read in: each language and all of them, a pair only while it
    is the one being read."""
    publication = issue.publication
    languages = publication.languages
    written = {e.language for e in issue.editorials}
    spare = publication.fallback_language in written
    several = [edition for edition in ("+".join(languages), current) if "+" in edition]
    return [
        edition
        for edition in dict.fromkeys([*languages, *several])
        if spare or written.issuperset(edition.split("+"))
    ]


def meant(issue: Issue, edition: str) -> str | None:
    """The edition a link means, also a link from before the languages were changed.

    A language that the publication has given up falls out; where it was the only one, the first
    stands that the issue has a text in. None for what never was an edition of this issue.
    """
    languages = issue.publication.languages
    written = [e.language for e in issue.editorials]
    known = [*languages, *(code for code in written if code not in languages)]
    try:
        named = edition_codes.parse(known, edition)
    except InputError:
        return None
    left = edition_codes.remaining(languages, named)
    return left or next((code for code in languages if code in written), None)


def neighbours(
    session: Session, base: str, issue: Issue, edition: str
) -> tuple[Neighbour | None, Neighbour | None]:
    """The issue before and the one after, as far as everybody may read them."""
    around = _gone_out(issue.publication)
    before = around.where(Issue.number < issue.number).order_by(Issue.number.desc()).limit(1)
    after = around.where(Issue.number > issue.number).order_by(Issue.number).limit(1)
    return (
        _neighbour(base, session.scalar(before), edition),
        _neighbour(base, session.scalar(after), edition),
    )


def _neighbour(base: str, issue: Issue | None, edition: str) -> Neighbour | None:
    if issue is None:
        return None
    there = titles(base, issue, edition.split("+", maxsplit=1)[0])
    if not there:
        return None
    same = edition if edition in offered(issue, edition) else there[0].language
    url = path(base, issue.publication, issue.number, same)
    return Neighbour(issue.number, Title(there[0].language, there[0].text, url))


def shows_picture(session: Session, name: str) -> bool:
    """Whether a picture may be fetched: it stands in an issue that everybody may read, or is a
    logo, or a test of hosted pictures needs it before the issue is out."""
    publications = select(Publication.id)
    if session.scalar(publications.where(Publication.logo_name == name).limit(1)) is not None:
        return True
    named = select(Issue.id).join(Publication, Issue.publication_id == Publication.id)
    out = Issue.launched_at.is_not(None) | Publication.hosted_images.is_(True)
    here = named.where(Issue.image_name == name, Issue.withdrawn_at.is_(None), out)
    return session.scalar(here.limit(1)) is not None


def pairs(editions: Iterable[str], urls: Sequence[str]) -> list[tuple[str, str]]:
    """hreflang and address of each edition of one page (BCP 47 has no name for two languages at
    once: that page is what `x-default` is for)."""
    found = list(zip(editions, urls, strict=True))
    several = next((url for edition, url in found if "+" in edition), None)
    single = [(edition, url) for edition, url in found if "+" not in edition]
    default = several or (single[0][1] if single else None)
    return [*single, *([("x-default", default)] if default and len(found) > 1 else [])]
