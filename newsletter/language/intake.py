"""What becomes of a text that an editor or a file brings: the gate for Zawgyi, and the pass.

Unicode that is converted by mistake is destroyed in a way that still looks like Burmese, so a
conversion by itself needs two witnesses, the detector and the grammar of a syllable, for each
sentence; whatever they do not agree on is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Literal

from newsletter.language.normalising import normalised
from newsletter.language.well_formed import holds_letters_of_zawgyi, well_formed
from newsletter.language.zawgyi import CERTAIN, UNLIKELY, likelihood
from newsletter.language.zawgyi_conversion import converted

State = Literal["clean", "normalised", "converted", "asked"]

_ENOUGH = 12
"""So many characters of the script a sentence needs before it is evidence."""
_PIECE = re.compile("[^\u104b\n\r]+\u104b*|[\u104b\n\r]+")
_PHRASE = re.compile(r"\S+")
_MYANMAR = re.compile("[\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f]")
_ENOUGH_IN_A_PHRASE = 6
_NEIGHBOURS = re.compile("shn|mnw|ksw|kjp|pwo|blk|kar|pww|kyu|eky|kht|phk|aio|rbb|pll|kxf")
"""Languages with Unicode texts in the same script, in which Zawgyi is not expected."""

MIXED = (
    "Some of this text looks like the old Zawgyi encoding and some like Unicode, so nothing was "
    "converted: compare both versions and choose."
)
DOUBTFUL = (
    "This text may be in the old Zawgyi encoding, but that is not certain, so nothing was "
    "converted: compare both versions and choose."
)
SHORT = (
    "This text looks like the old Zawgyi encoding but is too short to be sure, so nothing was "
    "converted: compare both versions and choose."
)
OTHER_LANGUAGE = (
    "This text looks like the old Zawgyi encoding of Burmese but is tagged as another language, "
    "so nothing was converted: compare both versions and choose."
)
CONVERTED = (
    "This looked like the old Zawgyi encoding and was converted to Unicode: please check it."
)
NORMALISED = "Burmese letters or marks typed in another order or with look-alikes were put right."


@dataclass(frozen=True)
class Intake:
    """A text as it is to be stored, what was brought, and what an editor should know of it.

    `clean`: untouched. `normalised`: `text` is put right. `converted`: `text` was Zawgyi and is
    now Unicode; keep `original`. `asked`: `text` is the original, `proposed` what conversion
    would give; an editor chooses. `reasons` are sentences for editors, none for `clean`.
    """

    text: str
    original: str
    state: State
    proposed: str = ""
    reasons: tuple[str, ...] = ()


class _Verdict(Enum):
    NOTHING = "nothing to judge, or the same in both encodings"
    UNICODE = "Unicode"
    ZAWGYI = "Zawgyi"
    MIXED = "both in one sentence"
    DOUBTFUL = "cannot be told"
    SHORT = "too short, and looks like Zawgyi"
    FOLLOWS = "too short, and may be either"


@dataclass(frozen=True)
class _Piece:
    """One sentence, with the mark that ends it and the space around it."""

    text: str

    @cached_property
    def letters(self) -> int:
        return len(_MYANMAR.findall(self.text))

    @cached_property
    def likely(self) -> float:
        return likelihood(self.text)

    @cached_property
    def mended(self) -> str:
        """As if it were Unicode."""
        return normalised(self.text)

    @cached_property
    def unicode(self) -> str:
        """As if it were Zawgyi; the space around it stays."""
        core = self.text.strip()
        if not self.letters:
            return self.text
        before, _, after = self.text.partition(core)
        return f"{before}{normalised(converted(core))}{after}"

    @cached_property
    def same_in_both(self) -> bool:
        return not self.letters or self.unicode == self.mended

    @cached_property
    def surely_unicode(self) -> bool:
        """Also when it was typed in a wrong order, and mending it takes away all doubt."""
        if _refused(self.mended):
            return self.likely < UNLIKELY and self.letters >= _ENOUGH
        if self.likely < UNLIKELY:
            return True
        return likelihood(self.mended) < UNLIKELY and not self.good_if_converted

    @cached_property
    def good_if_converted(self) -> bool:
        return not _refused(self.unicode) and likelihood(self.unicode) < UNLIKELY

    @cached_property
    def surely_zawgyi(self) -> bool:
        """The grammar refuses it, even mended; both witnesses accept what conversion makes."""
        return self.likely > CERTAIN and _refused(self.mended) and self.good_if_converted

    @cached_property
    def verdict(self) -> _Verdict:
        if not self.letters:
            return _Verdict.NOTHING
        if self.letters < _ENOUGH:
            return self._verdict_of_few()
        if self._mixed():
            return _Verdict.MIXED
        if self.surely_unicode:
            return _Verdict.UNICODE
        if self.same_in_both:
            return _Verdict.NOTHING
        return _Verdict.ZAWGYI if self.surely_zawgyi else _Verdict.DOUBTFUL

    def _verdict_of_few(self) -> _Verdict:
        """Few characters are never enough to convert; they may be worth a question."""
        if self.surely_unicode:
            return _Verdict.UNICODE
        if self.same_in_both or _refused(self.unicode):
            return _Verdict.NOTHING
        asks = self.likely >= UNLIKELY and _refused(self.mended)
        if asks or (self.likely > CERTAIN and _refused(self.text)):
            return _Verdict.SHORT
        return _Verdict.FOLLOWS

    def _mixed(self) -> bool:
        """Whether phrases of the one sentence are surely of different encodings."""
        phrases = [_Piece(phrase) for phrase in _PHRASE.findall(self.text)]
        judged = [phrase for phrase in phrases if phrase.letters >= _ENOUGH_IN_A_PHRASE]
        return any(phrase.surely_zawgyi for phrase in judged) and any(
            phrase.surely_unicode and not phrase.same_in_both for phrase in judged
        )


def _refused(text: str) -> bool:
    return holds_letters_of_zawgyi(text) or not well_formed(text)


def taken_in(text: str, language: str) -> Intake:
    """What to store of a text in `language` (BCP 47), and what to tell or ask the editor.

    Only texts with Myanmar script are looked at, whatever the tag, because an English text may
    quote Burmese; only a text tagged as Burmese is normalised.
    """
    return taken_in_together([text], language)[0]


def taken_in_together(texts: Sequence[str], language: str) -> tuple[Intake, ...]:
    """The same for the fields of one document: a short title follows what the whole says."""
    fields = [_pieces(text) for text in texts]
    pieces = [piece for field in fields for piece in field]
    verdicts = {piece.verdict for piece in pieces}
    if _Verdict.ZAWGYI in verdicts:
        verdicts = {piece.verdict for piece in pieces if not piece.same_in_both}
    reason = _question(verdicts, language)
    if not reason and _Verdict.ZAWGYI not in verdicts:
        return tuple(_normalised(text, language) for text in texts)
    return tuple(
        _asked(text, field, reason, language) if reason else _converted(text, field, language)
        for text, field in zip(texts, fields, strict=True)
    )


def _question(verdicts: set[_Verdict], language: str) -> str:
    if _Verdict.MIXED in verdicts or {_Verdict.ZAWGYI, _Verdict.UNICODE} <= verdicts:
        return MIXED
    if _Verdict.DOUBTFUL in verdicts:
        return DOUBTFUL
    if _Verdict.ZAWGYI in verdicts:
        return OTHER_LANGUAGE if _NEIGHBOURS.fullmatch(_primary(language)) else ""
    return SHORT if _Verdict.SHORT in verdicts else ""


def _primary(language: str) -> str:
    return language.replace("_", "-").partition("-")[0].lower()


def _asked(text: str, pieces: list[_Piece], reason: str, language: str) -> Intake:
    doubted = [_Verdict.ZAWGYI, _Verdict.MIXED, _Verdict.DOUBTFUL, _Verdict.SHORT]
    if not any(piece.verdict in doubted for piece in pieces):
        return _normalised(text, language)
    return Intake(text, text, "asked", _in_unicode(pieces), (reason,))


def _converted(text: str, pieces: list[_Piece], language: str) -> Intake:
    if all(piece.same_in_both for piece in pieces):
        return _normalised(text, language)
    return Intake(_in_unicode(pieces), text, "converted", reasons=(CONVERTED,))


def _normalised(text: str, language: str) -> Intake:
    if _primary(language) != "my":
        return Intake(text, text, "clean")
    result = normalised(text)
    if result == text:
        return Intake(text, text, "clean")
    return Intake(result, text, "normalised", reasons=(NORMALISED,))


def _in_unicode(pieces: list[_Piece]) -> str:
    return "".join(p.text if p.verdict is _Verdict.UNICODE else p.unicode for p in pieces)


def _pieces(text: str) -> list[_Piece]:
    if not _MYANMAR.search(text):
        return [_Piece(text)]
    return [_Piece(sentence) for sentence in _PIECE.findall(text)]
