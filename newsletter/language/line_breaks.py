"""Burmese syllables that browsers tear at the end of a line, found so that a page can hold them.

Chromium and WebKit look for words in a dictionary (ICU's `burmesedict`) and, where it fails
them, start a line inside a stack (ကမ္|ဘာ့), before kinzi (ဘ|င်္ဂလား) or before the second final
of a borrowed word (လင့်|ခ်). No character mends this: U+200B in the text breaks search and
copying, and Firefox tears a stack beside U+2060. The page must forbid the break by its style.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from newsletter.language.syllables import SYLLABLE_START

_START = SYLLABLE_START.pattern
_CONSONANT = "[\u1000-\u1021]"
_INSIDE = rf"(?:(?!{_START})[\u1000-\u1021\u1025\u103f\u102b-\u103e])"
_STACK = "\u1039"
_SECOND_FINAL = f"[\u1037\u1038\u103a]{_CONSONANT}[\u103b\u103e]?\u1037?\u103a"
_TORN = rf"(?={_START}{_INSIDE}*?(?:{_STACK}|(?!{_START}){_SECOND_FINAL})){_START}{_INSIDE}*"
_BORROWED = "အီးမေးလ်|စပမ်း"
"""Words of our own pages that no dictionary knows: Chromium writes အီး|မေးလ် and even စပ|မ်း."""
_FRAGILE = re.compile(rf"(?:{_BORROWED}|{_TORN})+")


def hold_together(text: str, hold: Callable[[str], str]) -> str:
    """The text with `hold` applied to each run of syllables in which a browser breaks a line.

    Only syllables with a stacked consonant, with kinzi or with a second final are at risk, and a
    few borrowed words; a run is as short as it can be, so that a line may still end beside it.
    """
    return text if text.isascii() else _FRAGILE.sub(lambda found: hold(found[0]), text)
