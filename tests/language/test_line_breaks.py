"""Syllables held against a browser's line breaking: which, and that nothing else changes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.language.line_breaks import hold_together, long_runs
from newsletter.language.syllables import syllables
from tests.rendering import sample

_BURMESE = st.text(st.sampled_from("ကခဂငစမလဘသဿဉညအဥဒဖ၊။ ့်္ာေးိုြျွှံx<&"), max_size=40)


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
        ("ဒေါင်းလုဒ်ရယူရန်", "ဒေါင်း[လုဒ်]ရယူရန်"),
        ("ဂူဂဲလ်နှင့် ဗိုလ်ချုပ် အပိုဒ်", "ဂူ[ဂဲလ်]နှင့် ဗိုလ်ချုပ် အပိုဒ်"),
        ("အကောင့်နှင့် မက်ဆေ့ချ်", "[အကောင့်]နှင့် [မက်ဆေ့ချ်]"),
        ("ဆွစ်ဇာလန် ကိုဗစ်ရောဂါ", "[ဆွစ်]ဇာလန် [ကိုဗစ်]ရောဂါ"),
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


# Where ICU 72 (Debian 12) ends a line in these words although a syllable goes on: at each stroke.
_TORN_BY_ICU = """
က|မ္|ဘာ့ ဘ|င်္|ဂလား ဖေ့|စ်ဘုတ် လ|င့်|ခ် အီးမေး|လ် စ|င်္|ကြံ ဒေ့|ရှ် အ|က်|ပ် စပ|မ်း ဒေါင်းလု|ဒ် တွ|စ်တာ
ယူကျု|ဘ် ဝ|က်|ဘ်ဆို|ဒ် ဆော့|ဖ်ဝဲ ဟ|တ်|ဒ်ဝဲ လ|က်|ပ်တော့|ပ် မိုဘိုင်း|လ် ပ|တ်|စ်ဝါ့|ဒ် အကော|င့် အွ|န်လိုင်း
ဘလော့|ဂ် ပေ့|ခ်ျ ပေ့|ဂျ် ပို့|စ် မ|က်ဆေ့|ချ် ဇူး|မ် ဘ|ယ်|လ်ဂျီယံ ဆွ|စ်ဇာလန် အာဖဂန်န|စ္|စတန် ပါက|စ္|စတန်
မ|က္|ကဆီကို ယူနို|က်တက် လွို|င်ကော် အ|က်|ဖ်ပီ ကိုဗ|စ် ဗိုင်းရ|ပ်|စ် ဒ|စ်ဂျစ်တယ် ဂ|စ်တာ အစ္စလာ|မ် ထရ|မ့်
"""


@pytest.mark.parametrize("marked", _TORN_BY_ICU.split())
def test_no_line_can_end_where_icu_tears_a_word(marked: str) -> None:
    torn, word = set(), ""
    for piece in marked.split("|"):
        torn.add(len(word))
        word += piece
    inside, at = set(), 0
    for piece in re.findall(r"\[[^]]*\]|[^[]", _held(word)):
        length = len(piece.strip("[]"))
        inside |= set(range(at + 1, at + length))
        at += length
    assert torn - {0} <= inside


def test_runs_without_a_space_are_found_when_they_are_too_long() -> None:
    run = "က" * 41
    assert long_runs(f"NGO {run} ကခ") == ((4, run),)
    assert long_runs("က" * 40) == ()
    assert long_runs(f"{'က' * 39}။ {'ခ' * 40}") == ()
    assert long_runs("x" * 500) == long_runs("https://example.org/" + "é" * 80) == ()
    assert long_runs(f"(NGO){run}...")[0].text == f"(NGO){run}..."


def test_spaces_without_a_width_do_not_hide_a_long_run() -> None:
    # they are taken out on the way in; until then they do let a line end
    assert long_runs("\u200b".join(["က" * 30] * 3)) == ()
