"""Burmese syllables that browsers tear at the end of a line, found so that a page can hold them.

Chromium and WebKit look for words in a dictionary (ICU's `burmesedict`) and, where it fails
them, start a line inside a stack (ကမ္|ဘာ့), before kinzi (ဘ|င်္ဂလား) or before the second final
of a borrowed word (လင့်|ခ်). No character mends this: U+200B in the text breaks search and
copying, and Firefox tears a stack beside U+2060. The page must forbid the break by its style.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from newsletter.language.syllables import SYLLABLE_START, is_myanmar

_START = SYLLABLE_START.pattern
_CONSONANT = "[\u1000-\u1021]"
_INSIDE = rf"(?:(?!{_START})[\u1000-\u1021\u1025\u103f\u102b-\u103e])"
_STACK = "\u1039"
_SECOND_FINAL = f"[\u1037\u1038\u103a]{_CONSONANT}[\u103b\u103e]?\u1037?\u103a"
_TORN = rf"(?={_START}{_INSIDE}*?(?:{_STACK}|(?!{_START}){_SECOND_FINAL})){_START}{_INSIDE}*"
_FOREIGN_FINAL = (
    "[\u1001-\u1003\u1006\u1007\u1011-\u1013\u1016-\u1018\u101c\u101e\u101f]\u1037?\u103a"
)
_LOANED = rf"(?!ပုဒ်|ပိုဒ်|ဗိုလ်)(?={_START}{_INSIDE}*?(?!{_START}){_FOREIGN_FINAL}){_START}{_INSIDE}*"
"""A syllable that ends in a letter in which Burmese syllables do not: လုဒ်, ကျုဘ်, တာခ်.

The words left out are from Pali, so that the dictionary has them."""

_BORROWED = "|".join(
    (
        "အီးမေးလ်",
        "စပမ်း",
        "အွန်လိုင်း(?:စ်)?",
        "အကောင့်",
        "မက်ဆေ့(?:ချ်|ခ်ျ|ဂျ်)",
        "တွစ်တာ",
        "ကာစ်",
        "နိုက်(?=တက်|ဂျီး)",
        "ဆွစ်(?=ဇာ)",
        "အင်(?=ဒို)",
        "လွိုင်(?=ကော်)",
        "အမ်(?=နက်|ပီ)",
        "ဒီအမ်",
        "ကိုဗစ်",
        "ဒစ်(?=ဂျစ်)",
        "ဂစ်(?=တာ)",
        "လမ်(?=ပူ)",
        "မေလ်း",
        "အစ္စလာမ်",
        "လက်ျာ",
        "ဖစ်",
        "ဂျွန်",
        "ဒေးဗစ်",
        "တွမ်",
        "ထရမ့်",
        "ဝင်စာပုံး",
        "စာဖတ်သူ",
    )
)
"""Words that ICU's dictionary does not know and tears (found by ICU 72 over words of the news)."""

_FRAGILE = re.compile(rf"(?:{_BORROWED}|{_TORN}|{_LOANED})+")
_LONG = 40
_RUN = re.compile(r"[^\s\u200b]+")


class LongRun(NamedTuple):
    """Burmese without a space, longer than a line can bear: where it begins, and what it is."""

    at: int
    text: str


def long_runs(text: str, limit: int = _LONG) -> tuple[LongRun, ...]:
    """Every stretch of more than `limit` characters of the script without a space.

    Burmese puts spaces between phrases: half of them are shorter than 13 characters, one in a
    hundred is longer than 45. A mail program that breaks anywhere does it in such stretches.
    """
    if text.isascii():
        return ()
    found = ((run.start(), run[0]) for run in _RUN.finditer(text))
    return tuple(LongRun(at, run) for at, run in found if sum(map(is_myanmar, run)) > limit)


def hold_together(text: str, hold: Callable[[str], str]) -> str:
    """The text with `hold` applied to each run of syllables in which a browser breaks a line.

    Only syllables with a stacked consonant, with kinzi, with a second or a foreign final are at
    risk, and some borrowed words; a run is as short as it can be, so that a line may still end
    beside it.
    """
    return text if text.isascii() else _FRAGILE.sub(lambda found: hold(found[0]), text)
