"""Certificates, clocks and one-click, judged from what other machines showed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.core.http import Reply
from newsletter.doctor import certificates, clocks, one_click
from newsletter.doctor.certificates import Seen
from newsletter.doctor.clocks import Witness, heard
from newsletter.doctor.findings import Finding, Verdict, worst

_NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
_DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("seen", "verdict", "words"),
    [
        (Seen("TLSv1.3", _NOW - _DAY, _NOW + 60 * _DAY), Verdict.GOOD, "60 more days"),
        (Seen("TLSv1.3", _NOW - _DAY, _NOW + 5 * _DAY), Verdict.WARNING, "5 more days"),
        (Seen("TLSv1.3", _NOW - 9 * _DAY, _NOW - 3 * _DAY), Verdict.BAD, "ended on 2026-11-20"),
        (Seen("TLSv1.3", _NOW + _DAY, _NOW + 9 * _DAY), Verdict.BAD, "begins on 2026-11-24"),
        (Seen("TLSv1.1", _NOW - _DAY, _NOW + 60 * _DAY), Verdict.WARNING, "TLSv1.1"),
        (
            Seen("TLSv1.3", _NOW - _DAY, _NOW + 60 * _DAY, "self-signed certificate"),
            *(Verdict.BAD, "not believed: self-signed"),
        ),
    ],
)
def test_certificate_is_judged_by_its_days(seen: Seen, verdict: Verdict, words: str) -> None:
    found = certificates.judged("certificate", seen, _NOW)
    assert found.verdict is verdict
    assert words in found.found


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_of_certificates_fall(der: bytes) -> None:
    assert certificates.read(der, "TLSv1.3") is None


@pytest.mark.parametrize(
    ("minutes", "verdict"),
    [(0, Verdict.GOOD), (1, Verdict.GOOD), (5, Verdict.WARNING), (-5, Verdict.WARNING),
     (60, Verdict.BAD), (-60, Verdict.BAD)],
)  # fmt: skip
def test_clock_is_held_against_that_of_others(minutes: int, verdict: Verdict) -> None:
    witness = Witness("example.org", _NOW - timedelta(minutes=minutes), _NOW)
    found = clocks.judged([witness])
    assert found.verdict is verdict
    if verdict is not Verdict.GOOD:
        assert ("ahead of" if minutes > 0 else "behind") in found.found


def test_one_right_witness_is_enough_and_this_machine_is_none() -> None:
    right = Witness("a.example", _NOW, _NOW)
    wrong = Witness("b.example", _NOW - timedelta(hours=1), _NOW)
    assert clocks.judged([wrong, right]).verdict is Verdict.GOOD
    assert clocks.judged([Witness("here", _NOW, _NOW, here=True)]).verdict is Verdict.UNKNOWN
    assert clocks.judged([]).verdict is Verdict.UNKNOWN


@given(st.text())
def test_no_date_makes_the_clock_fall(text: str) -> None:
    heard("example.org", text, _NOW)


_PAGE = Reply(200, {"x-robots-tag": "noindex"}, b'<form METHOD="post">')


def _tried(shown: Reply = _PAGE, pressed: Reply | None = None) -> list[Finding]:
    return one_click.judged(one_click.Tried(shown, pressed or Reply(200, {}, b"done")))


def test_link_that_answers_at_once_is_well() -> None:
    assert [one.verdict for one in _tried()] == [Verdict.GOOD, Verdict.GOOD]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_of_a_press_is_bad(status: int) -> None:
    pressed, _ = _tried(pressed=Reply(status, {"location": "https://www.example.org/"}, b""))
    assert pressed.verdict is Verdict.BAD
    assert "sent on to https://www.example.org/" in pressed.found


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 500, 503])
def test_press_that_is_refused_is_bad(status: int) -> None:
    assert _tried(pressed=Reply(status, {}, b""))[0].verdict is Verdict.BAD


def test_page_of_somebody_else_is_seen() -> None:
    assert _tried(Reply(404, {}, b""))[1].verdict is Verdict.BAD
    assert "something else" in _tried(Reply(200, {}, b"<h1>Welcome to nginx!</h1>"))[1].found
    assert _tried(Reply(200, {}, b'<form method="post">'))[1].verdict is Verdict.WARNING


def test_worst_of_all_counts() -> None:
    found = [Finding("a", verdict, "") for verdict in Verdict]
    assert worst(found) is Verdict.BAD
    assert worst(found[:2]) is Verdict.UNKNOWN
    assert worst([]) is Verdict.GOOD
