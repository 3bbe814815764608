"""The gate: no Unicode text is ever converted, Zawgyi is, and what is doubtful is asked."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.language.intake import DOUBTFUL, MIXED, OTHER_LANGUAGE, SHORT, taken_in
from newsletter.language.intake import taken_in_together as together
from newsletter.language.zawgyi import likelihood
from tests.language import texts
from tests.language.test_catalogues import _BURMESE as CATALOGUE

_ZAWGYI_LONG = [(old, new) for old, new in texts.ZAWGYI if len(old) > 20]
_ZAWGYI_SHORT = [(old, new) for old, new in texts.ZAWGYI if len(old) < 12]
_TAGS = ("my", "en", "shn", "mnw", "ksw")


@pytest.mark.parametrize("text", texts.UNICODE)
@pytest.mark.parametrize("tag", _TAGS)
def test_burmese_in_unicode_is_never_touched(text: str, tag: str) -> None:
    assert taken_in(text, tag).state == "clean"
    assert taken_in(text, tag).text == text


@pytest.mark.parametrize("language", sorted(texts.OTHER_LANGUAGES))
def test_unicode_of_other_languages_is_never_touched(language: str) -> None:
    for text in texts.OTHER_LANGUAGES[language]:
        for tag in (language, *_TAGS):
            assert (taken_in(text, tag).state, taken_in(text, tag).text) == ("clean", text)


def test_a_document_of_all_languages_is_never_touched() -> None:
    everything = [
        *texts.UNICODE,
        *(text for many in texts.OTHER_LANGUAGES.values() for text in many),
    ]
    whole = "\n\n".join(everything)
    assert taken_in(whole, "my").text == whole
    assert {field.state for field in together(everything, "my")} == {"clean"}


def test_no_phrase_of_unicode_is_converted_on_its_own() -> None:
    phrases = {word for text in texts.UNICODE for word in text.split()}
    assert len(phrases) > 250
    states = [taken_in(phrase, "my").state for phrase in sorted(phrases)]
    assert set(states) <= {"clean", "asked"}
    assert states.count("asked") <= 1


@pytest.mark.parametrize("word", sorted(CATALOGUE.values()))
def test_words_of_our_own_pages_are_left_alone(word: str) -> None:
    assert taken_in(word, "my").text == word
    assert taken_in(word, "my").state == "clean"


def test_words_that_deceive_the_detector_are_left_alone() -> None:
    for word in ("ထိုလူ၏", "မေတ္တာထား၍", "ဘာသာစကား", "မဥ္ဇူ"):
        assert likelihood(word) > 0.95
        assert taken_in(word, "my").state == "clean"


@pytest.mark.parametrize(("old", "new"), _ZAWGYI_LONG)
@pytest.mark.parametrize("tag", ["my", "my-MM", "en"])
def test_a_sentence_in_zawgyi_is_converted_and_its_original_kept(
    old: str, new: str, tag: str
) -> None:
    taken = taken_in(old, tag)
    assert (taken.state, taken.text, taken.original) == ("converted", new, old)
    assert len(taken.reasons) == 1


@pytest.mark.parametrize(("old", "new"), _ZAWGYI_SHORT)
def test_a_short_one_is_never_converted_silently(old: str, new: str) -> None:
    taken = taken_in(old, "my")
    if taken.state == "asked":  # else the pass for Unicode comes to the same word
        assert (taken.text, taken.proposed, taken.reasons) == (old, new, (SHORT,))
    else:
        assert (taken.state, taken.text) == ("normalised", new)


def test_a_short_title_follows_its_document() -> None:
    title, body = "ဥကၠ႒", " ".join(old for old, _ in _ZAWGYI_LONG)
    taken = together([title, body], "my")
    assert [field.state for field in taken] == ["converted", "converted"]
    assert taken[0].text == "ဥက္ကဋ္ဌ"
    assert taken[1].text == " ".join(new for _, new in _ZAWGYI_LONG)


@pytest.mark.parametrize(
    "make",
    [
        lambda old, new: f"{new}\n\n{old}",
        lambda old, new: f"{old} {new}",
        lambda old, new: f"{new} (UNHCR) {old.replace('။', '')}",
        lambda old, new: f"{new.replace('။', '')} {old}",
    ],
)
@pytest.mark.parametrize("at", range(len(_ZAWGYI_LONG)))
def test_a_mixed_document_is_asked_and_nothing_in_it_changed(make: object, at: int) -> None:
    old = _ZAWGYI_LONG[at][0]
    mixed = make(old, texts.BURMESE[at])  # type: ignore[operator]
    taken = taken_in(mixed, "my")
    assert (taken.state, taken.text, taken.original) == ("asked", mixed, mixed)
    assert taken.proposed not in ("", mixed)
    assert taken.reasons[0] in (MIXED, DOUBTFUL)


def test_what_is_proposed_for_a_mixed_document_leaves_its_unicode() -> None:
    old, new = _ZAWGYI_LONG[0]
    taken = taken_in(f"{texts.BURMESE[0]}\n{old}", "my")
    assert taken.proposed == f"{texts.BURMESE[0]}\n{new}"


def test_fields_of_both_kinds_are_asked_and_the_clear_ones_kept() -> None:
    old, new = _ZAWGYI_LONG[0]
    clear, doubted = together([texts.BURMESE[0], old], "my")
    assert (clear.state, clear.text) == ("clean", texts.BURMESE[0])
    assert (doubted.state, doubted.text, doubted.proposed) == ("asked", old, new)


def test_zawgyi_under_the_tag_of_another_language_is_asked() -> None:
    taken = taken_in(_ZAWGYI_LONG[0][0], "shn")
    assert (taken.state, taken.reasons) == ("asked", (OTHER_LANGUAGE,))


def test_english_around_a_quotation_in_zawgyi_stays_as_it_is() -> None:
    old, new = _ZAWGYI_LONG[0]
    taken = taken_in(f"  They said:\t“{old}”\r\n\r\n- and *left* ☕️. ", "en")
    assert taken.text == f"  They said:\t“{new}”\r\n\r\n- and *left* ☕️. "


def test_only_burmese_is_normalised() -> None:
    wrong = "ပါ၀င်သူများ စုဝေးကုိ ေအာင်မြင်စွာ ပြုလုပ်ခဲ့ကြသည်။"
    taken = taken_in(wrong, "my")
    assert (taken.state, taken.text) == ("normalised", "ပါဝင်သူများ စုဝေးကို အောင်မြင်စွာ ပြုလုပ်ခဲ့ကြသည်။")
    for tag in ("en", "shn", "ksw", "mnw", "blk"):
        assert taken_in(wrong, tag).text == wrong


_ANY = st.text(
    st.one_of(
        st.characters(),
        st.characters(min_codepoint=0x1000, max_codepoint=0x109F),
        st.sampled_from("\u1031\u1039\u103a\u1037\u200b\u1040\u1064\u104b \n"),
    ),
    max_size=80,
)


@settings(max_examples=150, deadline=None)
@given(_ANY, st.sampled_from(["my", "en", "shn", "", "x-none", "my_MM"]))
def test_any_text_is_taken_in_and_none_is_lost(text: str, tag: str) -> None:
    taken = taken_in(text, tag)
    assert taken.original == text
    assert (taken.state == "clean") == (taken.text == text and not taken.reasons)
    if taken.state == "asked":
        assert taken.text == text
    else:
        assert taken.proposed == ""
    if taken.state in ("normalised", "converted") and tag == "my":
        assert unicodedata.is_normalized("NFC", taken.text)


def test_what_was_taken_in_is_clean_the_next_time() -> None:
    for old, _ in _ZAWGYI_LONG:
        assert taken_in(taken_in(old, "my").text, "my").state == "clean"


def test_deep_and_long_texts() -> None:
    for text in (
        "(" * 50_000,
        "ေ" * 50_000,
        "က္" * 25_000,
        "့်" * 25_000,
        "၀ဝ" * 25_000,
        " ု" * 25_000,
    ):
        assert taken_in(text, "my").original == text


def test_an_editorial_of_5000_words_takes_well_under_a_second() -> None:
    editorial = "\n\n".join(texts.BURMESE * 18)
    assert len(editorial) > 40_000
    took = []
    for _ in range(3):
        start = time.process_time()
        assert taken_in(editorial, "my").state == "clean"
        took.append(time.process_time() - start)
    assert min(took) < 1
