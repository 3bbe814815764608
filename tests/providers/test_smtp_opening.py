"""Opening a line: every way in which it fails, TLS that is never stripped, and logins."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Any

import pytest

from newsletter.providers.base import NotConnected
from newsletter.providers.smtp import SmtpProvider
from tests.providers.smtp_lines import (
    Told,
    arrived,
    connected,
    envelope,
    fails,
    letters,
    settings,
)
from tests.smtp_server import (
    DROP,
    GARBAGE,
    HANG,
    Certificate,
    ScriptedServer,
    SecureServer,
    make_certificate,
)

LONG = "220 " + "x" * 9000
FAULTS = {
    "4xx": "451 4.3.0 not now",
    "5xx": "554 5.7.1 go away",
    "421": "421 4.3.2 closing",
    "dropped": DROP,
    "hanging": HANG,
    "garbage": GARBAGE,
    "over-long": LONG,
}
# What the sentence says, in the order of FAULTS; "!" in front: every other message would fare so.
TURNED, NO_SMTP, HUNG_UP = "turns us away", "does not speak SMTP", "hangs or hung up"
OPENING = {
    "CONNECT": (*[TURNED] * 3, "does not greet", "does not greet", NO_SMTP, NO_SMTP),
    "EHLO": (*[TURNED] * 3, HUNG_UP, HUNG_UP, NO_SMTP, NO_SMTP),
    "STARTTLS": (*[TURNED] * 3, HUNG_UP, HUNG_UP, NO_SMTP, NO_SMTP),
    "AUTH": (
        *("cannot check the login now", "!refuses the login", "cannot check the login now"),
        *(HUNG_UP, HUNG_UP, NO_SMTP, NO_SMTP),
    ),
}
CELLS = [
    pytest.param(stage, reply, sentence, id=f"{stage}-{fault}")
    for stage, row in OPENING.items()
    for (fault, reply), sentence in zip(FAULTS.items(), row, strict=True)
]


def greeting(stage: str, reply: str) -> ScriptedServer:
    """A server with a fault at one step of the greeting."""
    offered = "250-test.example\r\n250-AUTH PLAIN\r\n250 STARTTLS"
    script = {"EHLO": offered, "HELO": reply, stage: reply}
    return ScriptedServer(lambda at, _count: script.get(at))


def wanted_of(stage: str, reply: str) -> dict[str, Any]:
    """Settings that lead to this step."""
    login = {"security": "starttls"} if stage == "STARTTLS" else {"username": "desk"}
    return {**login, **({"timeout": 0.3} if reply == HANG else {})}


@pytest.mark.parametrize(("stage", "reply", "sentence"), CELLS)
def test_a_greeting_that_fails_is_told_in_one_sentence_and_leaves_nothing_open(
    stage: str, reply: str, sentence: str
) -> None:
    with greeting(stage, reply) as server:
        error = fails(lambda: connected(server, **wanted_of(stage, reply)))
    assert isinstance(error, NotConnected)
    assert error.halts is sentence.startswith("!")
    assert sentence.removeprefix("!") in str(error)
    assert not any(line.startswith("MAIL") for line in server.commands)


@pytest.mark.parametrize("stage", ["CONNECT", "EHLO"])
def test_a_line_that_cannot_be_opened_anew_ends_the_carrying_and_everybody_else_was_told(
    stage: str,
) -> None:
    script = {("MAIL", 3): "421 4.7.0 enough", (stage, 2): "421 4.3.2 closing"}
    told = Told()
    with ScriptedServer(lambda *at: script.get(at), offers=("PIPELINING",)) as server:
        connection = connected(server)
        error = fails(lambda: connection.carry(iter(letters(range(1, 6))), told))
        assert isinstance(error, NotConnected)
        assert told.verdicts == {1: None, 2: None}
        connection.carry(iter(letters([3, 4, 5])), told)
        connection.close()
    assert arrived(server.kept) == [1, 2, 3, 4, 5]


def test_a_machine_that_takes_no_connection_in_time_is_told_so() -> None:
    with contextlib.ExitStack() as held:
        full = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        place = full.getsockname()
        for _ in range(4):  # what fits into its backlog; more are not answered at all
            knock = held.enter_context(socket.socket())
            knock.setblocking(False)
            knock.connect_ex(place)
        error = fails(SmtpProvider(settings(place[1], timeout=0.3)).connect)
    assert "nothing within 0.3 seconds" in str(error)
    assert not error.halts


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
