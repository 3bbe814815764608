"""Bad input gets one sentence with the place and the remedy, the right exit code, and no trace."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.cli.sample import approved


def test_home_that_is_none(newsletter: Command, tmp_path: Path) -> None:
    ran = newsletter.apart("show", 1)
    assert ran.code == 1
    assert ran.err == f"error: there is no newsletter in {newsletter.home}; " + (
        "run 'newsletter init' first\n"
    )
    assert not newsletter.home.exists()
    assert newsletter("migrate").code == 1
    assert not newsletter.home.exists()
    checked = newsletter("doctor", "--json")
    assert (checked.code, checked.json["healthy"]) == (1, False)
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert newsletter("--home", blocked / "home", "init", "--yes").code == 1


def test_init_asks_and_takes_no_answer_for_no(newsletter: Command) -> None:
    assert "--yes" in newsletter.apart("init").err
    assert not newsletter.home.exists()
    asked = newsletter("init", stdin="The Well\n\n12 Sample Street\n")
    assert asked.code == 0
    shown = newsletter.ok("publication", "show", "--json").json
    assert shown["names"]["en"] == "The Well"
    assert shown["postal_addresses"] == {"en": "12 Sample Street"}
    assert len(shown["lacks"]) == 1
    assert "names.my" in asked.out
    assert "needs a name" in newsletter.refused("publication", "set", "names.en", "")


def test_init_asks_again_what_it_cannot_use_and_stores_nothing_before(newsletter: Command) -> None:
    assert "mail address" in newsletter.refused("init", "--yes", "--sender", "desk at example")
    assert not newsletter.home.exists()
    broken_off = newsletter("init", stdin="The Well\ndesk at example\n")
    assert broken_off.code == 2
    assert not newsletter.home.exists()
    asked = newsletter.ok("init", stdin="The Well\ndesk at example\ndesk@example.org\n\n")
    assert "once more" in asked.err
    shown = newsletter.ok("publication", "show", "--json").json
    assert shown["sender"]["address"] == "desk@example.org"


def test_files_that_are_no_post(newsletter: Command, tmp_path: Path) -> None:
    newsletter.ok("init", "--yes")
    bad = tmp_path / "bad.txt"
    for content, said in (
        (b"", "bad.txt"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "bad.txt"),
        (b"Only a title\n\nand one paragraph.\n", "bad.txt"),
    ):
        bad.write_bytes(content)
        assert said in newsletter.refused("import", bad)
    assert "no such file" in newsletter.refused("import", tmp_path / "absent.txt")
    assert "is a directory" in newsletter.refused("import", tmp_path)
    assert newsletter.ok("status", "--json").json["publications"][0]["issues"] == []
    wrong = newsletter("show", 7, "--json")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.error["field"] == "issue"
    assert "no issue 7" in wrong.error["message"]


def test_subscribers_of_a_broken_file(newsletter: Command, tmp_path: Path) -> None:
    newsletter.ok("init", "--yes")
    file = tmp_path / "readers.csv"
    good = [f"r{n}@example.org,en" for n in range(2, 17)]
    file.write_text("\n".join(["email,edition", *good, "r17 at example.org,en", good[0]]) + "\n")
    add = ("subscribers", "import", file)
    tried = newsletter.ok(*add, "--dry-run", "--json").json
    assert (tried["stored"], tried["counts"]["new"], tried["counts"]["broken"]) == (False, 15, 1)
    assert newsletter.refused(*add, "--strict").startswith("error: readers.csv:17: ")
    assert newsletter.ok("subscribers", "list", "--json").json["subscribers"] == []
    taken = newsletter.ok(*add)
    assert "readers.csv:17: broken:" in taken.out
    assert "readers.csv:18: duplicate:" in taken.out
    listed = newsletter.ok("subscribers", "list")
    assert "r***@e***" in listed.out
    assert "example.org" not in listed.out
    assert "\x1b" not in listed.out
    assert "r2@example.org" in newsletter.ok("subscribers", "list", "--reveal").out


def test_settings_and_publication_files(newsletter: Command, tmp_path: Path) -> None:
    newsletter.ok("init", "--yes")
    file = tmp_path / "weekly.toml"
    file.write_text(newsletter.ok("publication", "show").out, encoding="utf-8")
    assert "Nothing changed" in newsletter.ok("publication", "apply", file).out
    file.write_text(file.read_text(encoding="utf-8").replace("09:00", "29:00"), encoding="utf-8")
    assert f"{file}: slot.time:" in newsletter.refused("publication", "apply", file)
    file.write_text("slug = \n")
    assert "not valid TOML" in newsletter.refused("publication", "apply", file)
    (newsletter.home / "newsletter.toml").write_text("[smtp]\nhots = 'mail'\n")
    assert "smtp.hots: there is no such setting" in newsletter.refused("status")


def test_mail_server_that_is_not_there_launches_nothing(
    newsletter: Command, tmp_path: Path
) -> None:
    approved(newsletter, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    toml = f'[smtp]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
    (newsletter.home / "newsletter.toml").write_text(toml)
    for args in (("send", 1), ("send", 1, "--test", "--to", "me@example.org")):
        ran = newsletter(*args)
        assert (ran.code, ran.out) == (1, "")
        assert f"no SMTP server answers at 127.0.0.1:{port}" in ran.err
    assert newsletter.ok("status", 1, "--json").json["status"] == "approved"


def test_unforeseen_error_is_a_sentence_and_its_trace_is_in_the_log(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    (newsletter.home / "newsletter.db").write_bytes(b"someone@example.org wrote over this" * 99)
    ran = newsletter.apart("status", "--json")
    log = newsletter.home / "logs" / "newsletter.log"
    assert (ran.code, ran.out) == (1, "")
    assert str(log) in ran.error["message"]
    assert "Traceback" not in ran.err
    last = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    assert "Traceback" in last["exception"]
    assert "Traceback" in newsletter("status", "--debug").err


@pytest.mark.parametrize(
    "line",
    [
        "show {}", "status {}", "check {}", "submit {}", "send {}", "settle {} 1 --as again",
        "settle 1 {} --as again", "import post.txt --issue {}", "resources list --issue {}",
        "resources move 1 --issue {}", "resources move 1 --position {}", "resources drop {}",
    ],
)  # fmt: skip
def test_a_number_that_nothing_can_have_is_refused(newsletter: Command, line: str) -> None:
    newsletter.ok("init", "--yes")
    for number, limit in (
        ("99999999999999999999", "less than or equal to 2147483647"),
        ("0", "greater than or equal to 1"),
    ):
        said = newsletter.refused(*line.format(number).split())
        assert f": it must be {limit}" in said


@pytest.mark.parametrize(
    "line", ["import {}", "subscribers import {}", "subscribers leave {}", "publication apply {}"]
)
def test_what_never_ends_is_not_read(newsletter: Command, tmp_path: Path, line: str) -> None:
    newsletter.ok("init", "--yes")
    pipe, large = tmp_path / "pipe", tmp_path / "large"
    os.mkfifo(pipe)
    with large.open("wb") as file:
        file.truncate(2_000_000_001)  # all holes, takes no room
    ask = newsletter.apart.refused
    assert "is no regular file" in ask(*line.format("/dev/zero").split())
    assert "is no regular file" in ask(*line.format(pipe).split())
    assert "is a directory" in ask(*line.format(tmp_path).split())
    assert "is larger than " in ask(*line.format(large).split())


def test_a_mail_without_end_is_not_read(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    ran = newsletter.apart.ok("subscribers", "leave", "-", stdin="x" * 1_000_001)
    assert "nobody was taken off" in ran.err
