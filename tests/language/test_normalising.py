"""The pass over Burmese that was typed wrong: what it mends, what it leaves, what it says."""

from __future__ import annotations

import random
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.language import normalising
from newsletter.language.normalising import changes, normalised, spelling_doubts
from newsletter.language.syllables import syllables
from newsletter.language.well_formed import well_formed
from tests.language import texts

_MENDED = [
    # marks out of order
    ("ကုိ", "ကို"),
    ("ဆုိင်ရာ", "ဆိုင်ရာ"),
    ("ယံု", "ယုံ"),
    ("ဖံွ့", "ဖွံ့"),
    ("ရှုိ", "ရှို"),
    ("မှြ", "မြှ"),
    ("မ့ှ", "မှ့"),
    ("ခံျု", "ချုံ"),
    ("ကွျန်တော်", "ကျွန်တော်"),
    # typed before the consonant
    ("ေအာင်မြင်", "အောင်မြင်"),
    ("ေတာင်ကြီး", "တောင်ကြီး"),
    ("ေမာ်လမြိုင်", "မော်လမြိုင်"),
    ("ေပြာ", "ပြော"),
    ("ေငွကြေး", "ငွေကြေး"),
    ("\u200bေကျာင်း", "ကျောင်း"),
    ("ကျွန်ေတာ်", "ကျွန်တော်"),
    ("ေသင်္ဘာ", "သေင်္ဘာ"),
    # typed twice
    ("အစိုုးရ", "အစိုးရ"),
    ("ဆန့််ကျင်", "ဆန့်ကျင်"),
    ("အီးမေးလ််", "အီးမေးလ်"),
    ("ေေကာင်း", "ကောင်း"),
    # a digit for a letter and a letter for a digit
    ("ပါ၀င်", "ပါဝင်"),
    ("၀န်ခံ", "ဝန်ခံ"),
    ("အ၀တ်", "အဝတ်"),
    ("ဒုတိယ၀န်", "ဒုတိယဝန်"),
    ("ေ၀့", "ဝေ့"),
    ("၁ဝ ရက်", "၁၀ ရက်"),
    ("၂ဝဝ၈", "၂၀၀၈"),
    ("၁.ဝ", "၁.၀"),
    ("၇ုံး", "ရုံး"),
    ("၄င်း", "၎င်း"),
    ("၎င်းင်း", "၎င်း"),
    # look-alikes
    ("အစဥ်", "အစဉ်"),
    ("ဥ\u102eး", "ဦး"),
    ("ဉီးစီး", "ဦးစီး"),
    # invisible characters, entities and spaces
    ("မြန်\u200bမာ", "မြန်မာ"),
    ("မြန်\u00adမာ\ufeff", "မြန်မာ"),
    ("\u2060ဘာ\u200dသာ\u202c", "ဘာသာ"),
    ("&#4096;&#x102D;&#x102f;", "ကို"),
    ("က ို", "ကို"),
    ("ကျေးရွ\u00a0ာ", "ကျေးရွာ"),
    ("နည\u103a\u1037", "နည\u1037\u103a"),
]

_LEFT = [
    "ယောက်ျား",
    "ကျွန်ုပ်",
    "သူ့ ကို",
    "၁၀ ရက်",
    "၅ဝတ်စုံ",
    "၇း၃၀ နာရီ",
    "၀.၅",
    "၁၂:၀၀ နာရီ",
    "အမှတ် ၁၀က",
    "https://example.org/၀",
    "သတင်း&amp;စာ &#38;#4096;",
    "👩\u200d👩\u200d👧 သတင်း",
    "soft\u00adhyphen zero\u200bwidth",
    "စျေးနှုန်း သြဂုတ် အဓိပ္ပါယ်",
    "သူ ေ",
    "က\n\u102d",
]


@pytest.mark.parametrize(("wrong", "right"), _MENDED)
def test_what_is_mended(wrong: str, right: str) -> None:
    right = unicodedata.normalize("NFC", right)
    assert normalised(wrong) == right
    assert normalised(right) == right
    assert normalised(f"Desk: {wrong}, 2026") == f"Desk: {right}, 2026"


@pytest.mark.parametrize("text", [*_LEFT, *texts.UNICODE])
def test_what_is_left(text: str) -> None:
    assert normalised(text) == unicodedata.normalize("NFC", text)


def test_burmese_in_print_follows_the_grammar() -> None:
    words = [word for text in texts.UNICODE for word in text.split()]
    assert [word for word in words if not well_formed(word)] == []


def test_no_pattern_repeats_a_group_possessively() -> None:
    """Python before 3.11.5, such as Debian 12's, finds no match where there is one (106052)."""
    room = Path(normalising.__file__).parent
    repeated = re.compile(r"\)(?:[*+?]|\{\d*,?\d*\})\+")
    lines = [line for file in room.glob("*.py") for line in file.read_text("utf-8").splitlines()]
    found = [line for line in lines if repeated.search(line)]
    assert found == []


@pytest.mark.parametrize("language", sorted(texts.OTHER_LANGUAGES))
def test_words_of_neighbours_inside_a_burmese_text_are_left(language: str) -> None:
    for text in texts.OTHER_LANGUAGES[language]:
        assert normalised(text) == unicodedata.normalize("NFC", text)
    assert normalised("လ\u200bၢ ကၠ\u200bိ") == "လ\u200bၢ ကၠ\u200bိ"


_SYLLABLES = sorted({one for text in texts.UNICODE for one in syllables(text) if len(one) > 2})
_MARKS = "\u102b\u102c\u102d\u102e\u102f\u1030\u1032\u1036\u1037\u1038\u103b\u103c\u103d\u103e"


@given(st.sampled_from(_SYLLABLES), st.randoms(use_true_random=False))
def test_marks_in_any_order_give_the_word_again(syllable: str, chance: random.Random) -> None:
    base = syllable[0]
    marks = [mark for mark in syllable[1:] if mark in _MARKS]
    word = base + "".join(marks)
    if not well_formed(word) or len(marks) != len(syllable) - 1:
        return
    chance.shuffle(marks)
    assert normalised(base + "".join(marks)) == normalised(word) == word


_TYPED = st.text(
    st.one_of(
        st.sampled_from("ကငညတနမရလဝသအဥဉဩ" + _MARKS + "\u1031\u1039\u103a၀၁၄၇၎။ \u200b\u00a0.:1&#;"),
        st.characters(min_codepoint=0x1000, max_codepoint=0x109F),
        st.characters(),
    ),
    max_size=40,
)


@settings(max_examples=1000, deadline=None)
@given(_TYPED)
def test_a_second_pass_changes_nothing(text: str) -> None:
    once = normalised(text)
    assert normalised(once) == once
    assert changes(once) == ()
    assert unicodedata.is_normalized("NFC", once)


@settings(max_examples=300, deadline=None)
@given(_TYPED)
def test_the_changes_are_the_whole_difference(text: str) -> None:
    parts, end = [], 0
    for change in changes(text):
        assert text[change.at :].startswith(change.before)
        assert change.rule
        parts += [text[end : change.at], change.after]
        end = change.at + len(change.before)
    assert "".join([*parts, text[end:]]) == normalised(text)


def test_an_editor_reads_what_was_changed_and_why() -> None:
    (first, second) = changes("သတင်း ပါ၀င်သူများ နှင့် ေအာင်မြင်ကုိ")
    assert (first.at, first.before, first.after) == (6, "ပါ၀င်သူများ", "ပါဝင်သူများ")
    assert first.rule == "the digit ၀ for ဝ"
    assert second.after == "အောင်မြင်ကို"
    assert second.rule == "ေ typed before its consonant; marks out of order or typed twice"


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        ("စျေးနှုန်း", "ဈေးနှုန်း"),
        ("သြဂုတ်လ", "ဩဂုတ်လ"),
        ("သြော်", "ဪ"),
        ("အဓိပ္ပါယ်", "အဓိပ္ပာယ်"),
        ("ဓါတ်ပုံ", "ဓာတ်ပုံ"),
        ("ပာဠိ", "ပါဠိ"),
    ],
)
def test_doubtful_spellings_are_reported_and_not_changed(found: str, instead: str) -> None:
    text = f"ယနေ့ {found}၊ သတင်း"
    assert normalised(text) == text
    (doubt,) = spelling_doubts(text)
    assert text[doubt.at :].startswith(doubt.found)
    assert doubt.instead.startswith(instead)


def test_words_in_print_raise_no_doubt_about_their_spelling() -> None:
    assert [doubt for text in texts.UNICODE for doubt in spelling_doubts(text)] == []
