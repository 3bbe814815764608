"""`doctor` goes on after what is broken, and a home that refuses is a sentence in any command."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.http_server import DROP, HttpServer, answer


@pytest.fixture
def small_disk(newsletter: Command) -> Iterator[Path]:
    """A real disk of 2 MB for the home, which only the superuser can make."""
    newsletter.home.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "none", str(newsletter.home)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small disk (root)")
    yield newsletter.home
    subprocess.run(["umount", "-l", str(newsletter.home)], check=True)


def _findings(newsletter: Command) -> dict[str, tuple[str, str]]:
    ran = newsletter("doctor", "--json")
    assert ran.code == 1, ran
    assert ran.err == ""
    return {f["subject"]: (f["verdict"], f["found"]) for f in ran.json["findings"]}


def test_each_broken_part_is_named_and_the_others_are_still_seen(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    home = newsletter.home
    toml = home / "newsletter.toml"
    toml.write_text("[smtp\n")
    found = _findings(newsletter)
    assert found["settings"][0] == "bad"
    assert found["key"] == ("good", "present and whole")
    assert "disk" in found
    toml.unlink()
    (home / "keys.json").write_text("{}")
    found = _findings(newsletter)
    assert found["key"][0] == "bad"
    assert found["database"][0] == "good"
    assert {"publication weekly", "mail", "public address", "time zone"} <= found.keys()
    for name in home.glob("newsletter.db*"):
        name.write_text("garbage")
    found = _findings(newsletter)
    assert "is damaged" in found["database"][1]
    assert {"mail", "public address", "disk"} <= found.keys()


def test_server_that_is_not_there_is_found_without_its_password(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    url = "postgresql://u:secret@127.0.0.1:1/x"
    there = replace(newsletter, environment={"NEWSLETTER_DATABASE__URL": url})
    level, text = _findings(there)["database"]
    assert level == "bad"
    assert "127.0.0.1:1 " in text
    assert "secret" not in text
    ran = there("status", "--debug")
    assert ran.code == 1
    assert "secret" not in ran.err + (newsletter.home / "logs" / "newsletter.log").read_text()


@pytest.mark.parametrize(
    ("lines", "level", "sentence"),
    [
        (
            '[delivery]\nprovider = "mailgun"\n',
            "bad",
            "mailgun.domain and mailgun.key are not set",
        ),
        (
            '[delivery]\nprovider = "brevo"\n[brevo]\nkey = "k"\n',
            *("bad", "brevo.tracking_is_off"),
        ),
    ],
)
def test_a_provider_that_lacks_a_key_is_told_in_one_sentence(
    newsletter: Command, lines: str, level: str, sentence: str
) -> None:
    newsletter.ok("init", "--yes")
    (newsletter.home / "newsletter.toml").write_text(lines)
    found = _findings(newsletter)["mail"]
    assert found[0] == level
    assert sentence in found[1]


@pytest.mark.parametrize(
    ("reply", "verdict", "words"),
    [
        (answer(200, "{}"), "good", "it knows the key"),
        (answer(401, "Forbidden"), "bad", "it refuses the key (it answers 401)"),
        (answer(503), "not known", "it answers 503"),
        (DROP, "not known", "hung up"),
    ],
)
def test_a_provider_is_asked_whether_it_knows_the_key(
    newsletter: Command, reply: bytes, verdict: str, words: str
) -> None:
    newsletter.ok("init", "--yes")
    with HttpServer(lambda _asked, _nth: reply) as server:
        (newsletter.home / "newsletter.toml").write_text(
            '[delivery]\nprovider = "mailgun"\n[mailgun]\nkey = "s3cret"\n'
            f'domain = "mg.example.org"\nendpoint = "{server.url}"\n'
        )
        found = _findings(newsletter)["mail"]
        assert server.kept[0].line.startswith("GET /v3/domains/mg.example.org ")
    assert found[0] == verdict
    assert words in found[1]
    assert "s3cret" not in found[1]


_COMMANDS = (
    ("status",),
    ("subscribers", "add", "a@example.org"),
    ("resources", "add", "--title", "en=A", "--url", "en=https://example.org/a"),
    ("send", "1"),
    ("init", "--yes"),
    ("serve", "--port", "0"),
)


def test_full_disk_is_one_sentence(newsletter: Command, small_disk: Path) -> None:
    newsletter.ok("init", "--yes")
    for args in _COMMANDS:
        with (small_disk / "filler").open("ab") as file:
            file.write(b"\0" * shutil.disk_usage(small_disk).free)
        ran = newsletter.apart(*args)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("error: the disk is full"), ran
        assert ran.err.count("\n") == 1, ran
    found = _findings(newsletter.apart)
    assert found["disk"] == ("bad", f"the disk is full ({small_disk})")
    assert {"key", "mail", "public address"} <= found.keys()


def test_read_only_home_is_one_sentence(newsletter: Command, small_disk: Path) -> None:
    newsletter.apart.ok("init", "--yes")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for args in _COMMANDS:
        ran = newsletter.apart(*args)
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith(f"error: the home {small_disk} cannot be written"), ran
        assert ran.err.count("\n") == 1, ran
    assert _findings(newsletter.apart)["home"][0] == "bad"


def test_every_command_says_the_same_of_a_home_that_is_none(newsletter: Command) -> None:
    for args in (("send", 1), ("serve",), ("status",), ("schedule", 1, "--now")):
        ran = newsletter(*args)
        assert ran.code == 1
        assert ran.err.startswith(f"error: there is no newsletter in {newsletter.home}; run"), ran
    assert not newsletter.home.exists()
