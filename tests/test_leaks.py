"""What a raid would carry away names nobody: files, dumps, backups, logs, pages of errors.

A newsletter lives through a whole run with readers whose names stand nowhere else, is told of
them in every way there is, and is then searched, byte by byte, as whoever took it would.
"""

from __future__ import annotations

import base64
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pyrage
import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from newsletter.app import Services, initialise
from newsletter.core import log
from newsletter.core.db import reading
from newsletter.core.resources import shipped
from newsletter.core.tokens import Claim, Purpose
from newsletter.web import application
from newsletter.web.server import WebServer
from subscribers import directory
from subscribers.models import Confirmation
from tests.cli.command import Command
from tests.conftest import fresh_database
from tests.delivery import newsroom
from tests.smtp_server import ScriptedServer
from tests.system import PATIENCE, require

PEOPLE = {
    "naw.ehkalu": "Naw Ehkalu Htoo",
    "zarni-linyaung": "Zarni Linyaung",
    "mayphyoe77": "မေဖြိုးဝေဝေ",
    "kyawzwa.hein": "Kyawzwa Heinthant",
    "saw.tamlabaw": "Saw Tamlabaw",
    "hninpwint": "Hninpwint Oo",
}
HOST = "letterbox.example.net"
NAMES = tuple(PEOPLE.values())
ADDRESSES = [f"{local}@{HOST}" for local in PEOPLE]


def test_the_search_would_find_them() -> None:
    for planted in (
        b"xx naw.ehkalu@letterbox.example.net",
        b"user SAW.TamLaBaw unknown",
        "Zarni Linyaung".encode("utf-16-le"),
        base64.b64encode(b"..kyawzwa.hein@letterbox.example.net"),
        base64.b64encode(b".hninpwint"),
        b"zarni-linyaung".hex().encode(),
        "မေဖြိုးဝေဝေ".encode(),
    ):
        assert _named(planted), planted
    assert not _named(b"a letterbox with nobody in it, of mail.example")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The database of the life that is led here; empty: the home's own file."""
    if request.param == "sqlite":
        yield ""
        return
    with fresh_database(request.getfixturevalue("postgres_url")) as found:
        yield found


def test_nothing_that_can_be_taken_names_a_reader(url: str, home: Path, tmp_path: Path) -> None:
    with ScriptedServer(_quoting) as smtp, _life(home, url, smtp, tmp_path) as life:
        life.lead()
        taken = [*life.heard, *life.dump()]
    taken += _files(home)
    kinds = {kind.partition(" ")[0] for kind, _ in taken}
    assert {"page", "command", "dump", "file"} <= kinds
    assert all(_named(" ".join(smtp.commands).encode(), [one]) for one in ADDRESSES[:5])
    assert sorted({f"{kind}: {_named(data)}" for kind, data in taken if _named(data)}) == []


def test_the_home_of_a_whole_demo_names_nobody(home: Path) -> None:
    command = Command(home, {})
    done = subprocess.run(
        [sys.executable, "-m", "newsletter", "demo", "--once", "--port", "0"],
        env=command.whole_environment,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    lines = (shipped("config") / "samples" / "subscribers.csv").read_text("utf-8").splitlines()
    people = [line.split(",")[0] for line in lines[1:]]
    locals_ = [address.split("@")[0] for address in people]
    wanted = people + [one for one in locals_ if "." in one]  # "reader" is a word of ours too
    assert len(wanted) > 25
    caught = _mails(home)  # the demo's own catch of what it sent: the readers' side, not ours
    assert caught
    assert all(_named(data, people) for data in caught)
    taken = [*_files(home), ("dump", _sql(home / "newsletter.db")), ("screen", done.stdout)]
    assert sorted({f"{kind}: {_named(data, wanted)}" for kind, data in taken}) == sorted(
        {f"{kind}: []" for kind, _ in taken}
    )


def test_an_erased_reader_is_in_no_free_page_of_the_file(home: Path, tmp_path: Path) -> None:
    with ScriptedServer() as smtp, _life(home, "", smtp, tmp_path) as life:
        life.enrol()
        with reading(life.services.engine) as session:
            person = directory.find(session, life.services.sealer, ADDRESSES[0])
            assert person is not None
            sealed = person.sealed_address
        assert any(sealed in data for _, data in _files(home))
        life.command.ok("subscribers", "erase", ADDRESSES[0], "--yes")
        assert [kind for kind, data in _files(home) if sealed in data] == []


@contextmanager
def _life(home: Path, url: str, smtp: ScriptedServer, elsewhere: Path) -> Iterator[_Life]:
    overrides: dict[str, dict[str, object]] = {
        "database": {"url": url},
        "public": {"url": "http://127.0.0.1:8080"},
        "smtp": {"host": "127.0.0.1", "port": smtp.port, "security": "none"},
        "delivery": {"provider": "smtp", "connections": 1},
        "signup": {"seconds": 0, "slow_seconds": 0},
    }
    services = initialise(home, overrides)
    log.configure("DEBUG", file=home / "logs" / "newsletter.log", to_stderr=False)
    web = WebServer(application.build(services), "127.0.0.1", 0)
    web.start()
    environment = {"NEWSLETTER_PUBLIC__URL": "http://127.0.0.1:8080"}
    command = Command(home, environment | ({"NEWSLETTER_DATABASE__URL": url} if url else {}))
    with httpx.Client(trust_env=False, timeout=PATIENCE, base_url=web.url) as browser:
        try:
            yield _Life(services, command, browser, elsewhere)
        finally:
            web.stop()
            services.close()
            log.configure("WARNING")


@dataclass
class _Life:
    """All that is done with some readers; `heard` is what was shown to others meanwhile."""

    services: Services
    command: Command
    browser: httpx.Client
    elsewhere: Path
    heard: list[tuple[str, bytes]] = field(default_factory=list)

    def lead(self) -> None:
        """They join by every way there is, are written to, leave, and things go wrong."""
        issue_id = self.enrol()
        newsroom.start(self.services, issue_id)
        newsroom.work_off(self.services)
        self.sign_up(ADDRESSES[4])
        self.meet_errors()
        self.be_told()
        self.browser.post(f"/u/{self.token(ADDRESSES[2])}", data={"List-Unsubscribe": "One-Click"})
        self.command.ok("subscribers", "erase", ADDRESSES[3], "--yes")
        self.copy()

    def enrol(self) -> int:
        """From a table with names, from a plain list, and by hand; the issue they shall get."""
        issue_id = newsroom.publish(self.services, 1)
        table = self.elsewhere / "attendees.csv"
        named = self.elsewhere / "zarni-linyaung.csv"  # as some call a file
        rows = [f"{name},{address}" for name, address in zip(NAMES, ADDRESSES[:3], strict=False)]
        broken = "Hninpwint Oo,hninpwint at letterbox"
        table.write_text("\n".join(["Full name,Email", *rows, broken]), encoding="utf-8")
        named.write_bytes(table.read_bytes() + b"\n")
        self.command.ok("subscribers", "import", named)
        plain = self.elsewhere / "list.txt"
        plain.write_text(f"{NAMES[3]} <{ADDRESSES[3]}>\n", encoding="utf-8")
        for file in (table, plain, table):
            self.hear("subscribers", "import", file)
        self.hear("subscribers", "add", ADDRESSES[0])
        return issue_id

    def hear(self, *words: object, stdin: str = "") -> None:
        """Run a command and keep what it said."""
        ran = self.command(*words, stdin=stdin)
        assert ran.code in {0, 1, 2, 3, 4}, ran  # else a fault of ours, which tells nothing
        self.heard.append((f"command {words[:2]}", (ran.out + ran.err).encode()))

    def sign_up(self, address: str) -> None:
        """On the page, without a script: two forms, then the mail."""
        fields = {"address": address, "edition": "my"}
        answer = self.browser.post("/s/weekly", data=fields)
        for _ in range(3):
            token = re.search(r'name="token" value="([^"]+)"', answer.text)
            if token is None:
                break
            answer = self.browser.post("/s/weekly", data={**fields, "token": token[1]})
        with reading(self.services.engine) as session:
            assert session.scalar(select(Confirmation.id)) is not None, answer.text
        newsroom.work_off(self.services)

    def meet_errors(self) -> None:
        """Every page that says no, asked for in words that name somebody."""
        one, token = ADDRESSES[0], self.token(ADDRESSES[1])
        choose = self.token(ADDRESSES[1], Purpose.PREFERENCES)
        browser = self.browser
        answers = [
            browser.get(f"/{one}"),
            browser.get(f"/u/{one}"),
            browser.get(f"/u/{token}x?address={one}"),
            browser.get(f"/archive/weekly/{one}"),
            browser.post(f"/u/{token}", data={"wrong": one}),
            browser.post(f"/p/{choose}", data={"edition": one}),
            browser.post("/s/nothing", data={"address": one}),
            browser.request("DELETE", f"/p/{choose}?{one}"),
            browser.get("/s/weekly", headers={"Accept-Language": one, "Cookie": f"a={one}"}),
            browser.get(f"/u/{token}"),
        ]
        with self.services.engine.begin() as connection:
            connection.execute(text("ALTER TABLE consents RENAME TO away"))
        answers.append(browser.post(f"/p/{choose}", data={"edition": "my", "address": one}))
        answers.append(browser.post(f"/u/{token}", data={"come_back": "1", "a": one}))
        with self.services.engine.begin() as connection:
            connection.execute(text("ALTER TABLE away RENAME TO consents"))
        assert {answer.status_code for answer in answers} >= {200, 400, 404, 405, 500}
        self.heard.append(("page 413", self._too_large(f"/u/{token}?{one}")))
        for answer in answers:
            told = "".join(f"{k}: {v}\n" for k, v in answer.headers.items()) + answer.text
            self.heard.append((f"page {answer.status_code}", told.encode()))

    def _too_large(self, path: str) -> bytes:
        """The answer to a body that is announced as too large and never comes."""
        host, port = self.browser.base_url.host, self.browser.base_url.port
        connection = HTTPConnection(host, port, timeout=PATIENCE)
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", "1000000")
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == 413
        return str(answer.headers).encode() + answer.read()

    def be_told(self) -> None:
        """What the commands say on the screen, unless somebody asks to see addresses."""
        for words in (
            ("subscribers", "list"),
            ("subscribers", "list", "--json"),
            ("subscribers", "growth"),
            ("subscribers", "add", f"{ADDRESSES[0]}@twice"),
            ("subscribers", "find", f"nobody.{ADDRESSES[0]}"),
            ("status", "--json"),
            ("status", "1"),
            ("audit", "--json"),
            ("doctor", "--offline", "--json"),
            ("doctor", "--offline"),
        ):
            self.hear(*words)

    def token(self, address: str, purpose: Purpose = Purpose.UNSUBSCRIBE) -> str:
        """The one in this reader's mails."""
        with reading(self.services.engine) as session:
            person = directory.find(session, self.services.sealer, address)
            assert person is not None
            subject = person.public_id
        return self.services.signer.sign(Claim(subject, 1, purpose))

    def copy(self) -> None:
        """An encrypted list and an encrypted backup, lying about in the home."""
        recipient = str(pyrage.x25519.Identity.generate().to_public())
        kept = self.command.home / "copies"
        kept.mkdir()
        self.command.ok("subscribers", "export", kept / "list.age", "--to", recipient)
        self.command.ok("backup", kept / "all.age", "--to", recipient)

    def dump(self) -> list[tuple[str, bytes]]:
        """All of the database as text."""
        url = self.services.settings.database.url
        if not url:
            return [("dump", _sql(self.services.settings.home / "newsletter.db"))]
        program = require("pg_dump", "postgresql")
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        done = subprocess.run([program, plain], capture_output=True, check=True)
        return [("dump", done.stdout)]


def _quoting(stage: str, count: int) -> str | None:
    """A server that quotes people by their names when it says no."""
    if stage == "RCPT" and count == 2:
        return f"550 5.1.1 <{ADDRESSES[0]}>: user naw.ehkalu is unknown to this letterbox"
    if stage == "RCPT" and count == 3:
        return "451 4.2.1 the mailbox of Zarni-LinYaung is full; ask zarni-linyaung"
    return None


def _sql(path: Path) -> bytes:
    connection = sqlite3.connect(path)
    try:
        return "\n".join(connection.iterdump()).encode()
    finally:
        connection.close()


def _files(home: Path) -> list[tuple[str, bytes]]:
    """Every file of the home with its name, but for the demo's catch of mail."""
    found = (p for p in sorted(home.rglob("*")) if p.is_file())
    return [
        (f"file {p.relative_to(home)}", f"{p.relative_to(home)}\n".encode() + p.read_bytes())
        for p in found
        if p.relative_to(home).parts[0] != "mailbox"
    ]


def _mails(home: Path) -> list[bytes]:
    return [path.read_bytes() for path in (home / "mailbox").rglob("*.eml")]


def _named(data: bytes, wanted: Iterable[str] = (*PEOPLE, *NAMES, *ADDRESSES)) -> list[str]:
    """Whoever is named in these bytes: in UTF-8, UTF-16, hexadecimal or base64, in any case."""
    low = data.lower()
    return [one for one in wanted if any(form in low for form in _forms(one))]


def _forms(name: str) -> Iterator[bytes]:
    text_ = name.lower().encode()
    yield text_
    yield name.lower().encode("utf-16-le")
    yield name.encode().hex().encode()
    for shift in range(3):
        # What base64 makes of the middle of a name, wherever in the line it stands.
        whole = base64.b64encode(b"." * shift + name.encode())
        yield whole[4 if shift else 0 : len(whole) // 4 * 4 - 4].lower()
