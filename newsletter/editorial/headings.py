"""From the headings of an imported file to the publication's categories."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.core.errors import NotFound
from newsletter.editorial import conversions, publications
from newsletter.editorial.issue_file import FileCategory
from newsletter.editorial.models import Category, Publication
from newsletter.editorial.tongues import Tongues


class Headings:
    """Finds the category a heading means; one that is not known becomes a new category, last."""

    def __init__(
        self, session: Session, publication: Publication, tongues: Tongues, now: datetime
    ) -> None:
        self.session = session
        self.tongues = tongues
        self.publication = publication
        self.now = now
        self.notes: list[str] = []
        self.declared: dict[str, Mapping[str, str]] = {}

    @property
    def known(self) -> list[str]:
        """All names and keys of categories there are."""
        return [
            name for c in self.publication.categories for name in (c.key, *c.names.values()) if name
        ]

    def declare(self, categories: Iterable[FileCategory]) -> None:
        """Names for categories, to be used where one has to be made."""
        self.declared |= {category.key: category.name for category in categories}

    def category(self, heading: str) -> Category:
        """The category of this name or key, made if need be."""
        kept = conversions.settled(self.tongues.of(heading) or self.tongues.first, heading)
        for wanted in (heading, heading.replace("&", "and"), kept, _key(heading)):
            try:
                return publications.category(self.publication, wanted)
            except NotFound:
                continue
        return self._new(heading)

    def _new(self, heading: str) -> Category:
        there = {c.key for c in self.publication.categories}
        key = _key(heading)
        if not key:
            key = next(k for n in range(1, len(there) + 2) if (k := f"category-{n}") not in there)
        for language, name in self._names(heading).items():
            place = f"categories.{key}.{language}"
            for change in publications.set_value(
                self.session, self.publication, place, name, now=self.now
            ):
                if change.startswith("issue "):
                    self.notes.append(change)
        self.notes.append(
            f"“{heading}” is a new category of the publication ({key}), after all others"
        )
        return publications.category(self.publication, key)

    def _names(self, heading: str) -> dict[str, str]:
        languages = self.publication.languages
        declared = self.declared.get(heading, {})
        names = {c: " ".join(n.split()) for c, n in declared.items() if c in languages}
        if names:
            return names
        tongue = self.tongues.of(heading)
        if tongue is None:
            self.notes.append(
                f"the publication has no language in the script of the heading “{heading}”; it "
                f"was taken as '{languages[0]}'"
            )
        return {tongue or languages[0]: heading}


def _key(heading: str) -> str:
    plain = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].strip("-")
