"""The one door for a text that may be in an old encoding, in a wrong order, or unclean.

Every way in goes through it: files, the inbox, the editor's page, settings, feeds. What is certain
is put right at once and its original kept; what is not certain stays as it came and is asked, and
no issue is approved before it is answered. Built on `language.intake` (what is Zawgyi) and
`cleaning` (what no text should hold).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from sqlalchemy import ColumnElement, and_, inspect, or_, select
from sqlalchemy.orm import Session

from newsletter.editorial import cleaning
from newsletter.editorial.cleaning import Cleaned
from newsletter.editorial.models import Conversion, Issue, Publication, Resource
from newsletter.language import normalising
from newsletter.language.intake import Intake, taken_in, taken_in_together

Kind = Literal["line", "plain", "prose"]
_SHAPES: dict[Kind, Callable[[str], Cleaned]] = {
    "line": cleaning.line,
    "plain": cleaning.plain,
    "prose": cleaning.prose,
}
_MOST_CHANGES = 12
"""Words shown of a text that was put right; the whole of it can be compared anyway."""

_MOST_SAID = 4


class State(StrEnum):
    """What became of a text; the last three are for editors to change."""

    NORMALISED = "normalised"
    CONVERTED = "converted"
    ASKED = "asked"
    ACCEPTED = "accepted"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Arriving:
    """A text on its way in: where it shall stand, in which language, as a line or as more.

    Language None is for a name that has none of its own, such as a publisher's.
    """

    place: str
    language: str | None
    text: str
    kind: Kind = "line"


class Document:
    """The texts of one file, judged together: a short title follows what the whole says, and of
    a file that holds both encodings nothing is converted unasked."""

    def __init__(self, publication: Publication, texts: Iterable[Arriving]) -> None:
        self.publication = publication
        together: dict[str, dict[str, None]] = {}
        for one in texts:
            shaped = _SHAPES[one.kind](one.text).text
            together.setdefault(_language(publication, one), {})[shaped] = None
        self._verdicts: dict[tuple[str, str], Intake] = {
            (language, text): found
            for language, group in together.items()
            for text, found in zip(group, taken_in_together(list(group), language), strict=True)
        }

    def verdict(self, language: str, text: str) -> Intake:
        """What is to become of this text of the file."""
        return self._verdicts.get((language, text)) or taken_in(text, language)


class Door:
    """The texts of one issue, resource or publication on their way in.

    First `take`, then, once what they belong to has an id, `close`: it keeps the originals in
    the same transaction. A text that came before, to the same place, is not asked again.
    """

    def __init__(
        self,
        session: Session,
        publication: Publication,
        *,
        issue: Issue | None = None,
        resource: Resource | None = None,
        document: Document | None = None,
        now: datetime,
    ) -> None:
        self.session = session
        self.publication = publication
        self.issue, self.resource = issue, resource
        self.document = document
        self.now = now
        self.found: list[Conversion] = []

    def take(self, arriving: Sequence[Arriving]) -> list[str]:
        """The texts as they are to be kept, in the order given."""
        document = self.document or Document(self.publication, arriving)
        return [self._one(one, document) for one in arriving]

    def _one(self, one: Arriving, document: Document) -> str:
        language = _language(self.publication, one)
        clean = _SHAPES[one.kind](one.text)
        verdict = document.verdict(language, clean.text)
        if verdict.state == "clean" and not clean.reasons:
            return verdict.text
        made = _row(one, language, clean, verdict)
        if made is None:
            return verdict.text
        earlier = self._earlier(made, cleaning.visible(one.text))
        if earlier is not None:
            return _as_decided(earlier, clean.text)
        if made.state == State.ASKED and self._answered_in_part(made):
            return clean.text
        self.found.append(made)
        return made.original if made.state == State.ASKED else made.proposed

    def close(self, resource: Resource | None = None) -> list[Conversion]:
        """Store what was found; `resource` is the one that was made meanwhile."""
        owner = resource or self.resource
        for row in self.found:
            row.publication_id = self.publication.id
            row.issue_id = None if owner or self.issue is None else self.issue.id
            row.resource_id = None if owner is None else owner.id
            row.found_at = self.now
            self.session.add(row)
        if self.found:
            self.session.flush()
        return self.found

    def _earlier(self, made: Conversion, raw: str) -> Conversion | None:
        """The row of the same text at the same place, or of the text that was accepted there."""
        same = or_(
            Conversion.original.in_({made.original, raw}),
            and_(Conversion.proposed == made.original, Conversion.state == State.ACCEPTED),
        )
        return next(iter(self._rows(made, same)), None)

    def _rows(self, made: Conversion, wanted: ColumnElement[bool]) -> Sequence[Conversion]:
        owner = _owned_by(self.publication, self.issue, self.resource)
        if owner is None:
            return []
        there = and_(Conversion.place == made.place, Conversion.language == made.language)
        query = select(Conversion).where(owner, there, wanted).order_by(Conversion.id.desc())
        with self.session.no_autoflush:
            return self.session.scalars(query).all()

    def _answered_in_part(self, made: Conversion) -> bool:
        """Were all its doubtful sentences kept before, in an earlier form of this text?"""
        kept = self._rows(made, Conversion.state == State.KEPT)
        known = {piece for row in kept for piece in _doubtful(row)}
        return bool(kept) and _doubtful(made) <= known


def _language(publication: Publication, one: Arriving) -> str:
    if one.language is not None:
        return one.language
    burmese = (code for code in publication.languages if code.partition("-")[0] == "my")
    return next(burmese, publication.languages[0])


def _owned_by(
    publication: Publication, issue: Issue | None, resource: Resource | None
) -> ColumnElement[bool] | None:
    """Rows of just this thing; None while it has no id, because then there are none."""
    if resource is not None:
        return Conversion.resource_id == resource.id
    if issue is not None:
        return Conversion.issue_id == issue.id
    if not inspect(publication).has_identity:
        return None
    mine = Conversion.publication_id == publication.id
    return and_(mine, Conversion.issue_id.is_(None), Conversion.resource_id.is_(None))


def _row(one: Arriving, language: str, clean: Cleaned, verdict: Intake) -> Conversion | None:
    """What is to be kept of a text that changed or is in doubt; None for the same text in NFC."""
    state = State.NORMALISED if verdict.state == "clean" else State(verdict.state)
    proposed = verdict.proposed if state == State.ASKED else verdict.text
    if state == State.NORMALISED and not clean.reasons and _same(clean.text, proposed):
        return None
    changed = verdict.state != "clean" and not _same(clean.text, proposed)
    words = _words_put_right(clean.text) if state == State.NORMALISED else verdict.reasons
    return Conversion(
        place=one.place,
        language=language,
        original=clean.text if changed else cleaning.visible(one.text),
        proposed=proposed,
        state=state,
        reasons=[*clean.reasons, *(words if changed else ())],
    )


def _same(one: str, other: str) -> bool:
    """Canonically equivalent texts are the same text (Unicode, chapter 3, C6)."""
    return unicodedata.normalize("NFC", one) == other


def _words_put_right(text: str) -> list[str]:
    found = normalising.changes(text)
    said = [f"“{c.before}” → “{c.after}” ({c.rule})" for c in found]
    said = list(dict.fromkeys(said))
    more = len(said) - _MOST_CHANGES
    return [*said[:_MOST_CHANGES], f"and {more} more"] if more > 0 else said


def _as_decided(row: Conversion, text: str) -> str:
    if row.state in (State.ASKED, State.KEPT):
        return text
    return row.proposed


def _doubtful(row: Conversion) -> set[str]:
    """The sentences that the proposal writes differently; all of it when they do not pair."""
    before, after = (_sentences(text) for text in (row.original, row.proposed))
    if len(before) != len(after):
        return {row.original}
    return {one for one, other in zip(before, after, strict=True) if one != other}


def _sentences(text: str) -> list[str]:
    return [one.strip() for one in text.replace("။", "။\n").split("\n")]


def settled(language: str, text: str) -> str:
    """How this line would be kept if it came now: for looking names up that were taken in."""
    return taken_in(cleaning.line(text).text, language).text


def found_now(session: Session, publication: Publication, now: datetime) -> list[Conversion]:
    """What was found in this very unit, of which all doors were given the same `now`."""
    mine = and_(Conversion.publication_id == publication.id, Conversion.found_at == now)
    return list(session.scalars(select(Conversion).where(mine).order_by(Conversion.id)))


def told(rows: Sequence[Conversion], number: int | None = None) -> list[str]:
    """What happened to texts on their way in, each in a sentence, and how to go on from there;
    `number` is that of their issue."""
    if not rows:
        return []
    command = f"newsletter burmese {number}" if number else "newsletter burmese"
    asked = [str(row.id) for row in rows if row.state == State.ASKED]
    last = f"both texts of each stand side by side in '{command}'; --keep ID puts an original back"
    if asked:
        last = (
            f"nothing is approved before {', '.join(asked)} is answered: see '{command}', then "
            "--accept ID (the proposed text) or --keep ID (the original), or all"
        )
    return [*map(sentence, rows), last]


def sentence(row: Conversion) -> str:
    """What happened to a text, for whoever brought it in."""
    more = [f"and {len(row.reasons) - _MOST_SAID} more"] if len(row.reasons) > _MOST_SAID else []
    place, why = place_of(row), "; ".join([*row.reasons[:_MOST_SAID], *more])
    if row.state == State.CONVERTED:
        return f"{place}: converted from the old Zawgyi encoding, please check it ({row.id})"
    if row.state == State.ASKED:
        return f"{place}: {why.rstrip('.')} (question {row.id})"
    return f"{place}: {why}"


def place_of(row: Conversion) -> str:
    """Where it stands, as an editor finds it: with the number of the resource."""
    if row.resource_id is None:
        return f"{row.place} {row.language}" if row.place.startswith("category ") else row.place
    return row.place.replace("resource", f"resource {row.resource_id}", 1)
