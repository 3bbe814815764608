"""The last part of a web address: short, in ASCII, and never made from Burmese.

Every tool that turns Burmese into ASCII leaves junk (m-n-maaniung), and percent-encoded it takes
nine bytes a letter and is cut in the middle of one.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date

_LONGEST = 60
_WORD = re.compile("[a-z0-9]+")
_APOSTROPHE = re.compile("(?<=[a-z])['’](?=[a-z])")


def slug(title: str, day: date, short_id: str) -> str:
    """An address for something that stands in an issue: from an English title, else from its day.

    `title` may be empty or in any language; accents are taken off, and what is in another script
    does not count. Without two letters in a row: 2026-03-08-k3f9, with `short_id`, which must be
    of a–z and 0–9. At most 60 characters, never cut inside a word unless it alone is longer.
    """
    folded = unicodedata.normalize("NFKD", title)
    plain = "".join(c for c in folded if not unicodedata.combining(c)).lower()
    if not _mostly_latin(plain):
        return f"{day.isoformat()}-{short_id}"
    return _shortened("-".join(_WORD.findall(_APOSTROPHE.sub("", plain))))


def _mostly_latin(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    latin = sum(character.isascii() for character in letters)
    return latin * 2 > len(letters) and re.search("[a-z]{2}", text) is not None


def _shortened(words: str) -> str:
    if len(words) <= _LONGEST:
        return words
    head = words[: _LONGEST + 1].rpartition("-")[0]
    return head or words[:_LONGEST]
