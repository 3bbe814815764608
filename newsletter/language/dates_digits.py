"""Dates, digits and lists in the house form of each language.

Babel prints Latin digits and an unnatural order for Burmese, so the patterns stand in the
settings and only the names of the months in the catalogues.
"""

from __future__ import annotations

import gettext
from collections.abc import Sequence
from datetime import date

from newsletter.language.rules import Rules
from newsletter.language.syllables import is_myanmar

_NO_BREAK = "\u00a0"
_MYANMAR_DIGITS = str.maketrans("0123456789", "၀၁၂၃၄၅၆၇၈၉")


def N_(word: str) -> str:  # noqa: N802
    """Marks a word for the catalogues; it is translated where it is shown."""
    return word


MONTHS = (
    N_("January"),
    N_("February"),
    N_("March"),
    N_("April"),
    N_("May"),
    N_("June"),
    N_("July"),
    N_("August"),
    N_("September"),
    N_("October"),
    N_("November"),
    N_("December"),
)
WEEKDAYS = (
    N_("Monday"),
    N_("Tuesday"),
    N_("Wednesday"),
    N_("Thursday"),
    N_("Friday"),
    N_("Saturday"),
    N_("Sunday"),
)
LANGUAGE_NAMES = (N_("English"), N_("Burmese"))
"""As `name` in the shipped settings; a further language shows its name untranslated."""


def digits(value: object, rules: Rules) -> str:
    """A number or finished text with the language's digits (၂၀၂၆); never use it on a URL."""
    text = str(value)
    return text.translate(_MYANMAR_DIGITS) if rules.digits == "mymr" else text


def format_date(
    day: date,
    language_code: str,  # noqa: ARG001 - the pattern needs it in languages that decline months
    rules: Rules,
    words: gettext.NullTranslations,
) -> str:
    """A day in the house form: 8 March 2026, ၂၀၂၆ ခုနှစ်၊ မတ်လ ၈ ရက်."""
    month = words.gettext(MONTHS[day.month - 1])
    return digits(rules.date.format(day=day.day, month=month, year=day.year), rules)


def format_day_of_week(
    day: date,
    language_code: str,
    rules: Rules,
    words: gettext.NullTranslations,
) -> str:
    """A day with its weekday: Sunday, 8 March 2026; ၂၀၂၆ ခုနှစ်၊ မတ်လ ၈ ရက်၊ တနင်္ဂနွေနေ့.

    `day` is the reader's: an instant must be taken to the publication's zone first, because
    18:00 UTC on a Saturday is Sunday in Yangon.
    """
    weekday = words.gettext(WEEKDAYS[day.weekday()])
    date = format_date(day, language_code, rules, words)
    return rules.day_of_week.format(weekday=weekday, date=date)


def join(items: Sequence[str], rules: Rules) -> str:
    """Names one after the other as the language lists them: A, B and C."""
    if len(items) < 2:
        return "".join(items)
    head = rules.list_separator.join(items[:-1])
    last = rules.list_last
    if head and last and is_myanmar(last[0]) and not is_myanmar(head[-1]):
        last = f"{_NO_BREAK}{last}"
    return f"{head}{last}{items[-1]}"


def attach(phrase: str, name: str) -> str:
    """A phrase with a name in it, spaced as Burmese wants it.

    A particle follows a Burmese name without a space (ဧရာဝတီမှ) and a Latin one with a space
    (Frontier မှ) at which no line may end; catalogues write a plain space.
    """
    before, found, after = phrase.partition(f"{name} ")
    if not (name and found and after and is_myanmar(after[0])):
        return phrase
    return f"{before}{name}{'' if is_myanmar(name[-1]) else _NO_BREAK}{after}"
