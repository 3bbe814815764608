"""The door to the DNS tells a name that is not there from one that nobody could say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from newsletter.core.dns import Names, Said
from newsletter.core.doctor_settings import server_of
from tests.dns_server import SERVFAIL, SILENT, NameServer

_LONG = "v=DKIM1; k=rsa; p=" + "A" * 900


@pytest.fixture(scope="module")
def server() -> Iterator[NameServer]:
    zone = {
        ("example.org", "TXT"): ["v=spf1 -all", "something else"],
        ("example.org", "MX"): ["20 b.example.org.", "10 A.Example.org."],
        ("null.example.org", "MX"): ["0 ."],
        ("long.example.org", "TXT"): [_LONG],
        ("broken.example.org", "TXT"): SERVFAIL,
        ("9.2.0.192.in-addr.arpa", "PTR"): ["mail.example.org."],
        **{(f"silent{n}.example.org", "TXT"): SILENT for n in range(5)},
    }
    with NameServer(zone) as running:
        yield running


def _names(server: NameServer, timeout: float = 60) -> Names:
    return Names([server.place], timeout=timeout)


def test_records_come_as_plain_text(server: NameServer) -> None:
    names = _names(server)
    assert names.ask("EXAMPLE.org.", "TXT").values == ("something else", "v=spf1 -all")
    assert names.ask("example.org", "MX").values == ("10 a.example.org", "20 b.example.org")
    assert names.ask("null.example.org", "MX").values == ("0 ",)
    assert names.pointer("192.0.2.9").values == ("mail.example.org",)


def test_what_is_not_there_is_no_failure(server: NameServer) -> None:
    names = _names(server)
    assert names.ask("nobody.example.org", "TXT").said is Said.NO_NAME
    assert names.ask("example.org", "AAAA").said is Said.EMPTY
    assert names.ask("example.org", "AAAA").void


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".example.org", ".".join(["abcdefg"] * 40)])
def test_names_that_cannot_be_are_not_there(server: NameServer, name: str) -> None:
    assert _names(server).ask(name, "TXT").said is Said.NO_NAME


def test_server_that_fails_says_nothing_of_the_name(server: NameServer) -> None:
    answer = _names(server).ask("broken.example.org", "TXT")
    assert answer.failed
    assert "SERVFAIL" in answer.why


def test_long_answer_comes_by_tcp(server: NameServer) -> None:
    assert _names(server).ask("long.example.org", "TXT").values == (_LONG,)
    assert ("long.example.org", "TXT", "tcp") in server.asked


def test_nobody_is_asked_again_after_two_silences(server: NameServer) -> None:
    names = _names(server, timeout=0.2)
    said = [names.ask(f"silent{n}.example.org", "TXT") for n in range(5)]
    assert [one.why for one in said[:3]] == [
        *["no name server answered in time"] * 2,
        "no name server answers",
    ]
    assert all(one.failed for one in said)
    assert not any(name == "silent4.example.org" for name, _, _ in server.asked)


def test_a_question_is_asked_once(server: NameServer) -> None:
    names = _names(server)
    before = len(server.asked)
    for _ in range(3):
        names.ask("example.org", "A")
    assert len(server.asked) == before + 1


def test_machine_without_a_name_server_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.core.dns._resolver", lambda _: None)
    assert Names().ask("example.org", "A").failed


def test_name_servers_are_written_with_or_without_a_port() -> None:
    assert server_of("192.0.2.1") == ("192.0.2.1", 53)
    assert server_of("192.0.2.1:5353") == ("192.0.2.1", 5353)
    assert server_of("2001:db8::1") == ("2001:db8::1", 53)
    assert server_of("[2001:db8::1]:5353") == ("2001:db8::1", 5353)
    for wrong in ("ns.example.org", "192.0.2.1:0", "192.0.2.1:x", ""):
        with pytest.raises(ValueError, match="write"):
            server_of(wrong)
