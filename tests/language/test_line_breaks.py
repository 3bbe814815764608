"""Syllables held against a browser's line breaking: which, and that nothing else changes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.language.line_breaks import hold_together
from newsletter.language.syllables import syllables
from tests.rendering import sample

_BURMESE = st.text(st.sampled_from("ကခဂငစမလဘသဿဉညအဥ၊။ ့်္ာေးိုြျွှံx<&"), max_size=40)


def _held(text: str) -> str:
    return hold_together(text, lambda piece: f"[{piece}]")


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("လင့်ခ်ကို", "[လင့်ခ်]ကို"),
        ("သင့်အီးမေးလ်များ", "သင့်[အီးမေးလ်]များ"),
        ("စပမ်းဖိုင်တွဲ", "[စပမ်း]ဖိုင်တွဲ"),
        ("စပယ်ပန်း", "စပယ်ပန်း"),
        ("စင်္ကြံ", "[စင်္ကြံ]"),
        ("ဘင်္ဂလားဒေ့ရှ်", "[ဘင်္ဂ]လား[ဒေ့ရှ်]"),
        ("ဖေ့စ်ဘုတ်", "[ဖေ့စ်]ဘုတ်"),
        ("ကမ္ဘာ့ကုလသမဂ္ဂ။", "[ကမ္ဘာ့]ကုလသ[မဂ္ဂ]။"),
        ("ဥက္ကဋ္ဌ", "[ဥက္ကဋ္ဌ]"),
        ("အခွင့်အရေး ယောက်ျား မြန်မာ ရပ်တန့်", "အခွင့်အရေး ယောက်ျား မြန်မာ ရပ်တန့်"),
        ("NGO 2026", "NGO 2026"),
    ],
)
def test_what_is_held(text: str, held: str) -> None:
    assert _held(text) == held


@given(st.one_of(_BURMESE, st.sampled_from(syllables(sample.BURMESE.body))))
def test_nothing_is_lost_and_no_syllable_is_cut(text: str) -> None:
    held = hold_together(text, lambda piece: f"\x01{piece}\x02")
    assert re.sub("[\x01\x02]", "", held) == text
    assert held.count("\x01") == held.count("\x02")
    assert "\x01\x02" not in held
