"""The house form of dates, digits, lists and names with particles; reading time."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from newsletter.core.clock import zone
from newsletter.language.dates_digits import (
    attach,
    digits,
    format_date,
    format_day_of_week,
    join,
)
from newsletter.language.reading_time import minutes
from tests.rendering import sample

_THEME = sample.theme()
_EN, _MY = _THEME.rules("en"), _THEME.rules("my")


def test_dates_in_the_house_form() -> None:
    day = date(2026, 3, 8)
    assert format_date(day, "en", _EN, _THEME.words("en")) == "8 March 2026"
    assert format_date(day, "my", _MY, _THEME.words("my")) == "၂၀၂၆ ခုနှစ်၊ မတ်လ ၈ ရက်"


def test_every_month_has_a_burmese_name() -> None:
    shown = {format_date(date(2026, m, 1), "my", _MY, _THEME.words("my")) for m in range(1, 13)}
    assert len(shown) == 12
    assert not any(character.isascii() and character.isalpha() for character in "".join(shown))


def test_the_day_of_the_week_stands_before_an_english_date_and_after_a_burmese_one() -> None:
    day = date(2026, 3, 8)
    assert format_day_of_week(day, "en", _EN, _THEME.words("en")) == "Sunday, 8 March 2026"
    burmese = format_day_of_week(day, "my", _MY, _THEME.words("my"))
    assert burmese == "၂၀၂၆ ခုနှစ်၊ မတ်လ ၈ ရက်၊ တနင်္ဂနွေနေ့"


def test_every_weekday_has_a_burmese_name() -> None:
    days = [date(2026, 3, 2 + n) for n in range(7)]
    shown = {format_day_of_week(day, "my", _MY, _THEME.words("my")).split()[-1] for day in days}
    assert shown == {
        "တနင်္လာနေ့",
        "အင်္ဂါနေ့",
        "ဗုဒ္ဓဟူးနေ့",
        "ကြာသပတေးနေ့",
        "သောကြာနေ့",
        "စနေနေ့",
        "တနင်္ဂနွေနေ့",
    }


def test_saturday_evening_in_utc_is_sunday_in_yangon() -> None:
    instant = datetime(2026, 3, 7, 18, tzinfo=UTC)
    day = instant.astimezone(zone("Asia/Yangon")).date()
    assert format_day_of_week(day, "en", _EN, _THEME.words("en")) == "Sunday, 8 March 2026"


def test_digits_follow_the_language() -> None:
    assert digits(12, _EN) == "12"
    assert digits("12,345.6", _MY) == "၁၂,၃၄၅.၆"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ""),
        (["က"], "က"),
        (["က", "ခ"], "ကနှင့် ခ"),
        (["က", "ခ", "ဂ"], "က၊ ခနှင့် ဂ"),
        (["Smith", "ခ"], "Smith\u00a0နှင့် ခ"),
    ],
)
def test_burmese_lists(names: list[str], expected: str) -> None:
    assert join(names, _MY) == expected


def test_english_lists() -> None:
    assert join(["A", "B", "C"], _EN) == "A, B and C"


def test_a_particle_joins_a_burmese_name_and_leaves_a_latin_one() -> None:
    assert attach("ဒေသခံကွန်ရက် မှ", "ဒေသခံကွန်ရက်") == "ဒေသခံကွန်ရက်မှ"
    assert attach("Lantern Desk မှ", "Lantern Desk") == "Lantern Desk\u00a0မှ"
    assert attach("By ဒေသခံကွန်ရက် today", "ဒေသခံကွန်ရက်") == "By ဒေသခံကွန်ရက် today"


def test_reading_time_counts_syllables_and_not_phrases() -> None:
    assert minutes("word " * 900, _EN) == 5
    assert minutes("မြန်မာ" * 1185, _MY) == 6
    assert minutes("", _EN) == 0
    assert minutes("တစ်", _MY) == 1
