"""Which resources are nearly the same one. Pure.

The same paper is often listed twice in a week, once as a statement and once as a report, with a
title that differs in a word. Both stay; the editor is told.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher

_ALIKE = 0.88
_LONGEST = 400
"""Letters looked at: comparing takes time that grows with the square."""
_NUMBER = re.compile(r"\d+")


def near(a: tuple[str, str], b: tuple[str, str]) -> bool:
    """Whether two (title, byline) pairs most likely name the same thing.

    Titles that differ in a number ("Update No. 34", "No. 35") are two things of one series.
    """
    return _near(_plain(a), _plain(b))


def near_duplicates(items: Sequence[tuple[str, str]]) -> dict[int, int]:
    """For each (title, byline) pair that resembles an earlier one: its index → the first such."""
    plain = [_plain(item) for item in items]
    found: dict[int, int] = {}
    for later in range(len(plain)):
        for earlier in range(later):
            if earlier not in found and _near(plain[earlier], plain[later]):
                found[later] = earlier
                break
    return found


def _plain(item: tuple[str, str]) -> tuple[str, str]:
    return _bare(item[0]), _bare(item[1])


def _bare(text: str) -> str:
    """Letters, marks and digits only: case, dashes and spaces make no difference."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = (c if unicodedata.category(c)[0] in "LMN" else " " for c in folded)
    return " ".join("".join(kept).split())[:_LONGEST]


def _near(a: tuple[str, str], b: tuple[str, str]) -> bool:
    if _NUMBER.findall(a[0]) != _NUMBER.findall(b[0]):
        return False
    return _alike(a[1], b[1]) and _alike(a[0], b[0])


def _alike(a: str, b: str) -> bool:
    if a == b:
        return True
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    return (
        matcher.real_quick_ratio() >= _ALIKE
        and matcher.quick_ratio() >= _ALIKE
        and matcher.ratio() >= _ALIKE
    )
