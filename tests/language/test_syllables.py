"""Cutting and counting Burmese: never inside a syllable, whatever the text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.language.cutting import cut
from newsletter.language.syllables import count, syllables
from tests.rendering import sample

_TEXT = " ".join([sample.BURMESE.body, sample.BURMESE.title, sample.ENGLISH.body])


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("မြန်မာ", ["မြန်", "မာ"]),
        ("ကမ္ဘာ့ကုလသမဂ္ဂ", ["ကမ္ဘာ့", "ကု", "လ", "သ", "မဂ္ဂ"]),
        ("ဖေ့စ်ဘုတ်", ["ဖေ့စ်", "ဘုတ်"]),
        ("အခွင့်အရေး", ["အ", "ခွင့်", "အ", "ရေး"]),
        ("ဘင်္ဂလား", ["ဘင်္ဂ", "လား"]),
        ("ယောက်ျား", ["ယောက်ျား"]),
        ("ရေးသည်။ NGO များ", ["ရေး", "သည်။", " ", "N", "G", "O", " ", "များ"]),
    ],
)
def test_syllables_of_known_words(word: str, parts: list[str]) -> None:
    assert syllables(unicodedata.normalize("NFC", word)) == [
        unicodedata.normalize("NFC", part) for part in parts
    ]


def test_counts_know_both_scripts() -> None:
    assert count("မြန်မာ NGO don't stop") == (2, 3)


_PIECES = syllables(" ".join(_TEXT.split()))


@given(st.integers(0, len(_PIECES) - 1), st.integers(12, 140))
def test_a_cut_never_falls_inside_a_syllable(start: int, limit: int) -> None:
    text = "".join(_PIECES[start:]).strip()
    short = cut(text, limit)
    assert len(short) <= limit
    if short != text:
        kept = short.removesuffix("…")
        assert text.startswith(kept)
        pieces = syllables(text)
        ends = {len("".join(pieces[:n]).rstrip(" ,;:၊–-")) for n in range(limit + 1)}
        assert len(kept) in ends
        following = text[len(kept) :].lstrip(" ,;:၊–-")[0]
        assert unicodedata.category(following)[0] != "M"
        assert following not in "။၏"


def test_a_cut_prefers_the_end_of_a_phrase() -> None:
    assert cut("ပညာသင်ကြားခွင့်သည် အရေးပေါ် အခြေအနေတွင်", 32) == "ပညာသင်ကြားခွင့်သည် အရေးပေါ်…"
    assert cut("a sentence of several words", 16) == "a sentence of…"
