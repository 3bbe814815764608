"""The whole examination against real servers: names, mail with TLS, pages; well, and with faults.

Each planted fault is one that keeps mail from arriving, and must be named with its remedy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from newsletter.app import initialise
from newsletter.core.clock import now
from newsletter.core.db import reading
from newsletter.rendering import dkim_keys
from newsletter.web import application
from newsletter.web.server import WebServer
from subscribers.models import Subscription
from tests.cli.command import Command
from tests.dns_server import SERVFAIL, SILENT, NameServer
from tests.http_server import Asked, HttpServer, answer
from tests.smtp_server import Certificate, SecureServer, make_certificate

DOMAIN = "news.example.org"
_YEAR = timedelta(days=365)
_KEY = dkim_keys.generate("rsa")
_OTHER = dkim_keys.record(dkim_keys.generate("rsa"))
_ELEVEN = "v=spf1 " + "a:mail.example.org " * 11 + "-all"
_SPF, _DMARC = (DOMAIN, "TXT"), (f"_dmarc.{DOMAIN}", "TXT")
_DKIM = (f"k1._domainkey.{DOMAIN}", "TXT")


@dataclass
class Ward:
    """A home that is well, with servers that do what a test tells them."""

    command: Command
    names: NameServer
    toml: dict[str, dict[str, object]] = field(default_factory=dict)

    def told(self, *words: str, timeout: float = 60) -> dict[str, tuple[str, str]]:
        """Subject → verdict and what was found; of several the worst."""
        self.write(timeout)
        ran = self.command("doctor", "--json", *words)
        assert ran.err == "", ran
        order = ["good", "not known", "warning", "bad"]
        found: dict[str, tuple[str, str]] = {}
        for one in sorted(ran.json["findings"], key=lambda row: order.index(row["verdict"])):
            found[one["subject"]] = one["verdict"], one["found"]
        return found

    def records(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The DNS records by name and kind."""
        self.write()
        found = self.command("doctor", "--json").json["records"]
        return {(one["name"], one["kind"]): one for one in found}

    def write(self, timeout: float = 60) -> None:
        """The settings as they are now."""
        lines = [f"[doctor]\nnameservers = ['{self.names.place}']\ntimeout = {timeout}\n"]
        lines[0] += "sending_addresses = ['192.0.2.9']\n"
        for section, values in self.toml.items():
            lines += [f"[{section}]", *(f"{key} = {value!r}" for key, value in values.items())]
        (self.command.home / "newsletter.toml").write_text("\n".join(lines) + "\n")


@pytest.fixture
def ward(newsletter: Command, tmp_path: Path) -> Iterator[Ward]:
    newsletter.ok("init", "--yes", "--sender", f"desk@{DOMAIN}", "--postal", "12 Sample Street")
    home = newsletter.home
    (home / "k1.pem").touch(0o600)
    (home / "k1.pem").write_bytes(dkim_keys.pem(_KEY))
    zone = {
        (DOMAIN, "TXT"): ["v=spf1 ip4:192.0.2.9 -all"],
        (DOMAIN, "MX"): ["10 mail.example.org."],
        ("mail.example.org", "A"): ["192.0.2.9"],
        ("9.2.0.192.in-addr.arpa", "PTR"): ["mail.example.org."],
        (f"_dmarc.{DOMAIN}", "TXT"): [f"v=DMARC1; p=none; rua=mailto:desk@{DOMAIN}"],
        (f"k1._domainkey.{DOMAIN}", "TXT"): [dkim_keys.record(_KEY)],
    }
    certificate = make_certificate(tmp_path, ends=_YEAR)
    settings = {key: v for key, v in newsletter.environment.items() if "DOCTOR" not in key}
    given = {**settings, "SSL_CERT_FILE": str(certificate.path)}
    with NameServer(zone) as names, SecureServer(certificate) as post:
        made = Ward(Command(home, given), names)
        made.toml["dkim"] = {"domain": DOMAIN, "selector": "k1", "key_path": "k1.pem"}
        made.toml["smtp"] = {"host": "localhost", "port": post.port, "timeout": 10}
        made.toml["smtp"] |= {"username": "desk", "password": "secret"}
        yield made
        assert not post.kept, "a mail was sent"


def test_what_is_well_is_called_well_and_nothing_changes(ward: Ward) -> None:
    services = initialise(ward.command.home, {"public": {"url": "http://127.0.0.1:1"}})
    server = WebServer(application.build(services), "127.0.0.1", 0)
    server.start()
    try:
        ward.command.environment["NEWSLETTER_PUBLIC__URL"] = server.url
        found = ward.told()
    finally:
        server.stop()
        with reading(services.engine) as session:
            assert session.query(Subscription).count() == 0
        services.close()
    off = {subject: one for subject, one in found.items() if one[0] not in {"good"}}
    # Only this machine was asked for the time, nobody backs a test up, and the page is not https.
    assert off.keys() == {"public address", "backup", "clock"}, off
    assert found["mail"][1].startswith("localhost:")
    assert "the login is good" in found["mail"][1]
    assert (
        "TLSv1.3, and its certificate holds for 364 more days"
        in found["certificate of localhost"][1]
    )
    assert found["one-click unsubscribe"] == ("good", "a press is answered 200 at once")
    assert found["unsubscribe page"] == ("good", "it is shown, and waits")
    assert found[f"SPF of {DOMAIN} for smtp"] == ("good", "192.0.2.9 may send for it")
    assert found["name of 192.0.2.9"] == ("good", "mail.example.org")
    assert found[f"alignment of {DOMAIN}"] == (
        "good",
        "the domain of SPF and that of DKIM belongs to it",
    )
    assert {one["state"] for one in ward.records().values()} == {"right"}


@pytest.mark.parametrize(
    ("place", "values", "subject", "told"),
    [
        (_SPF, [], f"SPF of {DOMAIN}", "bad: there is no SPF record"),
        (_SPF, ["v=spf1 -all", "v=spf1 a -all"], f"SPF of {DOMAIN}", "bad: there are 2 SPF"),
        (_SPF, ["v=spf1 -all"], f"SPF of {DOMAIN} for smtp", "bad: 192.0.2.9 may not send"),
        (_SPF, ["v=spf1 +all"], f"SPF of {DOMAIN}", "bad: it ends with +all: the whole world"),
        (_SPF, [_ELEVEN], f"SPF of {DOMAIN}", "bad: it takes 11 look-ups"),
        (_SPF, SERVFAIL, f"SPF of {DOMAIN}", "not known: the name servers could not say"),
        ((DOMAIN, "MX"), ["0 ."], f"mail to {DOMAIN}", "bad: the domain of From says that it"),
        (("mail.example.org", "A"), ["192.0.2.10"], "name of 192.0.2.9", "bad: its name is mail"),
        (_DMARC, ["v=DMARC1; p=none; pct=9"], f"DMARC of {DOMAIN}", "warning: it holds pct=,"),
        (_DMARC, [], f"DMARC of {DOMAIN}", "bad: neither _dmarc.news.example.org nor"),
        (_DKIM, [_OTHER], f"DKIM of {DOMAIN}, selector k1", "bad: another key is published"),
    ],
)
def test_fault_in_the_names_is_found(
    ward: Ward, place: tuple[str, str], values: list[str] | str, subject: str, told: str
) -> None:
    ward.names.zone[place] = values
    assert ": ".join(ward.told()[subject]).startswith(told)


def test_records_to_set_can_be_copied(ward: Ward) -> None:
    ward.names.zone = {("example.org", "A"): ["192.0.2.1"]}
    records = ward.records()
    assert {one["state"] for one in records.values()} == {"to set"}
    assert records[_DMARC]["value"] == f"v=DMARC1; p=none; rua=mailto:desk@{DOMAIN}"
    shown = ward.command("doctor").out
    for one in records.values():
        assert f"name   {one['name']}\n" in shown
        assert f"value  {one['value']}\n" in shown
        assert f"\n{one['line']}\n" in shown
    # What it says to set is what it calls right then.
    for place in (_SPF, _DMARC, _DKIM):
        ward.names.zone[place] = [records.pop(place)["value"]]
    assert list(records) == [(DOMAIN, "MX")]
    again = ward.records()
    assert {again[place]["state"] for place in (_SPF, _DMARC, _DKIM)} == {"right"}


def _web(date_off: timedelta = timedelta(0), press: bytes = b"") -> Any:
    """An HTTPS front that answers as the service does, but for a fault."""

    def script(asked: Asked, _nth: int) -> bytes:
        date = format_datetime(now() + date_off, usegmt=True)
        if asked.line.startswith("POST"):
            return press or answer(200, "done", Date=date)
        page = '<form method="post">'
        return answer(200, page, Date=date, X_Robots_Tag="noindex")

    return script


def _visited(ward: Ward, script: Any, certificate: Certificate) -> dict[str, tuple[str, str]]:
    with HttpServer(script, certificate=certificate) as server:
        ward.command.environment["NEWSLETTER_PUBLIC__URL"] = server.url
        found = ward.told()
        presses = [one for one in server.kept if one.line.startswith("POST")]
        assert all(one.body == b"List-Unsubscribe=One-Click" for one in presses)
    return found


def test_clock_that_is_an_hour_off_is_found(ward: Ward, tmp_path: Path) -> None:
    certificate = Certificate(tmp_path / "cert.pem", tmp_path / "key.pem")
    found = _visited(ward, _web(timedelta(hours=1)), certificate)
    assert found["clock"] == ("bad", "it is 60 minutes behind that of localhost")
    assert _visited(ward, _web(), certificate)["certificate of the public address"][0] == "good"


@pytest.mark.parametrize(
    ("press", "words"),
    [
        (answer(308, "", Location="https://www.example.org/u"), "sent on to https://www."),
        (answer(403, "no"), "answered 403"),
    ],
)
def test_press_that_does_not_leave_is_found(
    ward: Ward, tmp_path: Path, press: bytes, words: str
) -> None:
    certificate = Certificate(tmp_path / "cert.pem", tmp_path / "key.pem")
    verdict, text = _visited(ward, _web(press=press), certificate)["one-click unsubscribe"]
    assert verdict == "bad"
    assert words in text


def test_certificate_that_ended_is_found_though_nobody_may_believe_it(
    ward: Ward, tmp_path: Path
) -> None:
    (tmp_path / "old").mkdir()
    day = timedelta(days=1)
    expired = make_certificate(tmp_path / "old", begins=-9 * day, ends=-3 * day)
    found = _visited(ward, _web(), expired)["certificate of the public address"]
    assert found[0] == "bad"
    assert "3 days ago" in found[1]
    with SecureServer(expired) as post:
        ward.toml["smtp"]["port"] = post.port
        found = ward.told()["certificate of localhost"]
    assert found[0] == "bad"
    assert "3 days ago" in found[1]


def test_certificate_of_nobody_is_found(
    ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    stranger = make_certificate(tmp_path / "other", ends=_YEAR)
    with SecureServer(stranger) as post:
        ward.toml["smtp"]["port"] = post.port
        found = ward.told()
    assert found["certificate of localhost"][0] == found["mail"][0] == "bad"
    assert "not believed" in found["certificate of localhost"][1]


def test_wrong_login_is_found_without_the_password(ward: Ward) -> None:
    ward.toml["smtp"]["password"] = "s3cret-and-wrong"
    verdict, text = ward.told()["mail"]
    assert verdict == "bad"
    assert "refuses the login" in text
    assert "s3cret" not in text


def test_offline_asks_nobody_and_still_says_what_to_set(ward: Ward) -> None:
    before = len(ward.names.asked)
    ward.write()
    ran = ward.command("doctor", "--offline", "--json")
    assert len(ward.names.asked) == before
    assert {one["state"] for one in ran.json["records"]} == {"not known"}
    assert len(ran.json["records"]) == 3
    subjects = {one["subject"] for one in ran.json["findings"]}
    assert {"home", "database", "domains"} <= subjects
    assert not {"mail", "clock", "one-click unsubscribe"} & subjects


def test_dead_network_is_not_known_and_soon_over(ward: Ward) -> None:
    ward.names.zone = {(DOMAIN, kind): SILENT for kind in ("TXT", "MX", "A", "AAAA")}
    ward.names.zone |= {_DMARC: SILENT}
    found = ward.told(timeout=0.3)
    assert {found[f"{what} {DOMAIN}"][0] for what in ("SPF of", "DMARC of", "mail to")} == {
        "not known"
    }


def test_only_the_publication_that_was_named(ward: Ward, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(
        'slug = "monthly"\nlanguages = ["en"]\n[names]\nen = "Monthly"\n'
        '[sender]\naddress = "desk@monthly.example"\n[postal_addresses]\nen = "12 Sample Street"\n'
    )
    ward.write()
    ward.command.ok("publication", "apply", other)
    both = ward.told()
    assert {f"DMARC of {DOMAIN}", "DMARC of monthly.example"} <= both.keys()
    one = ward.told("--publication", "monthly")
    assert "DMARC of monthly.example" in one
    assert f"DMARC of {DOMAIN}" not in one
    assert "there is no 'weakly'" in ward.command.refused("doctor", "--publication", "weakly")


def test_code_of_the_end_says_the_worst(ward: Ward) -> None:
    ward.write()
    assert ward.command("doctor").code == 3
    ward.names.zone[_SPF] = []
    assert ward.command("doctor").code == 1
    assert ward.command("doctor", "--offline").code == 3
    ward.command.ok("backup", ward.command.home.parent / "b", "--to", _AGE)
    ward.command.environment["NEWSLETTER_PUBLIC__URL"] = "https://news.example.org"
    assert ward.command("doctor", "--offline").code == 4


_AGE = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
