"""Orthographic syllables of Burmese, and the counts that rest on them.

UAX 29 grapheme clusters are the wrong unit: U+102B, U+102C and U+1038 are not SpacingMark, so
a cluster boundary lies inside ဖောက် and များ. A syllable starts at a consonant that is neither
a final (followed by asat, with or without the dot below, in either order NFC knows, or with a
medial as borrowed words have it: ဒေ့ရှ်) nor part of a stack (beside virama), or at an
independent vowel or symbol.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

_OF_NEIGHBOURS = (
    "\u1022\u1028\u1050-\u1055\u105a-\u105d\u1061\u1065\u1066\u106e-\u1070\u1075-\u1081\u108e"
    "\ua9e0-\ua9e4\ua9e7-\ua9ef\ua9fa-\ua9fe\uaa60-\uaa6f\uaa71-\uaa76\uaa7a\uaa7e\uaa7f"
)
"""Letters of Mon, Karen, Shan, Pa'O and others: titles in those languages are cut as well."""

_CONSONANT = f"\u1000-\u1021\u1025\u103f{_OF_NEIGHBOURS}"
_INDEPENDENT = "\u1023\u1024\u1026-\u102a\u104c-\u104f"
SYLLABLE_START = re.compile(
    rf"(?<!\u1039)(?:[{_CONSONANT}](?![\u103b\u103e]?\u1037?[\u103a\u1039])|[{_INDEPENDENT}])"
)
_MYANMAR = re.compile(r"[\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f]")
_ATTACHED = re.compile(r"[\u104a\u104b\u104f\u200b-\u200d\u2060\U0001f3fb-\U0001f3ff]")
_LATIN_WORD = re.compile(r"[^\W_\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f]+(?:['’\-][^\W_]+)*")


def is_myanmar(character: str) -> bool:
    """True for a character of the Myanmar script, whatever the language."""
    return _MYANMAR.match(character) is not None


def boundaries(text: str) -> list[int]:
    """Where a text may be cut: syllable starts, and any place that is not inside Burmese.

    Never before ၊ ။ ၏, a mark, or a combining character of another script.
    """
    starts = {match.start() for match in SYLLABLE_START.finditer(text)}
    found = [at for at in range(1, len(text)) if _may_cut(text, at, starts)]
    return [0, *found, len(text)] if text else [0]


def _may_cut(text: str, at: int, starts: set[int]) -> bool:
    here, before = text[at], text[at - 1]
    if _ATTACHED.match(here) or unicodedata.category(here)[0] == "M" or before in "\u1039\u200d":
        return False
    return at in starts or not is_myanmar(here) or not is_myanmar(before)


def syllables(text: str) -> list[str]:
    """The text in pieces that must not be cut; joined they give the text again."""
    places = boundaries(text)
    return [text[a:b] for a, b in pairwise(places)]


def count(text: str) -> tuple[int, int]:
    """How many Burmese syllables and how many words of other scripts a text holds."""
    return len(SYLLABLE_START.findall(text)), len(_LATIN_WORD.findall(text))
