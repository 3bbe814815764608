"""Whose fault a refusal is: the address's, the house's own, or the sender's of all."""

from __future__ import annotations

import pytest

from newsletter.core.errors import Retry
from tests.providers.smtp_lines import connected, envelope, sent
from tests.smtp_server import ScriptedServer, nth


@pytest.mark.parametrize(
    ("reply", "recipient"),
    [
        ("550 5.1.1 <aye.aye@example.org> unknown here", True),
        ("550-5.2.1 mailbox closed\r\n550 5.2.1 for aye.aye", True),
        ("550 no such user Aye.Aye", True),
        ("550 5.1.8 sender's domain unknown", False),
    ],
)
def test_a_refused_recipient_is_told_from_a_refused_house(reply: str, recipient: bool) -> None:
    with ScriptedServer(nth("RCPT", 1, reply)) as server:
        connection = connected(server)
        error, _ = sent(connection, envelope())
        connection.close()
    assert (error.retry, error.recipient) == (Retry.NEVER, recipient)
    assert error.answer.startswith(reply[:3])


@pytest.mark.parametrize(
    ("stage", "reply"),
    [
        ("RCPT", "554 5.7.1 <aye.aye@example.org>: Relay access denied"),
        ("RCPT", "550 5.7.1 authentication required"),
        ("RCPT", "550 relaying denied"),
        ("RCPT", "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"),
        ("RCPT", "550-Please turn on SMTP\r\n550 Authentication in your mail client"),
        ("DATA", "554 5.7.1 not from you"),
        ("DOT", "554 5.7.1 spam"),
        ("DOT", "550-5.7.26 unauthenticated\r\n550 5.7.26 mail"),
    ],
)
def test_a_refusal_of_our_own_house_is_never_held_against_the_reader(
    stage: str, reply: str
) -> None:
    with ScriptedServer(nth(stage, 1, reply)) as server:
        connection = connected(server)
        error, _ = sent(connection, envelope())
        connection.close()
    assert (error.retry, error.ours, error.recipient) == (Retry.LATER, True, False)


@pytest.mark.parametrize(
    "reply",
    ["550 5.1.1 <x@relay.example>: unable to relay", "550 no such user at authentic.example"],
)
def test_a_mailbox_that_is_gone_is_not_taken_for_our_fault(reply: str) -> None:
    with ScriptedServer(nth("RCPT", 1, reply)) as server:
        connection = connected(server)
        error, _ = sent(connection, envelope())
        connection.close()
    assert (error.retry, error.ours, error.recipient) == (Retry.NEVER, False, True)


@pytest.mark.parametrize("stage", ["RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("reply", ["535 5.7.8 not logged in", "530 5.7.0 Authentication required"])
def test_a_login_that_is_missed_late_halts_as_well(stage: str, reply: str) -> None:
    with ScriptedServer(nth(stage, 1, reply)) as server:
        connection = connected(server)
        error, _ = sent(connection, envelope())
        connection.close()
    assert (error.retry, error.halts) == (Retry.LATER, True)
    assert "smtp.username" in str(error)


@pytest.mark.parametrize(
    ("reply", "advice"),
    [
        ("530 5.7.0 Must issue a STARTTLS command first", "smtp.security"),
        ("530 5.7.0 Authentication required", "smtp.username"),
        ("550 5.7.1 sender not yours", "sender.address"),
        ("552 5.3.4 too large", "image"),
    ],
)
def test_a_refused_sender_stops_the_issue_and_blames_nobody(reply: str, advice: str) -> None:
    with ScriptedServer(nth("MAIL", 1, reply)) as server:
        connection = connected(server)
        error, written = sent(connection, envelope())
        connection.close()
    assert (error.retry, error.halts, written) == (Retry.LATER, True, 0)
    assert advice in str(error)


def test_size_and_letters_beyond_ascii_are_seen_to_before_anything_is_sent() -> None:
    script = lambda at, _count: "250-hi\r\n250 SIZE 20" if at == "EHLO" else None  # noqa: E731
    with ScriptedServer(script) as server:
        connection = connected(server)
        error, _ = sent(connection, envelope())
        assert error.halts
        error, _ = sent(connection, envelope(recipient="အေးအေး@example.org", data=b"a\r\n"))
        assert (error.retry, error.recipient) == (Retry.NEVER, True)
        error, _ = sent(connection, envelope(data=b"a\n.\nMAIL FROM:<x@y>\r\n"))
        assert error.halts
        connection.close()
    assert not any(line.startswith("MAIL") for line in server.commands)
