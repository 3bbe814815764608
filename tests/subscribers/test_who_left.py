"""Whoever left elsewhere stays away, whatever a form or a spreadsheet calls the column."""

from __future__ import annotations

import pytest

from newsletter.core.keyring import Keyring
from newsletter.core.sealing import Sealer
from tests.subscribers.test_lists import read


@pytest.fixture(scope="module")
def sealer() -> Sealer:
    """Seals under keys of nobody."""
    return Sealer(Keyring.generate())


def _gone(sealer: Sealer, text: str, **columns: str) -> list[int]:
    """The lines that are left out; none may be broken."""
    with read(sealer, text.encode(), columns) as taking:
        assert not list(taking.reports(("broken",)))
        return [row.line for row in taking.reports(("left_out",))]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Unsubscribed?", "yes"), ("Unsubscribed?", "please stop"), ("Status:", "unsubscribed"),
        ("Subscribed?", "no"), ("Opted out?", "x"), ("Date unsubscribed", "2023-01-01"),
        ("Left", "yes"), ("Removed", "yes"), ("Do not contact", "x"), ("Active?", "no"),
        ("status (newsletter)", "unsubscribed"), ("Consent", "no"), ("Comment", "unsubscribed"),
        ("Accepts Email Marketing", "no"), ("Email subscriber status", "Never subscribed"),
        ("Email Marketing Consent", "UNSUBSCRIBED"), ("Unsubscribed from emails", "true"),
        ("Wants newsletter", "no"), ("Receive emails", "false"), ("Abgemeldet", "ja"),
        ("စာရင်းမှထွက်", "ဟုတ်"), ("အခြေအနေ", "နုတ်ထွက်"), ("အခြေအနေ", "ရပ်နား"),
        ("မှတ်ချက်", "နှုတ်ထွက်"),
    ],
)  # fmt: skip
def test_a_column_of_any_name_that_says_who_left_is_heard(
    sealer: Sealer, column: str, value: str
) -> None:
    rows = f"Email,{column}\nstays@example.org,\nleft@example.org,{value}\n"
    assert _gone(sealer, rows) == [3]
    assert _gone(sealer, rows, status=column) == [3]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Unsubscribed?", "no"), ("Subscribed?", "yes"), ("Consent", "signed at the fair"),
        ("Comment", "met in Mae Sot"), ("Marital status", "married"), ("အခြေအနေ", "ကျောင်းသား"),
        ("unsubscribed_at", "0000-00-00 00:00:00"), ("active_subscription", "false"),
        ("Email preference", "email"), ("Leftover", "2"), ("Left", ""),
    ],
)  # fmt: skip
def test_nobody_is_left_out_for_what_says_nothing_of_leaving(
    sealer: Sealer, column: str, value: str
) -> None:
    rows = f"Email,{column}\nstays@example.org,{value}\n"
    assert _gone(sealer, rows) == []


def test_languages_are_found_by_what_stands_in_their_column(sealer: Sealer) -> None:
    rows = "Your email,Language you read\na@example.org,Burmese\nb@example.org,Both\n"
    with read(sealer, rows.encode()) as taking:
        assert taking.table.columns.edition == 1
