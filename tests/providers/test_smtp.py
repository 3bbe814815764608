"""SMTP stage by stage: what each failure says about whether the message may have been taken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from newsletter.core.addresses import Address
from newsletter.core.errors import ProviderError, Retry
from newsletter.core.settings import Smtp
from newsletter.providers.base import Envelope, NotConnected
from newsletter.providers.smtp import SmtpConnection, SmtpProvider
from tests.smtp_server import (
    DROP,
    GARBAGE,
    HANG,
    Certificate,
    ScriptedServer,
    SecureServer,
    make_certificate,
    nth,
)

MESSAGE = b"Subject: Rain\r\n\r\n.first\r\nsecond\r\n"


def settings(port: int, **changed: Any) -> Smtp:
    """Plain, on this machine, with short time limits."""
    usual: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "allow_plain": False,
        "username": "",
        "password": "",
        "timeout": 5,
        "final_timeout": 5,
        "max_per_connection": 100,
        "pipelining": True,
        "chunking": False,
        "helo": "test.example",
    }
    return Smtp(**{**usual, **changed})


def limits(stage: str, reply: str) -> dict[str, float]:
    """A short time limit only where the server keeps silent, and only for that stage."""
    if reply != HANG:
        return {}
    return {"DOT": {"final_timeout": 0.3}, "CONNECT": {"timeout": 0.3}}.get(stage, {"timeout": 1.5})


def envelope(number: int = 1, recipient: str = "aye.aye@example.org", **changed: Any) -> Envelope:
    """One small message."""
    usual = {"sender": "desk@news.example", "data": MESSAGE}
    return Envelope(delivery_id=number, recipient=Address(recipient), **{**usual, **changed})


def fails(deed: Callable[[], object]) -> ProviderError:
    """What it raises, without any address in it."""
    with pytest.raises(ProviderError) as caught:
        deed()
    for text in (str(caught.value), caught.value.answer):
        assert "aye.aye" not in text.lower()
        assert "\n" not in text
    return caught.value


def sent(connection: SmtpConnection, one: Envelope) -> tuple[ProviderError, int]:
    """The failure of one message, and how often the intent was written down."""
    intents: list[int] = []
    error = fails(lambda: connection.submit(one, lambda: intents.append(1)))
    return error, len(intents)


def test_many_messages_on_one_line_with_the_intent_before_each_body() -> None:
    order: list[str] = []
    wordy = nth("RCPT", 1, "250 " + "y" * 3000)
    with ScriptedServer(wordy, on_kept=lambda n: order.append(f"kept {n}")) as server:
        connection = SmtpProvider(settings(server.port, max_per_connection=2)).connect()
        for number in (1, 2, 3):
            answer = connection.submit(envelope(number), lambda: order.append("intent"))
            assert answer == "250 2.0.0 kept"
        connection.close()
    assert order == ["intent", "kept 1", "intent", "kept 2", "intent", "kept 3"]
    assert [kept.data for kept in server.kept] == [MESSAGE] * 3
    assert server.connections == 2
    assert [line for line in server.commands if line.startswith("QUIT")] == ["QUIT", "QUIT"]


# What a failure means, by stage and kind: (retry, was the intent written, is the line kept).
SAFE, UNSURE, FINAL = Retry.LATER, Retry.UNKNOWN, Retry.NEVER
FOUR, FIVE, SHUT = "451 4.3.0 not now", "554 5.6.0 no <aye.aye@example.org>", "421 4.3.2 closing"
MATRIX = [
    ("MAIL", FOUR, SAFE, 0, True),
    ("MAIL", SHUT, SAFE, 0, False),
    ("MAIL", DROP, SAFE, 0, False),
    ("MAIL", HANG, SAFE, 0, False),
    ("MAIL", GARBAGE, SAFE, 0, False),
    ("RCPT", FOUR, SAFE, 0, True),
    ("RCPT", FIVE, FINAL, 0, True),
    ("RCPT", SHUT, SAFE, 0, False),
    ("RCPT", DROP, SAFE, 0, False),
    ("RCPT", HANG, SAFE, 0, False),
    ("RCPT", GARBAGE, SAFE, 0, False),
    ("DATA", FOUR, SAFE, 0, True),
    ("DATA", FIVE, FINAL, 0, True),
    ("DATA", SHUT, SAFE, 0, False),
    ("DATA", DROP, SAFE, 0, False),
    ("DATA", HANG, SAFE, 0, False),
    ("DATA", GARBAGE, SAFE, 0, False),
    ("DATA", "250 no 354 but yes", SAFE, 0, False),
    ("DOT", FOUR, SAFE, 1, True),
    ("DOT", FIVE, FINAL, 1, True),
    ("DOT", SHUT, SAFE, 1, False),
    ("DOT", DROP, UNSURE, 1, False),
    ("DOT", HANG, UNSURE, 1, False),
    ("DOT", GARBAGE, UNSURE, 1, False),
    ("DOT", "354 go on?", UNSURE, 1, False),
    ("DOT", "250 " + "x" * 70_000, UNSURE, 1, False),
    ("DOT", "250-kept\r\n451 or not", UNSURE, 1, False),
]


@pytest.mark.parametrize(("stage", "reply", "retry", "intents", "kept_line"), MATRIX)
def test_every_failure_knows_whether_the_message_may_have_been_taken(
    stage: str, reply: str, retry: Retry, intents: int, kept_line: bool
) -> None:
    with ScriptedServer(nth(stage, 1, reply)) as server:
        connection = SmtpProvider(settings(server.port, **limits(stage, reply))).connect()
        error, written = sent(connection, envelope(1))
        assert (error.retry, written) == (retry, intents)
        assert not error.halts
        taken = len(server.kept)
        assert taken == (retry is Retry.UNKNOWN)
        connection.submit(envelope(2), lambda: None)
        connection.close()
    assert len(server.kept) == taken + 1
    assert server.connections == (1 if kept_line else 2)
    reset = stage != "DOT" and kept_line
    assert ("RSET" in server.commands) == reset


@pytest.mark.parametrize(
    ("reply", "retry"), [("552 5.3.4 too much", FINAL), (SHUT, SAFE), (DROP, SAFE)]
)
def test_a_body_that_is_cut_off_before_its_dot_was_not_taken(reply: str, retry: Retry) -> None:
    large = envelope(data=b"Subject: x\r\n\r\n" + b"y" * 70 + b"\r\n" * 3_000_000)
    script = lambda at, _count: {"EHLO": "250 test.example", "BODY": reply}.get(at)  # noqa: E731
    with ScriptedServer(script) as server:
        connection = SmtpProvider(settings(server.port)).connect()
        error, written = sent(connection, large)
        assert written == 0
        assert error.retry in (retry, SAFE), "a reset may overtake the server's last words"
        assert server.kept == []
        connection.close()


def test_an_intent_that_cannot_be_written_takes_the_message_back() -> None:
    def full_disk() -> None:
        raise OSError("no space left")

    with ScriptedServer() as server:
        connection = SmtpProvider(settings(server.port)).connect()
        with pytest.raises(OSError, match="no space"):
            connection.submit(envelope(1), full_disk)
        connection.submit(envelope(2, "b@example.org"), lambda: None)
        connection.close()
    assert [kept.recipient for kept in server.kept] == ["b@example.org"]


@pytest.mark.parametrize("reply", [SHUT, DROP])
def test_a_kept_line_that_went_stale_is_opened_anew_without_fuss(reply: str) -> None:
    with ScriptedServer(nth("MAIL", 2, reply)) as server:
        connection = SmtpProvider(settings(server.port)).connect()
        for number in (1, 2):
            connection.submit(envelope(number), lambda: None)
        connection.close()
    assert (len(server.kept), server.connections) == (2, 2)


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
        connection = SmtpProvider(settings(server.port)).connect()
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
        connection = SmtpProvider(settings(server.port)).connect()
        error, _ = sent(connection, envelope())
        connection.close()
    assert (error.retry, error.ours, error.recipient) == (Retry.LATER, True, False)


@pytest.mark.parametrize(
    "reply",
    ["550 5.1.1 <x@relay.example>: unable to relay", "550 no such user at authentic.example"],
)
def test_a_mailbox_that_is_gone_is_not_taken_for_our_fault(reply: str) -> None:
    with ScriptedServer(nth("RCPT", 1, reply)) as server:
        connection = SmtpProvider(settings(server.port)).connect()
        error, _ = sent(connection, envelope())
        connection.close()
    assert (error.retry, error.ours, error.recipient) == (Retry.NEVER, False, True)


@pytest.mark.parametrize("stage", ["RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("reply", ["535 5.7.8 not logged in", "530 5.7.0 Authentication required"])
def test_a_login_that_is_missed_late_halts_as_well(stage: str, reply: str) -> None:
    with ScriptedServer(nth(stage, 1, reply)) as server:
        connection = SmtpProvider(settings(server.port)).connect()
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
        connection = SmtpProvider(settings(server.port)).connect()
        error, written = sent(connection, envelope())
        connection.close()
    assert (error.retry, error.halts, written) == (Retry.LATER, True, 0)
    assert advice in str(error)


def test_size_and_letters_beyond_ascii_are_seen_to_before_anything_is_sent() -> None:
    script = lambda at, _count: "250-hi\r\n250 SIZE 20" if at == "EHLO" else None  # noqa: E731
    with ScriptedServer(script) as server:
        connection = SmtpProvider(settings(server.port)).connect()
        error, _ = sent(connection, envelope())
        assert error.halts
        error, _ = sent(connection, envelope(recipient="အေးအေး@example.org", data=b"a\r\n"))
        assert (error.retry, error.recipient) == (Retry.NEVER, True)
        error, _ = sent(connection, envelope(data=b"a\n.\nMAIL FROM:<x@y>\r\n"))
        assert error.halts
        connection.close()
    assert not any(line.startswith("MAIL") for line in server.commands)


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        ("554 5.7.1 go away", "turns us away (554 5.7.1 go away)"),
        (GARBAGE, "does not speak SMTP"),
        (HANG, "does not greet"),
        (DROP, "does not greet"),
        ("220 " + "x" * 9000, "does not speak SMTP"),
    ],
)
def test_a_server_that_does_not_greet_is_told_in_one_sentence(reply: str, sentence: str) -> None:
    with ScriptedServer(nth("CONNECT", 1, reply)) as server:
        error = fails(SmtpProvider(settings(server.port, **limits("CONNECT", reply))).connect)
    assert (error.retry, error.halts) == (Retry.LATER, False)
    assert sentence in str(error)


@pytest.mark.parametrize(
    ("stage", "reply", "halts"),
    [
        ("EHLO", "421 4.3.2 not now", False),
        ("EHLO", DROP, False),
        ("EHLO", HANG, False),
        ("EHLO", GARBAGE, False),
        ("STARTTLS", "454 4.7.0 no TLS just now", False),
        ("STARTTLS", DROP, False),
        ("STARTTLS", HANG, False),
        ("AUTH", "454 4.7.0 ask later", False),
        ("AUTH", "535 5.7.8 no", True),
        ("AUTH", DROP, False),
        ("AUTH", HANG, False),
        ("AUTH", GARBAGE, False),
    ],
)
def test_a_greeting_that_fails_half_way_leaves_nothing_open(
    stage: str, reply: str, halts: bool
) -> None:
    offered = "250-test.example\r\n250-AUTH PLAIN\r\n250 STARTTLS"
    script = {"EHLO": offered, "HELO": reply, stage: reply}
    login = {"security": "starttls"} if stage == "STARTTLS" else {"username": "desk"}
    wanted: dict[str, Any] = {**login, **limits(stage, reply)}
    with ScriptedServer(lambda at, _count: script.get(at)) as server:
        error = fails(SmtpProvider(settings(server.port, **wanted)).connect)
    assert isinstance(error, NotConnected)
    assert error.halts is halts
    assert not any(line.startswith("MAIL") for line in server.commands)


def test_nobody_there_names_the_settings_to_check() -> None:
    with ScriptedServer() as server:
        port = server.port
    error = fails(SmtpProvider(settings(port)).connect)
    assert f"no SMTP server answers at 127.0.0.1:{port}" in str(error)
    assert "smtp.host and smtp.port" in str(error)
    assert not error.halts


def test_plain_text_to_another_machine_is_refused_before_connecting() -> None:
    error = fails(SmtpProvider(settings(25, host="relay.example")).connect)
    assert error.halts
    assert "smtp.allow_plain" in str(error)


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """For localhost, trusted by nobody yet."""
    return make_certificate(tmp_path)


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """The same, as an authority this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.path))
    return certificate


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_tls_and_login(trusted: Certificate, security: str) -> None:
    with SecureServer(trusted, at_once=security == "tls") as server:
        wanted = settings(
            server.port, host="localhost", security=security, username="desk", password="secret"
        )
        connection = SmtpProvider(wanted).connect()
        connection.submit(envelope(), lambda: None)
        connection.submit(envelope(recipient="အေးအေး@example.org"), lambda: None)
        connection.close()
    assert server.secure == [True, True]
    assert [kept.recipient for kept in server.kept][1] == "အေးအေး@example.org"


def test_a_login_that_is_refused_halts_and_names_the_setting(trusted: Certificate) -> None:
    with SecureServer(trusted) as server:
        wanted = settings(
            server.port, host="localhost", security="starttls", username="desk", password="wrong"
        )
        error = fails(SmtpProvider(wanted).connect)
    assert error.halts
    assert "refuses the login (535" in str(error)
    assert "smtp.password" in str(error)


def test_a_certificate_nobody_vouches_for_halts(certificate: Certificate) -> None:
    with SecureServer(certificate) as server:
        error = fails(
            SmtpProvider(settings(server.port, host="localhost", security="starttls")).connect
        )
    assert error.halts
    assert "certificate" in str(error)
    assert "SSL_CERT_FILE" in str(error)


def test_a_certificate_for_another_name_halts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = make_certificate(tmp_path, "other.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(foreign.path))
    with SecureServer(foreign) as server:
        error = fails(
            SmtpProvider(settings(server.port, host="localhost", security="starttls")).connect
        )
    assert error.halts
    assert "certificate" in str(error)


def test_starttls_that_was_stripped_sends_nothing(trusted: Certificate) -> None:
    with ScriptedServer() as server:
        error = fails(SmtpProvider(settings(server.port, security="starttls")).connect)
    assert error.halts
    assert "does not offer STARTTLS" in str(error)
    assert not any(line.startswith(("MAIL", "AUTH")) for line in server.commands)


def test_a_plain_server_where_tls_is_wanted_halts() -> None:
    with ScriptedServer() as server:
        error = fails(SmtpProvider(settings(server.port, security="tls")).connect)
    assert error.halts
    assert "smtp.security" in str(error)
