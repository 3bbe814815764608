"""Which of a publication's languages a line is written in, as far as its script tells. Pure."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from newsletter.core.settings import Language
from newsletter.editorial.post_lines import is_myanmar

_NAMES = {
    "LATIN": ("Latn",),
    "CYRILLIC": ("Cyrl",),
    "GREEK": ("Grek",),
    "ARABIC": ("Arab", "Aran"),
    "HEBREW": ("Hebr",),
    "DEVANAGARI": ("Deva",),
    "BENGALI": ("Beng",),
    "TAMIL": ("Taml",),
    "SINHALA": ("Sinh",),
    "THAI": ("Thai",),
    "LAO": ("Laoo",),
    "KHMER": ("Khmr",),
    "TIBETAN": ("Tibt",),
    "HANGUL": ("Kore", "Hang"),
    "HIRAGANA": ("Jpan", "Hrkt"),
    "KATAKANA": ("Jpan", "Hrkt"),
    "CJK": ("Hans", "Hant", "Hani", "Jpan", "Kore"),
}
"""How Unicode's names of letters begin, and the codes of ISO 15924 that may be meant."""


def scripts_of(text: str) -> tuple[str, ...]:
    """The script of most of its letters, by the codes a language may call it; else nothing."""
    if is_myanmar(text):
        return ("Mymr",)
    words = (unicodedata.name(c, "").partition(" ")[0] for c in text if c.isalpha())
    known = Counter(word for word in words if word in _NAMES)
    return _NAMES[known.most_common(1)[0][0]] if known else ()


def is_latin(text: str) -> bool:
    """Is it written in Latin letters, or without any that we know?"""
    return scripts_of(text) in ((), ("Latn",))


class Tongues:
    """The languages of a publication in its order, with their scripts."""

    def __init__(self, scripts: Mapping[str, str]) -> None:
        self.scripts = dict(scripts)

    @classmethod
    def among(cls, codes: Sequence[str], languages: Mapping[str, Language]) -> Tongues:
        """Of these languages, each written as the settings say."""
        known = {code: languages[code].script for code in codes if code in languages}
        return cls({code: known.get(code, "Latn") for code in codes})

    @property
    def first(self) -> str:
        """The language that stands in where none can be told."""
        return next(iter(self.scripts))

    def of(self, text: str, likely: str | None = None) -> str | None:
        """The language of the text: the likely one if its script fits, else the first that fits.

        None when no language is written so. Without any letter the likely or first one.
        """
        named = scripts_of(text)
        if not named:
            return likely or self.first
        fitting = [code for code, script in self.scripts.items() if script in named]
        return likely if likely in fitting else next(iter(fitting), None)


SHIPPED = Tongues({"en": "Latn", "my": "Mymr"})
"""Those that need no settings of their own."""
UNKNOWN = "und"
"""BCP 47 for a language that could not be told."""
