"""Returned mail is judged by its codes, and names nobody but whom a genuine token names."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery.message_ids import MESSAGE, RETURN_PATH, delivery_of
from newsletter.delivery.returning.reading import KEPT, Returned, read
from newsletter.providers.events import Event, Kind
from tests.delivery import returned_mails as mails
from tests.delivery.returned_mails import READER, SECRET, original, path, postfix

PLAIN = "weekly@news.example"


def told(data: bytes, *, by_path: bool = True) -> Event:
    """The one event of a mail that is ours."""
    found = read(data, SECRET, by_path=by_path)
    assert found.ours
    assert found.event is not None
    return found.event


def delivery(event: Event) -> int | None:
    """Whom the event names."""
    text = "\n".join(event.references)
    found = delivery_of(SECRET, text, RETURN_PATH)
    return found if found is not None else delivery_of(SECRET, text, MESSAGE)


@pytest.mark.parametrize(
    ("made", "status"),
    [
        (mails.postfix, "5.1.1"),
        (mails.exchange, "5.1.10"),
        (mails.gmail, "5.2.1"),
        (mails.exim, "5.1.1"),
        (mails.qmail, "5.1.1"),
        (mails.sendmail, ""),
    ],
)
def test_a_mailbox_that_is_gone_in_every_dialect(
    made: Callable[[str, str], bytes], status: str
) -> None:
    event = told(made(path(7), original(7)))
    assert (event.kind, event.status, event.permanent) == (Kind.BOUNCED, status, True)
    assert delivery(event) == 7
    # Nothing but our token goes on, and no address in a repr.
    assert all(len(one) == 32 for one in event.references)
    assert READER not in repr(event)


@pytest.mark.parametrize(
    ("name", "number", "status", "permanent"),
    [
        ("postfix-no-mailbox", 7, "5.1.1", True),
        ("postfix-given-up", 8, "4.7.1", False),
        ("postfix-no-host", 9, "5.4.4", True),
    ],
)
def test_what_a_real_postfix_wrote(name: str, number: int, status: str, permanent: bool) -> None:
    """Made by Postfix 3.7.11 out of messages to three mailboxes of its own; all say `failed`."""
    data = (Path(__file__).parent / "returned" / f"{name}.eml").read_bytes()
    assert b"Action: failed" in data
    for by_path in (True, False):
        event = told(data, by_path=by_path)
        assert (event.kind, event.status, event.permanent) == (Kind.BOUNCED, status, permanent)
        assert delivery(event) == number
    through_a_pipe = data.replace(b"Return-Path: <>", b"Return-Path: <MAILER-DAEMON>", 1)
    assert told(through_a_pipe).kind is Kind.BOUNCED


@pytest.mark.parametrize(
    "made", [mails.postfix, mails.exchange, mails.gmail, mails.exim, mails.qmail, mails.sendmail]
)
def test_the_returned_message_names_it_where_there_are_no_return_paths(
    made: Callable[[str, str], bytes],
) -> None:
    event = told(made(PLAIN, original(8)), by_path=False)
    assert (event.kind, event.permanent, delivery(event)) == (Kind.BOUNCED, True, 8)


def test_failed_with_a_temporary_status_is_no_hard_bounce() -> None:
    gave_up = postfix(path(7), original(7), status="4.4.1", said="smtp; timed out")
    event = told(gave_up)
    assert (event.kind, event.status, event.permanent) == (Kind.BOUNCED, "4.4.1", False)


def test_delayed_is_not_bounced() -> None:
    waits = postfix(path(7), original(7), action="delayed", status="4.4.1", said="smtp; timed out")
    assert told(waits).kind is Kind.DEFERRED
    assert told(mails.exim_delayed(path(7), original(7))).kind is Kind.DEFERRED


def test_a_vague_status_takes_the_code_of_the_answer() -> None:
    vague = postfix(path(7), original(7), status="5.0.0", said="smtp; 552 5.2.2 mailbox full")
    assert told(vague).status == "5.2.2"
    other_class = postfix(path(7), original(7), status="4.0.0", said="smtp; 550 5.1.1 unknown")
    assert (told(other_class).status, told(other_class).permanent) == ("4.0.0", False)


def test_of_several_recipients_the_mildest_word_counts() -> None:
    """The address is an alias: who got it under one of them is not barred for the others."""
    both = postfix(path(7), original(7)).replace(
        b"Diagnostic-Code:",
        b"X-Note: an alias\r\n\r\nFinal-Recipient: rfc822; other@else.example\r\n"
        b"Action: failed\r\nStatus: 4.2.2\r\nDiagnostic-Code:",
    )
    assert (told(both).status, told(both).permanent) == ("4.2.2", False)


def test_a_complaint_by_the_return_path_of_the_returned_message() -> None:
    event = told(mails.complaint("abuse@news.example", original(9)))
    assert (event.kind, delivery(event)) == (Kind.COMPLAINED, 9)
    bare = "\n".join(original(9).splitlines()[1:])
    event = told(mails.complaint("abuse@news.example", bare, mail_from=path(9)))
    assert (event.kind, delivery(event)) == (Kind.COMPLAINED, 9)
    assert told(mails.complaint("abuse@news.example", original(9), kind="opt-out")).kind is (
        Kind.UNSUBSCRIBED
    )


def test_no_complaint_is_made_of_reports_about_our_signature() -> None:
    about_us = mails.complaint("abuse@news.example", original(9), kind="auth-failure")
    assert read(about_us, SECRET, by_path=True) == Returned(ours=True)


@pytest.mark.parametrize(
    "mark",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; owner-email=x",
        "Precedence: bulk",
        "X-Autoreply: yes",
        "X-Auto-Response-Suppress: All",
    ],
)
def test_an_automatic_answer_says_nothing(mark: str) -> None:
    assert read(mails.vacation(path(7), mark=mark), SECRET, by_path=True) == Returned(ours=True)
    assert read(mails.vacation(PLAIN, mark=mark), SECRET, by_path=True) == Returned()


def test_a_read_receipt_is_not_even_looked_at() -> None:
    opened = (
        postfix(path(7), original(7))
        .replace(b"message/delivery-status", b"message/disposition-notification")
        .replace(b"report-type=delivery-status", b"report-type=disposition-notification")
    )
    assert read(opened, SECRET, by_path=True) == Returned(ours=True)


def test_a_forged_token_does_nothing_whatever_the_text_claims() -> None:
    forged = path(7, b"x" * 32)
    for made in (mails.postfix, mails.exim, mails.gmail, mails.complaint):
        mail = made(forged, original(7, b"x" * 32))
        assert read(mail, SECRET, by_path=True) == Returned()
        assert read(mail, SECRET, by_path=False) == Returned()


def test_a_message_id_alone_bars_nobody_where_there_are_return_paths() -> None:
    """It stands in every answer a reader writes, so whoever got one could make this up."""
    for made in (mails.postfix, mails.exim):
        event = told(made(PLAIN, original(7)))
        assert (event.kind, event.status, event.permanent) == (Kind.OTHER, "", None)
    without_path = "\n".join(original(7).splitlines()[1:])
    assert told(mails.complaint("abuse@news.example", without_path)).kind is Kind.OTHER


def test_a_token_of_one_kind_is_none_of_the_other() -> None:
    message = original(7).partition("Message-ID: <")[2].partition("@")[0]
    as_path = f"bounces+{message}@news.example"
    assert read(postfix(as_path, ""), SECRET, by_path=True) == Returned()


def test_a_report_about_two_deliveries_is_believed_for_neither() -> None:
    event = told(postfix(path(7), original(8)))
    assert (event.kind, delivery(event)) == (Kind.OTHER, 7)


def test_a_person_cannot_write_a_bounce_from_an_own_address() -> None:
    event = told(postfix(path(7), original(7), sender="mallory@evil.example"))
    assert (event.kind, event.permanent) == (Kind.OTHER, None)


def test_the_reports_text_names_nobody() -> None:
    """A bounce for one reader whose text is full of another one's tokens."""
    text = postfix(path(7), original(7)).replace(b"did not arrive", path(8).encode())
    assert delivery(told(text)) == 7
    inside = postfix(PLAIN, original(7)).replace(b"did not arrive", path(8).encode())
    assert delivery(told(inside)) == 7


def test_the_same_report_by_another_way_has_the_same_key() -> None:
    once = postfix(path(7), original(7))
    again = b"Received: from elsewhere by here; Sat, 21 Nov 2026 09:00:06 +0000\r\n" + once
    assert told(once).key == told(again.replace(b"\r\n", b"\n")).key
    assert told(once).key != told(postfix(path(8), original(8))).key
    assert told(once).key != told(postfix(path(7), original(7), status="5.2.2")).key


def test_capitals_and_a_date_that_is_none_are_no_hindrance() -> None:
    loud = postfix(path(7).upper(), original(7)).replace(b"Fri, 20 Nov 2026", b"Fri, 99 Nov 99999")
    event = told(loud)
    assert (delivery(event), event.at) == (7, None)
    at = told(mails.gmail(path(7), original(7))).at
    assert at is not None
    assert at.isoformat() == "2026-11-20T09:00:08+00:00"


def test_what_nobody_understands_is_kept_and_nothing_follows() -> None:
    odd = postfix(path(7), original(7), action="vanished", status="?", said="?" + "x" * 100_000)
    event = told(odd)
    assert (event.kind, event.permanent) == (Kind.OTHER, None)
    assert 0 < len(event.raw) <= KEPT
    assert told(mails.letter(path(7))).kind is Kind.OTHER
    assert read(mails.letter(PLAIN), SECRET, by_path=True) == Returned()


def test_the_answer_holds_no_address_that_the_report_names() -> None:
    said = "smtp; 550 5.1.1 jane.reader is not here, nor in /var/mail/jane.reader_old"
    answer = told(postfix(path(7), original(7), said=said)).answer
    assert "jane" not in answer
    assert answer.startswith("550 5.1.1")
    written_for_people = mails.qmail(path(7), original(7)).replace(b"Sorry, no", b"jane.reader: no")
    assert told(written_for_people).answer == "[address]: no mailbox here by that name. (#5.1.1)"


@pytest.mark.parametrize(
    "value", ['"', "(", ",", "\\", "<", "@", "=?utf-8?b?", "=?utf-8?q?=", "a<"]
)
def test_a_broken_address_line_keeps_nobody_busy(value: str) -> None:
    began = time.process_time()
    for name in ("To", "Subject", "Auto-Submitted", "Content-Type", "Date"):
        read(f"{name}: {value * (60_000 // len(value))}\n\n".encode(), SECRET, by_path=True)
    assert time.process_time() - began < 1


def _nested(depth: int) -> bytes:
    head = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth)
    )
    return f"To: {path(7)}\nReturn-Path: <>\nSubject: failure notice\n".encode() + head


@pytest.mark.parametrize(
    "bomb",
    [
        _nested(20_000),
        b"To: "
        + path(7).encode()
        + b"\nReturn-Path: <>\n"
        + b"Content-Type: message/rfc822\n\n" * 20_000,
        b"Return-Path: <>\n" + b"To: " + b"<" * 2_000_000,
        b"Received: for " * 500_000,
        b"Subject: " + b"=?utf-8?b?" * 200_000,
        b"Content-Type: message/delivery-status\n\n" + b"\n" * 5_000_000,
        b"Content-Type: message/delivery-status\n\n" + b"Status: 5.1.1\n" * 700_000,
        b"Content-Type: multipart/report; boundary=x\n\n" + b"--x\n" * 2_500_000,
        b"Content-Type: text/plain; charset=punycode\n\n" + b"a-" * 2_000_000,
        b"Return-Path: <>\nSubject: failure notice\n\n" + b"5." * 5_000_000,
        b"Return-Path: <>\nSubject: failure notice\n\n" + b"delivery " * 1_000_000,
    ],
)
def test_ten_megabytes_of_malice_cost_no_time(bomb: bytes) -> None:
    began = time.process_time()
    read(bomb, SECRET, by_path=True)
    assert time.process_time() - began < 2


_LINES = st.sampled_from(
    [
        *postfix(path(7, b"x" * 32), original(7, b"x" * 32)).split(b"\r\n"),
        *mails.exim(path(7, b"x" * 32), original(7, b"x" * 32)).split(b"\r\n"),
        b"Content-Transfer-Encoding: base64",
        b"Content-Type: text/plain; charset=utf-7",
        b"To: =?x?q?=41?= <",
        b"Date: Fri, 20 Nov 999999999 99:99:99 +9999999",
        b"\xe1\x80\x99\xe1\x80\x84\xff\x00",
    ]
)


@given(st.lists(_LINES | st.binary(max_size=40), max_size=60))
def test_any_lines_are_read_without_an_error_and_name_nobody(lines: list[bytes]) -> None:
    for newline in (b"\n", b"\r\n"):
        found = read(newline.join(lines), SECRET, by_path=False)
        assert found.event is None
        assert not found.ours


@given(st.binary(min_size=16, max_size=16))
def test_no_made_up_token_names_anybody(token: bytes) -> None:
    to = f"bounces+{token.hex()}@news.example"
    returned = f"Message-ID: <{token.hex()}@news.example>\n"
    for made in (postfix, mails.qmail, mails.complaint):
        assert read(made(to, returned), SECRET, by_path=False) == Returned()


@given(st.binary(max_size=2_000), st.integers(0, 3_000))
def test_a_genuine_report_with_anything_in_it_never_raises(noise: bytes, at: int) -> None:
    data = postfix(path(7), original(7))
    found = read(data[:at] + noise + data[at:], SECRET, by_path=True)
    assert found.event is None or delivery(found.event) == 7
