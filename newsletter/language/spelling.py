"""Spellings of Burmese that are doubtful but not wrong in encoding: reported, never changed.

Which one is right is a matter of the word or of the house (အဓိပ္ပာယ် and အဓိပ္ပါယ် are both in
print), so an editor decides.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Doubt(NamedTuple):
    """Where a doubtful spelling stands, what is written, and what may be meant."""

    at: int
    found: str
    instead: str


_ROUND = "[\u1001\u1002\u1004\u1012\u1015\u101d]"
"""ခ ဂ င ဒ ပ ဝ take the tall ါ so that they are not read as another letter."""
_SQUARE = "[\u1000\u1003\u1005-\u100f\u1010\u1011\u1013\u1014\u1016-\u101c\u101e-\u1021]"
_KINDS = (
    (re.compile("\u1005\u103b"), "\u1005\u103b", "\u1008"),
    (re.compile("\u101e\u103c\u1031\u102c\u103a"), "\u101e\u103c\u1031\u102c\u103a", "\u102a"),
    (re.compile("\u101e\u103c(?![\u102b-\u1032\u1036-\u103e])"), "\u101e\u103c", "\u1029"),
    (re.compile("\u1015\u1039\u1015\u102b\u101a\u103a"), "\u102b", "\u102c"),
    (re.compile(f"(?<!\u1039){_ROUND}\u1031?\u102c"), "\u102c", "\u102b"),
    (re.compile(f"(?<![\u1039\u103a]){_SQUARE}\u1031?\u102b"), "\u102b", "\u102c"),
)
_WORD = re.compile(r"[^\s\u104a\u104b]+")


def spelling_doubts(text: str) -> tuple[Doubt, ...]:
    """The words of a text in which a letter may stand for another: စျ/ဈ, သြ/ဩ, ါ/ာ, ပါယ်/ပာယ်."""
    doubts = []
    for word in _WORD.finditer(text):
        other = word[0]
        for wanted, wrong, right in _KINDS:
            other = wanted.sub(lambda m, a=wrong, b=right: m[0].replace(a, b), other)  # type: ignore[misc]
        if other != word[0]:
            doubts.append(Doubt(word.start(), word[0], other))
    return tuple(doubts)
