"""Cutting and counting Burmese: never inside a syllable, whatever the text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.language.cutting import cut
from newsletter.language.syllables import count, syllables
from newsletter.language.well_formed import well_formed
from tests.language import texts
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
        ("ကျွန်ုပ်၏", ["ကျွန်ုပ်၏"]),
        ("ၵူၼ်းၵူႊၵေႃႉၼႆႉ", ["ၵူၼ်း", "ၵူႊ", "ၵေႃႉ", "ၼႆႉ"]),
        ("အခေါၚ်အရာမၞိဟ်", ["အ", "ခေါၚ်", "အ", "ရာ", "မၞိဟ်"]),
        ("တၢ်ကစီၣ်", ["တၢ်", "က", "စီၣ်"]),
        ("ပအိုဝ်ႏဘာႏ", ["ပ", "အိုဝ်ႏ", "ဘာႏ"]),
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


_PARAGRAPHS = [
    *texts.BURMESE,
    *texts.BURMESE_DECLARATION,
    *(text for many in texts.OTHER_LANGUAGES.values() for text in many),
    sample.BURMESE.body,
    sample.BURMESE.title,
]


def _illegal(text: str, limit: int) -> bool:
    short = cut(text, limit)
    if len(short) > limit:
        return True
    if not short.endswith("…"):
        return short != text
    kept = short.removesuffix("…")
    rest = text[len(kept) :]
    begun = rest.lstrip(" ,;:၊–-") or rest
    if not text.startswith(kept) or begun[0] in "၊။၏" or unicodedata.category(begun[0])[0] == "M":
        return True
    return well_formed(text) and not (well_formed(kept) and well_formed(begun))


def test_no_excerpt_of_any_length_ends_inside_a_syllable() -> None:
    tidy = [" ".join(text.split()) for text in _PARAGRAPHS]
    cuts = [(text, limit) for text in tidy for limit in range(16, min(len(text), 200))]
    assert len(cuts) > 4000
    assert [(text[:20], limit) for text, limit in cuts if _illegal(text, limit)] == []


def test_an_excerpt_is_as_long_as_it_may_be() -> None:
    for text in (" ".join(text.split()) for text in texts.BURMESE):
        for limit in range(40, len(text)):
            assert len(cut(text, limit)) >= limit * 0.55


@given(st.text(max_size=60), st.integers(1, 60))
def test_any_text_is_cut_to_its_limit(text: str, limit: int) -> None:
    assert len(cut(text, limit)) <= limit
    assert "".join(syllables(text)) == text
