"""What a row of a list wishes: an edition (`my+en`, `both`, `Burmese`, `မြန်မာ`, `en_GB`), and
whether the mail must show nothing at first sight."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from newsletter.core.errors import InputError
from newsletter.core.log import redact

_NAMES = {
    "english": "en", "eng": "en", "အင်္ဂလိပ်": "en", "အင်္ဂလိပ်ဘာသာ": "en", "အင်္ဂလိပ်လို": "en",
    "burmese": "my", "myanmar": "my", "bur": "my", "mya": "my", "မြန်မာ": "my", "ဗမာ": "my",
    "မြန်မာဘာသာ": "my", "မြန်မာလို": "my", "ဗမာလို": "my",
    "shan": "shn", "kachin": "kac", "jingpho": "kac", "karen": "ksw", "mon": "mnw", "thai": "th",
    "chinese": "zh", "french": "fr", "german": "de", "spanish": "es",
    "နှစ်မျိုးလုံး": "both", "နှစ်ဘာသာ": "both", "နှစ်ဘာသာလုံး": "both", "bilingual": "both",
    "အားလုံး": "all",
}  # fmt: skip
_LANGUAGES = {*_NAMES, *_NAMES.values()}
_SPLIT = re.compile(r"[\s,;+/&|.()၊။_-]+")
_REGION = re.compile(r"\b([a-z]{2,3})[-_](?:[A-Za-z]{2}|\d{3})(?:\.[\w-]+)?\b")
_NO_MEANING = {"and", "နှင့်", "language", "edition"}


def name_languages(cells: Sequence[str]) -> bool:
    """Whether every cell that says something names a language, and so the column tells them."""
    said = [_words(cell) for cell in cells if cell.strip()]
    return bool(said) and all(words <= _LANGUAGES for words in said)


_YES = frozenset({"yes", "y", "true", "t", "1", "on", "x", "discreet", "ဟုတ်", "ဟုတ်ကဲ့"})
_NO = frozenset({"", "no", "n", "false", "f", "0", "off", "မဟုတ်", "မဟုတ်ပါ"})


class Wish(NamedTuple):
    """What a row says; `edition` is None where it has no word on it."""

    edition: str | None = None
    discreet: bool = False


class Wishes:
    """What a publication offers, and the wishes met in a list; number 0 is "no word on it"."""

    def __init__(self, editions: Sequence[str]) -> None:
        self._offered = tuple(editions)
        self._single = [edition for edition in editions if "+" not in edition]
        self.known = [Wish()]
        self.number = lru_cache(4096)(self._number)

    def _number(self, edition: str, discreet: str) -> int:
        """The number of the wish in two cells; InputError when one of them means nothing."""
        wish = Wish(self.edition(edition), _is_yes(discreet))
        if wish not in self.known:
            self.known.append(wish)
        return self.known.index(wish)

    def edition(self, text: str) -> str | None:
        """The edition a cell means: `my+en`, `en, my` and `both` are written `en+my`."""
        wanted = _words(text)
        if not wanted:
            return None
        if wanted == {"all"} or (wanted == {"both"} and len(self._single) < 3):
            return "+".join(self._single)
        return (
            self._joined(wanted)
            or self._joined(_words(_REGION.sub(r"\1", text)))
            or (self._none(text))
        )

    def _joined(self, wanted: set[str]) -> str | None:
        exact = [code for code in self._single if _words(code) == wanted]
        named = exact or [code for code in self._single if _words(code) <= wanted]
        if named and set().union(*map(_words, named)) == wanted:
            return "+".join(named)
        return None

    def _none(self, text: str) -> str:
        allowed = ", ".join(self._offered)
        shown = redact(text.strip())[:40]
        raise InputError("", f"there is no edition '{shown}'; write one of {allowed}")


def _is_yes(text: str) -> bool:
    word = text.strip().casefold()
    if word not in _YES | _NO:
        shown = redact(text.strip())[:40]
        raise InputError("", f"'{shown}' is neither yes nor no in the column 'discreet'")
    return word in _YES


def _words(text: str) -> set[str]:
    parts = (part.casefold() for part in _SPLIT.split(text))
    return {_NAMES.get(part, part) for part in parts} - {""} - _NO_MEANING
