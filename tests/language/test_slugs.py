"""Addresses: short, in ASCII, and never junk made of Burmese."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.language.slugs import slug

_DAY = date(2026, 3, 8)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("A library opens in the hills", "a-library-opens-in-the-hills"),
        ("What’s next? “Café” & the UN’s 2026 plan", "whats-next-cafe-the-uns-2026-plan"),
        ("စာကြည့်တိုက်သစ် ဖွင့်လှစ်", "2026-03-08-k3f9"),
        ("NGO များ၏ ထုတ်ပြန်ချက်", "2026-03-08-k3f9"),
        ("", "2026-03-08-k3f9"),
        ("2026", "2026-03-08-k3f9"),
        ("မူဝါဒ A", "2026-03-08-k3f9"),
        ("☕️ – …", "2026-03-08-k3f9"),
        ("x" * 80, "x" * 60),
    ],
)
def test_addresses(title: str, expected: str) -> None:
    assert slug(title, _DAY, "k3f9") == expected


def test_a_long_title_is_cut_between_words() -> None:
    made = slug("Statement on the arrest of community librarians " * 5, _DAY, "k3f9")
    assert made == "statement-on-the-arrest-of-community-librarians-statement-on"


@given(st.text(max_size=400))
def test_any_title_gives_an_address(title: str) -> None:
    made = slug(title, _DAY, "k3f9")
    assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", made)
    assert len(made) <= 60
