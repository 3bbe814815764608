"""A bounce mailbox is read from a real server: by one process at a time, and nothing is lost."""

from __future__ import annotations

import imaplib
import json
import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from newsletter.app import Services
from newsletter.core import imap, mailbox
from newsletter.core.bounce_settings import Bounces
from newsletter.core.clock import now
from newsletter.core.db import database_now, reading, writing
from newsletter.core.errors import ConfigurationError, NotAllowedNow
from newsletter.core.imap import LEFT
from newsletter.core.tokens import Claim, Purpose
from newsletter.delivery import applying
from newsletter.delivery.models import Delivery, Event
from newsletter.delivery.returning.paths import return_path
from newsletter.delivery.returning.taking import Sort
from newsletter.schedule import emptying, lease
from subscribers.models import Subscriber, Subscription
from tests import dovecot
from tests.delivery import newsroom, returned_mails, returns
from tests.dovecot import Box, Dovecot

READER = "r1@example.org"
PROTOCOLS = ["imap", "pop3"]


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    """One server for all tests of this file."""
    with dovecot.running() as made:
        yield made


@pytest.fixture
def box(server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> Box:
    """An empty mailbox whose server's certificate is believed."""
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    return server.mailbox()


def at(
    server: Dovecot, box: Box, protocol: str = "imap", security: str = "tls", **changes: object
) -> Bounces:
    """The settings of a mailbox."""
    listener = protocol + ("s" if security == "tls" else "")
    values: dict[str, object] = {
        "address": "bounces@news.example",
        "mailbox": protocol,
        "host": "localhost",
        "port": server.ports[listener],
        "security": security,
        "allow_plain": False,
        "username": box.name,
        "password": dovecot.PASSWORD,
        "folder": "INBOX",
        "done_folder": "",
        "poll_minutes": 10,
        "timeout": 20,
    }
    return Bounces.model_validate({**_shipped(), **values, **changes})


def _shipped() -> dict[str, object]:
    import tomllib

    from newsletter.core.resources import shipped

    found: dict[str, object] = tomllib.loads((shipped("config") / "defaults.toml").read_text())[
        "bounces"
    ]
    return found


def on(services: Services, bounces: Bounces) -> Services:
    """The same services with this mailbox."""
    return replace(services, settings=services.settings.model_copy(update={"bounces": bounces}))


def bounce(services: Services, delivery_id: int) -> bytes:
    """A hard bounce to the return path of a delivery."""
    secret = services.ring.index
    to = return_path(services.settings, secret, delivery_id)
    return returned_mails.postfix(to, returned_mails.original(delivery_id, secret))


def events(services: Services) -> int:
    with reading(services.engine) as session:
        return session.scalar(select(func.count()).select_from(Event)) or 0


def leave_mail(services: Services, number: int = 0) -> bytes:
    """What a mail program sends when a reader presses the mailto link."""
    with reading(services.engine) as session:
        reader = session.scalars(select(Subscriber).order_by(Subscriber.id)).all()[number]
        list_id = session.scalars(select(Subscription.publication_id)).first() or 0
    token = services.signer.sign(Claim(reader.public_id, list_id, Purpose.UNSUBSCRIBE))
    return returned_mails.letter("leave@news.example", subject=f"leave {token}", text="")


def ended(services: Services) -> list[str]:
    with reading(services.engine) as session:
        gone = Subscription.state == "ended"
        return [str(how) for how in session.scalars(select(Subscription.ended_reason).where(gone))]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_everything_that_comes_back(
    any_services: Services, server: Dovecot, box: Box, protocol: str, security: str
) -> None:
    """A bounce, a wish to leave, somebody on leave, and a letter that is none of our business."""
    services = on(any_services, at(server, box, protocol, security))
    first, *_ = returns.taken(services, newsroom.publish(services, 3))
    letter = returned_mails.letter("bounces@news.example", text="Dear desk, a real letter.")
    box.put(
        bounce(services, first),
        letter,
        leave_mail(services, 1),
        returned_mails.vacation(return_path(services.settings, services.ring.index, first)),
    )
    tally = emptying.empty(services)
    assert tally == {Sort.BOUNCE: 1, Sort.FOREIGN: 1, Sort.LEAVE: 1, Sort.AUTOMATIC: 1}
    assert ended(services) == ["mail"]
    applying.apply_waiting(services, now())
    with reading(services.engine) as session:
        row = session.get_one(Delivery, first)
        assert (row.state, row.reason) == ("bounced", "hard_bounce")
    # The letter is nobody's to throw away; a second look finds nothing new.
    assert box.mails() == [letter.replace(b"\r\n", b"\n")]
    again = emptying.empty(services)
    assert again == ({} if protocol == "imap" else {Sort.FOREIGN: 1})
    assert events(services) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_killed_before_it_was_deleted_it_is_read_again_to_no_effect(
    services: Services, server: Dovecot, box: Box, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    mine = on(services, at(server, box, protocol))
    numbers = returns.taken(mine, newsroom.publish(mine, 3))
    box.put(*(bounce(mine, number) for number in numbers))
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(mailbox.Mailbox, "settle", die)
        emptying.empty(mine)
    assert (events(mine), len(box.mails())) == (3, 3)
    assert emptying.empty(mine) == {Sort.BOUNCE: 3}
    assert (events(mine), box.mails()) == (3, [])


def test_what_the_database_does_not_take_stays_in_the_mailbox(
    file_services: Services, server: Dovecot, box: Box
) -> None:
    services = on(file_services, at(server, box))
    numbers = returns.taken(services, newsroom.publish(services, 2))
    box.put(*(bounce(services, number) for number in numbers))
    with writing(services.engine) as session:
        session.connection().exec_driver_sql("ALTER TABLE events RENAME TO elsewhere")
    with pytest.raises(ConfigurationError, match="no tables"):
        emptying.empty(services)
    assert len(box.mails()) == 2
    with writing(services.engine) as session:
        session.connection().exec_driver_sql("ALTER TABLE elsewhere RENAME TO events")
    assert emptying.empty(services) == {Sort.BOUNCE: 2}
    assert box.mails() == []


@pytest.mark.parametrize("lacking", [set(), {"MOVE"}, {"MOVE", "UIDPLUS"}])
def test_done_with_means_moved_where_that_is_wished(
    services: Services,
    server: Dovecot,
    box: Box,
    monkeypatch: pytest.MonkeyPatch,
    lacking: set[str],
) -> None:
    """Into a folder that is not there yet, with a name that is not ASCII; also by old servers."""
    offered = imap._capabilities

    def fewer(client: imaplib.IMAP4) -> tuple[str, ...]:
        return tuple(word for word in offered(client) if word not in lacking)

    monkeypatch.setattr(imap, "_capabilities", fewer)
    mine = on(services, at(server, box, done_folder="Zurück & gut"))
    numbers = returns.taken(mine, newsroom.publish(mine, 2))
    box.put(*(bounce(mine, number) for number in numbers))
    emptying.empty(mine)
    assert box.mails() == []
    assert len(box.mails("Zur&APw-ck &- gut")) == 2


def test_hundreds_of_mails_in_small_sessions(services: Services, server: Dovecot, box: Box) -> None:
    """More than one session of POP3, with foreign mails between: the right ones are deleted."""
    mine = on(services, at(server, box, "pop3"))
    (number,) = returns.taken(mine, newsroom.publish(mine, 1))
    letters = [returned_mails.letter("desk@news.example", subject=str(n)) for n in range(30)]
    away = return_path(mine.settings, mine.ring.index, number)
    for n in range(450):
        box.put(returned_mails.vacation(away))
        if n % 15 == 0:
            box.put(letters[n // 15])
    assert emptying.empty(mine) == {Sort.AUTOMATIC: 450, Sort.FOREIGN: 30}
    assert len(box.mails()) == 30
    assert all(b"Good day!" in mail for mail in box.mails())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_ten_megabytes_and_endless_lines(
    services: Services, server: Dovecot, box: Box, protocol: str
) -> None:
    mine = on(services, at(server, box, protocol))
    first, second = returns.taken(mine, newsroom.publish(mine, 2))
    box.put(
        bounce(mine, first) + b"\r\n" + b"x" * 200_000 + b"\r\n" + b"a line of it\r\n" * 700_000,
        b"X-Long: " + b"y" * 30_000 + b"\r\n" + bounce(mine, second),
    )
    assert emptying.empty(mine) == {Sort.BOUNCE: 2}
    assert box.mails() == []


def test_the_keyword_spares_what_is_left_and_marks_nothing_as_read(
    services: Services, server: Dovecot, box: Box
) -> None:
    mine = on(services, at(server, box))
    box.put(returned_mails.letter("desk@news.example"))
    emptying.empty(mine)
    (name,) = box.names()
    marks = name.partition(":2,")[2]
    assert "S" not in marks
    assert "T" not in marks
    assert marks
    assert LEFT in (box.directory / "dovecot-keywords").read_text()


def test_one_reads_at_a_time_and_each_interval_once(
    any_services: Services, server: Dovecot, box: Box
) -> None:
    services = on(any_services, at(server, box))
    (number,) = returns.taken(services, newsroom.publish(services, 1))
    with writing(services.engine) as session:
        assert lease.hold(session, emptying.READING, "another", 60, database_now(session))
    with pytest.raises(NotAllowedNow, match="another process"):
        emptying.empty(services)
    with writing(services.engine) as session:
        lease.release(session, emptying.READING, "another")
    box.put(bounce(services, number))
    assert emptying.poll_due(services) == {Sort.BOUNCE: 1}
    box.put(bounce(services, number))
    assert emptying.poll_due(services) is None
    with writing(services.engine) as session:  # the interval is over
        assert not lease.hold(session, emptying.DUE, "early", 1, database_now(session))
    assert len(box.mails()) == 1
    assert emptying.empty(services) == {Sort.BOUNCE: 1}


def test_rounds_read_beside_the_keeper_and_end_when_told(
    services: Services, server: Dovecot, box: Box
) -> None:
    mine = on(services, at(server, box))
    (number,) = returns.taken(mine, newsroom.publish(mine, 1))
    box.put(bounce(mine, number))
    rounds = emptying.Rounds(mine)
    for _ in range(100):  # a keeper asks each second and starts one round
        rounds.keep()
    assert len([one for one in threading.enumerate() if one.name == "bounces"]) <= 1
    rounds.close()
    assert (events(mine), box.mails()) == (1, [])
    rounds.keep()
    assert not [one for one in threading.enumerate() if one.name == "bounces"]


def test_a_mailbox_that_is_out_of_order_stops_no_round(
    services: Services, server: Dovecot, box: Box
) -> None:
    rounds = emptying.Rounds(on(services, at(server, box, password="wrong")))
    with capture_logs() as logged:
        rounds.keep()
        rounds.close()
    rounds.keep()
    assert [one["event"] for one in logged] == ["bounces_not_read"]
    assert "refuses the login" in logged[0]["reason"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"password": "wrong"}, "refuses the login; check bounces.username"),
        ({"host": "127.0.0.2"}, "bounces.host"),
        ({"host": "no.such.host.invalid"}, "there is no machine named"),
        ({"mailbox": ""}, "there is no mailbox to read"),
        ({"host": ""}, "bounces.host is empty"),
        ({"security": "none", "host": "mail.example.org"}, "is another machine"),
        ({"security": "starttls", "timeout": 1}, "check bounces"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(
    server: Dovecot, box: Box, protocol: str, changes: dict[str, object], sentence: str
) -> None:
    with (
        pytest.raises(ConfigurationError, match=sentence),
        mailbox.opened(at(server, box, protocol).model_copy(update=changes)),
    ):
        pass


def test_a_certificate_of_somebody_else_and_a_folder_that_is_not(
    server: Dovecot, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=r"no folder 'Nowhere'.*bounces\.folder"):
        mailbox.Mailbox(at(server, box, folder="Nowhere"))
    monkeypatch.delenv("SSL_CERT_FILE")
    for protocol in PROTOCOLS:
        for security in ("tls", "starttls"):
            with pytest.raises(ConfigurationError, match="certificate of localhost"):
                mailbox.Mailbox(at(server, box, protocol, security))


@pytest.mark.parametrize(("protocol", "greeting"), [("imap", b"* OK hi\r\n"), ("pop3", b"+OK\r\n")])
def test_a_server_that_offers_no_tls_gets_no_password(protocol: str, greeting: bytes) -> None:
    """As when somebody in between takes STARTTLS out of what it offers."""
    heard = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            line, _ = server.accept()
            with line, line.makefile("rwb") as file:
                file.write(greeting)
                file.flush()
                while said := file.readline():
                    heard.extend(said)
                    tag = said.split()[0]
                    imap = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n" + tag + b" OK done\r\n"
                    file.write(imap if protocol == "imap" else b"+OK\r\nUSER\r\n.\r\n")
                    file.flush()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        settings = Bounces.model_validate(
            {
                **_shipped(), "mailbox": protocol, "host": "127.0.0.1", "port": port,
                "security": "starttls", "username": "bounces", "password": "sesame", "timeout": 5,
            }
        )  # fmt: skip
        with pytest.raises(ConfigurationError, match="does not offer STARTTLS"):
            mailbox.Mailbox(settings)
        thread.join(5)
    assert b"sesame" not in heard
    assert b"LOGIN" not in heard.upper()
    assert b"AUTH" not in heard.upper()


def test_no_address_reaches_a_log(
    file_services: Services, server: Dovecot, box: Box, home: Path
) -> None:
    from newsletter.core import log

    services = on(file_services, at(server, box))
    (number,) = returns.taken(services, newsroom.publish(services, 1))
    box.put(bounce(services, number), leave_mail(services))
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    root.handlers[:] = []
    try:
        log.configure("DEBUG", file=home / "test.log", to_stderr=False)
        emptying.empty(services)
        emptying.Rounds(on(services, at(server, box, username=READER, password="no")))._round()
    finally:
        for handler in root.handlers:
            handler.close()
        root.handlers[:], root.level = before, level
    written = (home / "test.log").read_text()
    assert [json.loads(line)["event"] for line in written.splitlines()]
    for name in (READER, "jane.reader", "@", dovecot.PASSWORD, "v1."):
        assert name not in written
    with reading(services.engine) as session:
        kept = " ".join(str(row.answer) for row in session.scalars(select(Event)))
    assert "jane" not in kept
