"""`newsletter keys`: shown without secrets, rotated, wrapped by something else and opened again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.core import key_file
from newsletter.core.key_file import KeyFile
from tests.cli.command import Command
from tests.system import PATIENCE

WORDS = "five quiet boats on the Salween"
KEY = "bW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW0="


@pytest.fixture
def desk(newsletter: Command) -> Command:
    """A home with one reader."""
    newsletter.ok("init", "--yes", "--sender", "desk@example.org", "--postal", "12 Lane")
    newsletter.ok("subscribers", "add", "reader@example.org")
    return newsletter


def _with(command: Command, **keys: object) -> Command:
    set_now = {f"NEWSLETTER_KEYS__{name}": str(value) for name, value in keys.items()}
    return replace(command, environment={**command.environment, **set_now})


def _opens(command: Command) -> bool:
    return "reader@example.org" in command.ok("subscribers", "list", "--reveal").out


def test_show_and_rotate(desk: Command) -> None:
    shown = desk.ok("keys", "show").out
    assert "Wrapped by the key file." in shown
    assert "closing addresses" in shown
    said = desk.ok("keys", "rotate").out
    assert "The new keys are 'k2'; 1 address closed again." in said
    assert "1 old key removed" in said
    found = desk.ok("keys", "show", "--json").json
    held = [(key["use"], key["kid"], key["addresses"]) for key in found["keys"]]
    assert held == [("index", "i1", None), ("seal", "k2", 1), ("token", "k2", None),
                    ("token", "k1", None)]  # fmt: skip
    assert desk.ok("keys", "rotate", "--json").json == {"key": "k3", "addresses": 1, "removed": 1}
    assert desk.ok("audit", "--json").json["entries"][0]["deed"] == "rotation"
    assert _opens(desk)


def test_wrapped_by_a_passphrase_and_back(desk: Command, tmp_path: Path) -> None:
    said = desk.ok("keys", "wrap", "--passphrase", stdin=f"{WORDS}\n{WORDS}\n").out
    assert "set NEWSLETTER_KEYS__PASSPHRASE_FILE=FILE" in said
    assert "keys.json is not used any more" in said
    ran = desk("subscribers", "list")
    assert ran.code == 1
    assert "wrapped by a passphrase, and none is set" in ran.err
    file = tmp_path / "words"
    file.write_text(f"{WORDS}\n")
    there = _with(desk, PASSPHRASE_FILE=file)
    assert _opens(there)
    assert "may be the key of older backups" in there("keys", "wrap", "--new-file").err
    (desk.home / "keys.json").rename(tmp_path / "old.json")
    assert "take 'passphrase' out of" in there.ok("keys", "wrap", "--new-file").out
    assert _opens(desk)
    findings = there("doctor", "--json").json["findings"]
    idle = [
        f["found"] for f in findings if (f["subject"], f["verdict"]) == ("data keys", "warning")
    ]
    assert idle == ["a passphrase stands under [keys], and the keys are not wrapped by it"]


def test_the_first_line_of_a_file_is_the_passphrase(desk: Command, tmp_path: Path) -> None:
    """As of a backup's: what somebody notes below it is no part of it, here and at the start."""
    file = tmp_path / "words"
    file.write_text(f"{WORDS}\nfor the newsletter, kept by the desk\n")
    desk.ok("keys", "wrap", "--passphrase-file", file)
    for text in (file.read_text(), WORDS):
        file.write_text(text)
        assert _opens(_with(desk, PASSPHRASE_FILE=file))


def test_wrapped_by_a_key_of_ones_own(desk: Command, tmp_path: Path) -> None:
    file = tmp_path / "own.key"
    file.write_text(f"{KEY}\n")
    said = desk.ok("keys", "wrap", "--key-file", file).out
    assert f"set NEWSLETTER_KEYS__KEY_FILE={file}" in said
    assert _opens(_with(desk, KEY_FILE=file))
    (desk.home / "keys.json").unlink()
    findings = _with(desk, KEY_FILE=file)("doctor", "--json").json["findings"]
    told = {f["subject"]: (f["verdict"], f["found"]) for f in findings}
    assert told["data keys"] == ("good", "wrapped by a key that is set, and all of them open")
    assert "key" not in told


def test_a_new_key_file(desk: Command) -> None:
    path = desk.home / "keys.json"
    old = KeyFile.load(path)
    said = desk.ok("keys", "wrap", "--new-file").out
    (copy,) = desk.home.glob("keys-*.json")
    assert str(copy) in said
    assert KeyFile.load(copy) == old != KeyFile.load(path)
    assert _opens(desk)


def test_two_who_make_a_new_key_file_at_once(desk: Command) -> None:
    """Both are far enough to have read the keys before either may change them."""
    with key_file.alone(desk.home):
        runs = [
            subprocess.Popen(
                [sys.executable, "-m", "newsletter", "keys", "wrap", "--new-file"],
                env=desk.whole_environment,
                stdout=subprocess.PIPE,
            )
            for _ in range(2)
        ]
        _until_waiting(desk.home, len(runs))
    for run in runs:
        run.communicate(timeout=PATIENCE)
    assert [run.returncode for run in runs] == [0, 0]
    assert len(KeyFile.load(desk.home / "keys.json").masters) == 1
    assert len(list(desk.home.glob("keys-*.json"))) == 2, "each that was replaced is kept"
    assert _opens(desk)


def _until_waiting(home: Path, number: int) -> None:
    """Until so many processes wait for the lock on the key file of this home."""
    place, until = f":{os.stat(home).st_ino} ", time.monotonic() + PATIENCE
    while time.monotonic() < until:
        lines = Path("/proc/locks").read_text().splitlines()
        if sum("->" in line and place in line for line in lines) == number:
            return
        time.sleep(0.02)
    raise AssertionError("nobody waits")


@pytest.mark.parametrize(
    ("options", "text", "said"),
    [
        ((), "", "one of --new-file"),
        (("--new-file", "--passphrase"), "", "one of --new-file"),
        (("--passphrase-file",), "short", "fewer than 12 characters"),
        (("--key-file",), "AAAA", "32 bytes in base64"),
        (("--key-file",), "\udcff", "32 bytes in base64"),
    ],
)
def test_what_cannot_wrap_is_refused_and_nothing_changes(
    desk: Command, tmp_path: Path, options: tuple[str, ...], text: str, said: str
) -> None:
    file = tmp_path / "given"
    file.write_text(text, errors="surrogateescape")
    words = [*options, file] if text else [*options]
    assert said in desk.refused("keys", "wrap", *words)
    assert _opens(desk)
