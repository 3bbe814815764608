"""Burmese typed in the wrong order or with look-alikes, written as Unicode means it.

NFC alone mends two things only (ဥ+ီ, and asat before the dot below), because all other marks of
the script have combining class 0. A wrong order draws a dotted circle in a browser; ၀ for ဝ
looks right and breaks search, sorting and screen readers. Words with a letter of Shan, Mon,
Karen or Pa'O are left as they are: their orders are others.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from newsletter.language.well_formed import holds_other_letters, is_rime

_INVISIBLE = "[\u00ad\u034f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]"
_LETTER = "[\u1000-\u102a\u103f\u104c-\u104f]"
_BASE = "[\u1000-\u1021\u1025\u103f]"
_MARK = "[\u102b-\u1032\u1036-\u1038\u103a-\u103e]"
_DIGIT = "[0-9\u1040-\u1049]"
_MEDIALS = "[\u103b-\u103e]"
_FINAL = f"{_BASE}{_MEDIALS}?\u1037?\u103a"
_ORDER = (
    "\u103b\u103c\u103d\u103e\u1031\u102d\u102e\u1032\u102f\u1030\u102b\u102c\u1036\u1037\u1038"
)
_MOST_ROUNDS = 8


class Change(NamedTuple):
    """One word that the pass writes differently: where it stood, both spellings, and why."""

    at: int
    before: str
    after: str
    rule: str


class _Rule(NamedTuple):
    name: str
    apply: Callable[[str], str]


def _by(name: str, pattern: str, written: str | Callable[[re.Match[str]], str]) -> _Rule:
    wanted = re.compile(pattern)
    return _Rule(name, lambda word: wanted.sub(written, word))


def _in_order(found: re.Match[str]) -> str:
    """The marks in order, unless no Burmese word has these together: Karen writes လံာ်."""
    ordered = "".join(sorted(set(found[0]), key=_ORDER.index))
    return ordered if is_rime(ordered) else found[0]


def _composed(word: str) -> str:
    return unicodedata.normalize("NFC", word)


_RULES = (
    _Rule("letters and marks in their composed form (NFC)", _composed),
    _by(
        "an invisible character taken out",
        f"(?<=[\u1000-\u109f]){_INVISIBLE}+|{_INVISIBLE}+(?=[\u1000-\u109f])",
        "",
    ),
    _by(
        "a space before a mark taken out",
        f"(?<=[\u1000-\u103f])[ \t\u00a0]+(?=[\u102b-\u1030\u1032\u1036-\u1038\u103a])"
        f"|(?<={_BASE})[ \t\u00a0]+(?={_MEDIALS}(?!{_BASE}))",
        "",
    ),
    _by("asat typed twice", "\u103a\u103a+", "\u103a"),
    _by(
        "ေ typed before its consonant",
        f"(?<![\u1000-\u1021\u1025\u103f\u103b-\u103e\u1031])\u1031+"
        f"((?:\u1004\u103a\u1039)?{_BASE}(?>(?:\u1039{_BASE})*){_MEDIALS}*+)(?!\u1037?\u103a|\u1031)",
        "\\1\u1031",
    ),
    _by("marks out of order or typed twice", f"[{_ORDER}]{{2,}}", _in_order),
    _by(
        "ဝ for the digit ၀",
        f"(?:(?<={_DIGIT})|(?<={_DIGIT}[.,]))\u101d+(?!{_MARK}|\u1039|{_FINAL})",
        lambda found: "\u1040" * len(found[0]),
    ),
    _by(
        "the digit ၀ for ဝ",
        f"(?<!{_DIGIT})(?<!{_DIGIT}[.,:/-])"
        f"(?:(?<={_LETTER})\u1040|(?<={_MARK})\u1040|\u1040(?={_LETTER}|{_MARK}))"
        f"(?!{_DIGIT}|\u1038{_DIGIT})",
        "\u101d",
    ),
    _by(
        "the digit ၇ for ရ",
        f"(?<!{_DIGIT})\u1047(?=[\u102b-\u1032\u1036\u103a-\u103e]|[\u1037\u1038](?!{_DIGIT}))",
        "\u101b",
    ),
    _by("the digit ၄ for ၎", f"(?<!{_DIGIT})\u1044(?=\u1004\u103a\u1038)", "\u104e"),
    _by("ငး written twice after ၎", "\u104e(?:\u1004\u103a\u1038){2,}", "\u104e\u1004\u103a\u1038"),
    _by("ဥ for ဉ", "\u1025(?=\u1037?\u103a)", "\u1009"),
    _by("ဉီ for ဦ", "\u1009\u102e(?=\u1038)", "\u1026"),
    _Rule("letters and marks in their composed form (NFC)", _composed),
)

_ENTITY = re.compile(r"&#(?:[xX]0*(10[0-9a-fA-F]{2})|0*(4(?:09[6-9]|1\d\d|2[0-4]\d|25[0-5])));")
_WORD = re.compile(r"\S+(?:[ \t\u00a0]+(?=[\u102b-\u1030\u1032\u1036-\u1038\u103a-\u103e])\S+)*")
_MYANMAR = re.compile("[\u1000-\u109f]")
_NO_WORD = re.compile("[\u0300-\u036f\u102b-\u103e]{64}")
"""So many marks in a row are no writing, and to order them takes the square of their number."""


def normalised(text: str) -> str:
    """A text with its Burmese as Unicode means it, and in NFC; the same again changes nothing.

    Only for text in Burmese: never for a text tagged as Shan, Mon, Karen or Pa'O.
    """
    return _WORD.sub(lambda found: _mended(found[0]), text)


def changes(text: str) -> tuple[Change, ...]:
    """Word by word what `normalised` would write differently, for the editor to see."""
    found = []
    for word in _WORD.finditer(text):
        after = _mended(word[0])
        if after != word[0]:
            found.append(Change(word.start(), word[0], after, "; ".join(_reasons(word[0]))))
    return tuple(found)


def _mended(word: str) -> str:
    if (word.isascii() and "&#" not in word) or _NO_WORD.search(word):
        return word
    for _ in range(_MOST_ROUNDS):
        before, word = word, _once(word)
        if word == before:
            break
    return word


def _once(word: str) -> str:
    word = _decoded(word)
    if not _MYANMAR.search(word) or holds_other_letters(word):
        return _composed(word)
    for rule in _RULES:
        word = rule.apply(word)
    return word


def _decoded(word: str) -> str:
    """&#4096; and &#x1000; as the letter; no other entity is touched."""
    return _ENTITY.sub(lambda m: chr(int(m[1], 16) if m[1] else int(m[2])), word)


def _reasons(word: str) -> list[str]:
    reasons = []
    decoded = _decoded(word)
    if decoded != word:
        reasons.append("a letter written as an entity")
    if holds_other_letters(decoded) or not _MYANMAR.search(decoded):
        return reasons or [_RULES[0].name]
    for rule in _RULES:
        after = rule.apply(decoded)
        if after != decoded and rule.name not in reasons:
            reasons.append(rule.name)
        decoded = after
    return reasons


class Doubt(NamedTuple):
    """Where a doubtful spelling stands, what is written, and what may be meant."""

    at: int
    found: str
    instead: str


_ROUND_LETTER = "[\u1001\u1002\u1004\u1012\u1015\u101d]"
"""ခ ဂ င ဒ ပ ဝ take the tall ါ so that they are not read as another letter."""
_SQUARE_LETTER = "[\u1000\u1003\u1005-\u100f\u1010\u1011\u1013\u1014\u1016-\u101c\u101e-\u1021]"
_SPELLINGS = (
    (re.compile("\u1005\u103b"), "\u1005\u103b", "\u1008"),
    (re.compile("\u101e\u103c\u1031\u102c\u103a"), "\u101e\u103c\u1031\u102c\u103a", "\u102a"),
    (re.compile("\u101e\u103c(?![\u102b-\u1032\u1036-\u103e])"), "\u101e\u103c", "\u1029"),
    (re.compile("\u1015\u1039\u1015\u102b\u101a\u103a"), "\u102b", "\u102c"),
    (re.compile(f"(?<!\u1039){_ROUND_LETTER}\u1031?\u102c"), "\u102c", "\u102b"),
    (re.compile(f"(?<![\u1039\u103a]){_SQUARE_LETTER}\u1031?\u102b"), "\u102b", "\u102c"),
)
_SPELT = re.compile(r"[^\s\u104a\u104b]+")


def spelling_doubts(text: str) -> tuple[Doubt, ...]:
    """The words of a text in which a letter may stand for another: စျ/ဈ, သြ/ဩ, ါ/ာ, ပါယ်/ပာယ်."""
    doubts = []
    for word in _SPELT.finditer(text):
        other = word[0]
        for wanted, wrong, right in _SPELLINGS:
            other = wanted.sub(lambda m, a=wrong, b=right: m[0].replace(a, b), other)  # type: ignore[misc]
        if other != word[0]:
            doubts.append(Doubt(word.start(), word[0], other))
    return tuple(doubts)
