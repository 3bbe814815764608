"""What becomes of a text that an editor or a file brings: the gate for Zawgyi, and the pass.

Unicode that is converted by mistake is destroyed in a way that still looks like Burmese, so a
conversion by itself needs two witnesses, the detector and the grammar of a syllable, for each
sentence; whatever they do not agree on is asked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
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
    QUIET = "too short, and looks like Unicode"


@dataclass(frozen=True)
class _Piece:
    text: str
    unicode: str
    verdict: _Verdict


def taken_in(text: str, language: str) -> Intake:
    """What to store of a text in `language` (BCP 47), and what to tell or ask the editor.

    Only texts with Myanmar script are looked at, whatever the tag, because an English text may
    quote Burmese; only a text tagged as Burmese is normalised.
    """
    return taken_in_together([text], language)[0]


def taken_in_together(texts: Sequence[str], language: str) -> tuple[Intake, ...]:
    """The same for the fields of one document: a short title follows what the whole says."""
    fields = [_pieces(text) for text in texts]
    verdicts = {piece.verdict for pieces in fields for piece in pieces}
    reason = _question(verdicts, language)
    if reason:
        return tuple(
            _asked(text, pieces, reason, language)
            for text, pieces in zip(texts, fields, strict=True)
        )
    if _Verdict.ZAWGYI in verdicts:
        return tuple(
            _converted(text, pieces, language) for text, pieces in zip(texts, fields, strict=True)
        )
    return tuple(_normalised(text, language) for text in texts)


def _question(verdicts: set[_Verdict], language: str) -> str:
    if _Verdict.MIXED in verdicts or {_Verdict.ZAWGYI, _Verdict.UNICODE} <= verdicts:
        return MIXED
    if _Verdict.ZAWGYI in verdicts and _Verdict.QUIET in verdicts:
        return MIXED
    if _Verdict.DOUBTFUL in verdicts:
        return DOUBTFUL
    if _Verdict.ZAWGYI in verdicts:
        return "" if _primary(language) in ("my", "en") else OTHER_LANGUAGE
    return SHORT if _Verdict.SHORT in verdicts else ""


def _primary(language: str) -> str:
    return language.replace("_", "-").partition("-")[0].lower()


def _asked(text: str, pieces: list[_Piece], reason: str, language: str) -> Intake:
    doubted = [_Verdict.ZAWGYI, _Verdict.MIXED, _Verdict.DOUBTFUL, _Verdict.SHORT]
    if not any(piece.verdict in doubted for piece in pieces):
        return _normalised(text, language)
    return Intake(text, text, "asked", _in_unicode(pieces), (reason,))


def _converted(text: str, pieces: list[_Piece], language: str) -> Intake:
    result = _in_unicode(pieces)
    if result in (_plain(text), normalised(text)):
        return _normalised(text, language)
    return Intake(result, text, "converted", reasons=(CONVERTED,))


def _normalised(text: str, language: str) -> Intake:
    if _primary(language) != "my":
        return Intake(text, text, "clean")
    result = normalised(text)
    if result == text:
        return Intake(text, text, "clean")
    return Intake(result, text, "normalised", reasons=(NORMALISED,))


def _in_unicode(pieces: list[_Piece]) -> str:
    kept = (_Verdict.UNICODE, _Verdict.QUIET)
    return "".join(p.text if p.verdict in kept else p.unicode for p in pieces)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _pieces(text: str) -> list[_Piece]:
    if not _MYANMAR.search(text):
        return [_Piece(text, text, _Verdict.NOTHING)]
    return [_judged(sentence) for sentence in _PIECE.findall(text)]


def _judged(sentence: str) -> _Piece:
    unicode = _converted_piece(sentence)
    return _Piece(sentence, unicode, _verdict(sentence, unicode))


def _converted_piece(sentence: str) -> str:
    """The sentence in Unicode with the spaces around it as they were."""
    core = sentence.strip()
    before, _, after = sentence.partition(core) if core else (sentence, "", "")
    return f"{before}{normalised(converted(core))}{after}"


def _verdict(sentence: str, unicode: str) -> _Verdict:
    letters = len(_MYANMAR.findall(sentence))
    if letters == 0 or unicode in (_plain(sentence), normalised(sentence)):
        return _Verdict.NOTHING
    likely = likelihood(sentence)
    if letters < _ENOUGH:
        return _verdict_of_few(sentence, unicode, likely)
    mixed = _mixed(sentence)
    if mixed:
        return _Verdict.MIXED
    if likely < UNLIKELY:
        return _Verdict.UNICODE
    return (
        _Verdict.ZAWGYI
        if likely > CERTAIN and _both_agree(sentence, unicode)
        else _Verdict.DOUBTFUL
    )


def _both_agree(sentence: str, unicode: str) -> bool:
    """The grammar refuses the source, even mended, and both accept what conversion makes of it."""
    if not _refused(normalised(sentence)) or _refused(unicode):
        return False
    return likelihood(unicode) < UNLIKELY


def _refused(text: str) -> bool:
    return holds_letters_of_zawgyi(text) or not well_formed(text)


def _verdict_of_few(sentence: str, unicode: str, likely: float) -> _Verdict:
    """Few characters are never enough to convert; this says whether they are worth a question."""
    if likely < UNLIKELY:
        return _Verdict.FOLLOWS if _refused(normalised(sentence)) else _Verdict.QUIET
    if _refused(unicode):
        return _Verdict.QUIET
    if _refused(normalised(sentence)) or (likely > CERTAIN and _refused(sentence)):
        return _Verdict.SHORT
    return _Verdict.FOLLOWS


def _mixed(sentence: str) -> bool:
    """Whether phrases of one sentence are surely of different encodings."""
    found = {_verdict_of_phrase(phrase) for phrase in _PHRASE.findall(sentence)}
    return {_Verdict.UNICODE, _Verdict.ZAWGYI} <= found


def _verdict_of_phrase(phrase: str) -> _Verdict:
    if len(_MYANMAR.findall(phrase)) < _ENOUGH_IN_A_PHRASE:
        return _Verdict.NOTHING
    unicode = normalised(converted(phrase))
    if unicode == normalised(phrase):
        return _Verdict.NOTHING
    likely = likelihood(phrase)
    if likely < UNLIKELY and well_formed(normalised(phrase)):
        return _Verdict.UNICODE
    if likely > CERTAIN and _both_agree(phrase, unicode):
        return _Verdict.ZAWGYI
    return _Verdict.NOTHING
