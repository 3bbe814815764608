"""Burmese that telephones show wrongly, and subjects that they cut."""

from __future__ import annotations

import pytest

from newsletter.editorial.checks import Problem
from newsletter.editorial.preflight import subjects, texts
from tests.editorial.preflight.making import EN, MY, a_publication, an_issue, told

ZAWGYI = "ျမန္မာႏိုင္ငံတြင္ ေရႀကီးမႈေၾကာင့္ ရြာသားမ်ား ေျပာင္းေရႊ႕ခဲ့ရသည္။"


def judged(**changes: str) -> list[Problem]:
    """The problems of an issue's texts with these changes."""
    return list(texts.judge(texts.texts_of(an_issue(**changes), a_publication())))


def test_good_burmese_is_silent() -> None:
    assert judged() == []


@pytest.mark.parametrize(
    ("body", "level", "check"),
    [
        (ZAWGYI, "warning", "Zawgyi"),
        ("ပြည်သူများ ေအာင်မြင်ခဲ့သည်။", "warning", "order of marks"),
        ("ဆန့််ကျင်ခဲ့သည်။", "warning", "order of marks"),
        ("အပြည်ပြည်ဆိုင်ရာဥပဒေများနှင့်အညီလိုက်နာဆောင်ရွက်ရန်တောင်းဆိုခဲ့သည်", "warning", "long runs"),
        ("စျေးဆိုင်များ ပိတ်ထားသည်။", "hint", "spelling"),
    ],
)
def test_each_fault_of_a_burmese_text_is_told(body: str, level: str, check: str) -> None:
    problems = judged(body_my=body)
    assert (level, check) in told(problems)
    found = next(p for p in problems if p.check == check)
    assert (found.place, found.language) == ("editorial my", "my")
    assert "newsletter import FILE --issue 3 --language my" in found.remedy


def test_a_title_of_a_resource_is_looked_at_too() -> None:
    (found,) = judged(resource_my="ေတာင်ကြီး သတင်း")
    assert (found.place, found.check) == ("resource 7", "order of marks")
    assert "ေတာင်ကြီး → တောင်ကြီး" in found.text
    assert "newsletter resources edit 7 --title-in my=" in found.remedy


def test_what_an_editor_has_settled_is_not_asked_again() -> None:
    issue = an_issue(body_my=ZAWGYI)
    there = texts.texts_of(issue, a_publication())
    checks = {p.check for p in texts.judge(there, {ZAWGYI})}
    assert "Zawgyi" not in checks


def test_a_long_run_is_shown_by_whole_syllables_and_spaces_mend_it() -> None:
    run = "အပြည်ပြည်ဆိုင်ရာဥပဒေများနှင့်အညီလိုက်နာဆောင်ရွက်ရန်တောင်းဆိုခဲ့သည်။"
    (found,) = [p for p in judged(body_my=run) if p.check == "long runs"]
    assert f"({len(run)})" in found.text
    spaced = run.replace("နှင့်အညီ", " နှင့်အညီ ")
    assert "long runs" not in {p.check for p in judged(body_my=spaced)}
    assert "long runs" not in {p.check for p in judged(body_my="https://example.org/" + "a" * 60)}


def of_subject(subject: str, language: str, preheader: str = EN, sender: str = "Desk") -> list[str]:
    """What is said of it."""
    found = subjects.judge(subject, preheader, subject, language, sender)
    return [f"{p.level}: {p.text}" for p in found]


@pytest.mark.parametrize(
    ("language", "fits", "long"), [("en", "a" * 60, "a" * 61), ("my", "က" * 45, "က" * 46)]
)
def test_a_subject_is_measured_by_its_language(language: str, fits: str, long: str) -> None:
    assert of_subject(fits, language) == []
    ((told_of),) = of_subject(long, language)
    assert told_of.startswith("warning: the subject has")
    assert "most of it" in of_subject("က" * 91, language)[0]


def test_a_title_of_which_the_subject_holds_the_beginning_only() -> None:
    title = "word " * 80
    found = list(subjects.judge(title[:180], EN, title, "en", "Desk"))
    assert "holds its beginning only" in found[0].text


@pytest.mark.parametrize("subject", ["Re: the floods", "FWD: the floods", "fw : the floods"])
def test_a_subject_that_pretends_to_be_an_answer(subject: str) -> None:
    assert "as if it were an answer" in of_subject(subject, "en")[0]
    assert of_subject("Report: the floods", "en") == []


def test_the_line_beside_the_subject() -> None:
    assert of_subject("A title", "en", EN) == []
    assert of_subject("ခေါင်းစဉ်", "my", MY[:75]) == []
    assert "nothing stands beside" in of_subject("A title", "en", "")[0]
    assert "says the same" in of_subject("A title", "en", "A title")[0]
    assert of_subject("A title", "en", "Too short.")[0].startswith("hint:")


def test_a_picture_sign_in_the_senders_name() -> None:
    assert "picture sign" in of_subject("A title", "en", EN, "Desk 📰")[0]
    assert of_subject("A title", "my", MY[:75], "သတင်းလွှာ") == []
