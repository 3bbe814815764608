"""`newsletter bounces`: from a pipe as a mail server gives it, from files, and from nowhere."""

from __future__ import annotations

import mailbox
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.app import open_services
from newsletter.delivery.message_ids import RETURN_PATH, unique
from tests import dovecot
from tests.cli.command import Command
from tests.delivery import returned_mails

NONE = {
    "bounce": 0, "complaint": 0, "leave": 0, "delivered": 0, "automatic": 0, "unknown": 0,
    "foreign": 0,
}  # fmt: skip


@pytest.fixture
def desk(newsletter: Command) -> Command:
    """A home with a bounce address."""
    newsletter.ok("init", "--yes")
    return newsletter


def _away(desk: Command, number: int) -> bytes:
    """An automatic answer to a genuine return path: ours, whatever the ledger holds."""
    return returned_mails.vacation(f"bounces+{_token(desk, number)}@news.example")


def _token(desk: Command, number: int) -> str:
    services = open_services(desk.home)
    try:
        return unique(services.ring.index, number, RETURN_PATH)
    finally:
        services.close()


def test_one_mail_an_mbox_a_maildir_and_a_directory(desk: Command, tmp_path: Path) -> None:
    away = _away(desk, 1)
    one = tmp_path / "one.eml"
    one.write_bytes(away + b"\r\nFrom here on it is still the same mail.\r\n")
    box = mailbox.mbox(tmp_path / "mbox")
    room = mailbox.Maildir(tmp_path / "Maildir")
    for _ in range(3):
        box.add(away)
        room.add(away)
    box.close()
    many = tmp_path / "many"
    many.mkdir()
    (many / "a").write_bytes(away)
    (many / "b").write_bytes(returned_mails.letter("desk@news.example"))
    (many / ".hidden").write_bytes(away)
    for name, expected in [
        ("one.eml", {"mails": 1, "automatic": 1}),
        ("mbox", {"mails": 3, "automatic": 3}),
        ("Maildir", {"mails": 3, "automatic": 3}),
        ("many", {"mails": 2, "automatic": 1, "foreign": 1}),
    ]:
        ran = desk.ok("bounces", "feed", tmp_path / name, "--json")
        assert ran.json == {**NONE, **expected}, name
    said = desk.ok("bounces", "feed", tmp_path / "mbox", many).out
    assert said == "5 mails read: 4 automatic and 1 none of ours.\n"


def test_a_hundred_megabytes_in_one_mail_are_read_as_one(desk: Command, tmp_path: Path) -> None:
    big = tmp_path / "mbox"
    with big.open("wb") as file:
        file.write(b"From x\n" + _away(desk, 1).replace(b"\r\n", b"\n") + b"\n")
        for _ in range(200):
            file.write(b"a line of an enormous letter\n" * 20_000)
        file.write(b"\nFrom y\n" + _away(desk, 2).replace(b"\r\n", b"\n"))
    assert desk.ok("bounces", "feed", big, "--json").json["automatic"] == 2


def test_a_pipe_never_bounces_what_is_none_of_ours(desk: Command) -> None:
    for mail in (b"", b"\xff\x00", returned_mails.letter("bounces@news.example")):
        ran = desk.ok("bounces", "feed", "-", stdin=mail.decode("utf-8", "replace"))
        assert ran.out == "1 mail read: 1 none of ours.\n"
    assert "automatic" in desk.apart.ok("bounces", "feed", "-", stdin=_away(desk, 1).decode()).out


def test_a_failure_makes_the_mail_server_try_again(desk: Command) -> None:
    report = returned_mails.postfix(
        f"bounces+{_token(desk, 1)}@news.example", "", said="smtp; 550 jane.reader unknown"
    )
    database = desk.home / "newsletter.db"
    database.rename(desk.home / "elsewhere")
    ran = desk.apart("bounces", "feed", "-", stdin=report.decode())
    assert (ran.code, ran.out) == (75, "")
    assert "jane" not in ran.err
    (desk.home / "elsewhere").rename(database)
    assert desk.ok("bounces", "feed", "-", "--json", stdin=report.decode()).json["bounce"] == 1


def test_what_cannot_be_read_is_said(desk: Command, tmp_path: Path) -> None:
    assert "there is no such file" in desk.refused("bounces", "feed", tmp_path / "none")
    os.mkfifo(tmp_path / "pipe")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert "no regular file" in desk.refused("bounces", "feed", tmp_path / "pipe")


def test_without_a_mailbox_there_is_none_to_poll(desk: Command) -> None:
    for deed in ("poll", "test"):
        ran = desk("bounces", deed)
        assert (ran.code, ran.out) == (1, "")
        assert "there is no mailbox to read: set mailbox, host" in ran.err


def test_a_mailbox_is_looked_at_and_then_emptied(
    desk: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dovecot.running() as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
        box = server.mailbox()
        (tmp_path / "secret").write_text(f"{dovecot.PASSWORD}\n")
        settings = {
            "MAILBOX": "pop3",
            "HOST": "localhost",
            "PORT": str(server.ports["pop3s"]),
            "USERNAME": box.name,
            "PASSWORD_FILE": str(tmp_path / "secret"),
        }
        given = {f"NEWSLETTER_BOUNCES__{key}": value for key, value in settings.items()}
        at = replace(desk, environment={**desk.environment, **given})
        box.put(_away(desk, 1), returned_mails.letter("desk@news.example"))
        looked = at.ok("bounces", "test")
        assert looked.out == "The mailbox at localhost can be read: 2 mails in it.\n"
        assert "set bounces.address" in looked.err
        assert at.ok("bounces", "poll", "--json").json == {
            **NONE, "mails": 2, "automatic": 1, "foreign": 1,
        }  # fmt: skip
        assert at.ok("bounces", "poll").out == "1 mail read: 1 none of ours.\n"
        (finding,) = [
            one for one in at("doctor", "--json").json["findings"] if one["subject"] == "bounces"
        ]
        assert (finding["verdict"], "1 in it" in finding["found"]) == ("good", True)
