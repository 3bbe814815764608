"""An editor asks about readers: one of them, all of them, in a file; and lets one be forgotten."""

from __future__ import annotations

import csv
import io
import os
import stat
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyrage
import pytest

from newsletter.app import open_services
from newsletter.core.clock import now
from newsletter.core.db import writing
from subscribers.models import ListImport
from tests.cli.command import Command
from tests.system import require

ONE = "one@example.org"
SECRET = "four words lock it"


@pytest.fixture
def listed(newsletter: Command) -> Command:
    """A home with three readers, one of whom left."""
    newsletter.ok("init", "--yes")
    for name, edition in (("one", "my"), ("two", "en+my"), ("+three", "en")):
        newsletter.ok("subscribers", "add", f"{name}@example.org", "--edition", edition)
    newsletter.ok("subscribers", "remove", "two@example.org")
    return newsletter


def _rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def _exported(command: Command) -> list[dict[str, object]]:
    entries = command.ok("audit", "--json").json["entries"]
    return [entry for entry in entries if entry["deed"] == "export"]


def test_one_address_is_found_exactly(listed: Command) -> None:
    found = listed.ok("subscribers", "find", "ONE@example.org", "--json").json
    (held,) = found["subscriptions"]
    assert (held["publication"], held["state"], held["edition"]) == ("weekly", "active", "my")
    assert (held["text_only"], held["paused_until"]) == (False, None)
    assert "active" in listed.ok("subscribers", "find", ONE).out
    assert "nothing is held under this address" in listed.refused("subscribers", "find", "o@x.org")


def test_a_story_is_told_on_the_screen_as_json_and_as_a_page(
    listed: Command, tmp_path: Path
) -> None:
    told = listed.ok("subscribers", "story", "two@example.org").out
    for word in ("two@example.org", "ended", "withdrawn", "taken off by an editor", "en+my"):
        assert word in told
    found = listed.ok("subscribers", "story", "two@example.org", "--json").json
    assert [c["kind"] for c in found["memberships"][0]["consents"]] == ["given", "withdrawn"]
    page = tmp_path / "two.html"
    assert str(page) in listed.ok("subscribers", "story", "two@example.org", "--page", page).out
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    text = page.read_text("utf-8")
    assert '<html lang="en"' in text
    assert '<section lang="my"' in text
    story = ("subscribers", "story", "two@example.org", "--page", page)
    assert "add --force" in listed.refused(*story)
    listed.ok(*story, "--force")


def test_a_list_is_chosen_and_masked(listed: Command) -> None:
    listing = ("subscribers", "list", "--json")
    rows = listed.ok(*listing, "--language", "my", "--state", "active").json["subscribers"]
    assert [(row["address"], row["edition"]) for row in rows] == [("o***@e***", "my")]
    assert rows[0]["consent_how"] == "editor"
    assert len(listed.ok(*listing, "--limit", 2).json["subscribers"]) == 2
    assert listed.ok(*listing, "--consent-before", "2020-01-01").json["subscribers"] == []
    assert len(listed.ok(*listing, "--consent-after", "2020-01-01").json["subscribers"]) == 3
    assert ONE in listed.ok("subscribers", "list", "--reveal").out
    assert ONE not in listed.ok("subscribers", "list").out
    for option, value in (("--state", "x"), ("--language", "fr"), ("--consent-before", "May")):
        assert option in listed.refused("subscribers", "list", option, value)


def test_a_list_of_which_a_part_is_stored_is_told(listed: Command) -> None:
    services = open_services(listed.home)
    with writing(services.engine) as session:
        at = now()
        session.add(
            ListImport(
                publication_id=1, mark=b"0" * 16, rows_done=2000,
                started_at=at, changed_at=at,
            )
        )  # fmt: skip
    services.close()
    told = listed.ok("subscribers", "list").out.replace("\n", " ")
    assert "import 1 was broken off; 2,000 of its rows are stored" in told
    assert "subscribers imports --forget 1" in told
    (part,) = listed.ok("subscribers", "list", "--json").json["unfinished_imports"]
    assert (part["number"], part["rows_done"]) == (1, 2000)


def test_growth_is_shown_with_a_bar(listed: Command) -> None:
    told = listed.ok("subscribers", "growth", "--by", "month", "--json").json
    (period,) = told["periods"]
    assert [period[k] for k in ("joined", "confirmed", "left", "suppressed", "total")] == [
        3, 0, 1, 0, 2,
    ]  # fmt: skip
    assert told["now"]["active"] == {"en": 1, "my": 1}
    shown = listed.ok("subscribers", "growth").out
    assert "█" in shown
    assert "ended: 1 (1 en+my)" in shown


def test_an_export_is_encrypted_for_the_recipients_of_the_settings(
    listed: Command, tmp_path: Path
) -> None:
    identity = pyrage.x25519.Identity.generate()
    (listed.home / "newsletter.toml").write_text(
        f'[backup]\nrecipients = ["{identity.to_public()}"]\n', "utf-8"
    )
    file = tmp_path / "readers.csv.age"
    told = listed.ok("subscribers", "export", file, "--json").json
    assert told == {"file": str(file), "rows": 3, "protection": "age recipient"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rows = _rows(pyrage.decrypt(file.read_bytes(), [identity]))
    assert [row["email"] for row in rows] == [ONE, "two@example.org", "'+three@example.org"]
    (entry,) = _exported(listed)
    assert entry["protection"] == "age recipient"
    assert (entry["rows"], entry["how"]) == (3, "command line")
    assert entry["filter"] == {"publication": "weekly"}


def test_an_export_is_locked_by_a_passphrase(listed: Command, tmp_path: Path) -> None:
    words = tmp_path / "words"
    words.write_text(f"{SECRET}\nanother line\n")
    file = tmp_path / "a.age"
    export = ("subscribers", "export", file, "--state", "active")
    assert "2 readers" in listed.ok(*export, "--passphrase-file", words).out
    assert len(_rows(pyrage.passphrase.decrypt(file.read_bytes(), SECRET))) == 2
    assert "add --force" in listed.refused(*export, "--passphrase-file", words)
    asked = listed.ok(*export, "--force", stdin=f"{SECRET} 2\n{SECRET} 2\n")
    assert SECRET not in asked.out + asked.err
    assert len(_rows(pyrage.passphrase.decrypt(file.read_bytes(), f"{SECRET} 2"))) == 2
    assert [e["filter"] for e in _exported(listed)] == [
        {"publication": "weekly", "state": "active"}
    ] * 2


def test_a_plain_export_must_be_said_and_comes_back(listed: Command, tmp_path: Path) -> None:
    file = tmp_path / "readers.csv"
    told = listed.ok("subscribers", "export", file, "--plain", "--state", "active").out
    assert "delete it soon" in told
    assert [row["email"] for row in _rows(file.read_bytes())] == [ONE, "'+three@example.org"]
    (entry,) = _exported(listed)
    assert entry["protection"] == "plain"
    other = replace(listed, home=tmp_path / "other")
    other.ok("init", "--yes")
    other.ok("subscribers", "import", file)
    rows = other.ok("subscribers", "list", "--reveal", "--json").json["subscribers"]
    assert [(row["address"], row["edition"]) for row in rows] == [
        (ONE, "my"),
        ("+three@example.org", "en"),
    ]


def test_whom_left_stays_away_when_a_whole_export_comes_back(
    listed: Command, tmp_path: Path
) -> None:
    file = tmp_path / "readers.csv"
    listed.ok("subscribers", "export", file, "--plain")
    other = replace(listed, home=tmp_path / "other")
    other.ok("init", "--yes")
    other("subscribers", "import", file)
    rows = other.ok("subscribers", "list", "--reveal", "--json").json["subscribers"]
    assert "two@example.org" not in [row["address"] for row in rows if row["state"] == "active"]


def test_an_export_for_an_openpgp_key(listed: Command, tmp_path: Path) -> None:
    require("gpg", "gnupg")
    with tempfile.TemporaryDirectory(prefix="gpg-") as ring:
        own = {**os.environ, "GNUPGHOME": ring}

        def gpg(*args: object) -> bytes:
            line = ["gpg", "--batch", *map(str, args)]
            return subprocess.run(line, capture_output=True, check=True, env=own).stdout

        gpg("--passphrase", "", "--quick-generate-key", "desk@example.org")
        told = gpg("--list-keys", "--with-colons").decode()
        key = next(line.split(":")[9] for line in told.splitlines() if line.startswith("fpr:"))
        with_ring = replace(listed, environment={**listed.environment, "GNUPGHOME": ring})
        file = tmp_path / "readers.gpg"
        assert "gpg recipient" in with_ring.ok("subscribers", "export", file, "--gpg", key).out
        assert len(_rows(gpg("--decrypt", file))) == 3
        unknown = ("subscribers", "export", tmp_path / "no", "--gpg", "F" * 40)
        assert "gpg cannot encrypt" in with_ring.refused(*unknown)
        subprocess.run(["gpgconf", "--kill", "all"], check=False, env=own)
    assert [entry["protection"] for entry in _exported(listed)] == ["gpg recipient"]
    assert not (tmp_path / "no").exists()


def test_an_export_that_fails_leaves_nothing_behind(listed: Command, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    export = ("subscribers", "export")
    assert "choose one" in listed.refused(*export, there, "--force", "--plain", "--gpg", "F" * 40)
    assert "age" in listed.refused(*export, there, "--force", "--to", "age1nonsense")
    assert "add --force" in listed.refused(*export, there, "--plain")
    assert "cannot be written" in listed.refused(*export, tmp_path / "no" / "a", "--plain")
    assert there.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["there"]
    assert _exported(listed) == []


def test_a_reader_is_erased_after_a_question(listed: Command) -> None:
    erase = ("subscribers", "erase", ONE)
    assert "Nothing was erased" in listed.ok(*erase, stdin="n\n").out
    assert listed.ok("subscribers", "find", ONE).out
    unanswered = listed(*erase)
    assert (unanswered.code, "add --yes" in unanswered.err) == (2, True)
    assert "this person is erased" in listed.ok(*erase, stdin="y\n").out.lower()
    found = listed.ok("subscribers", "find", ONE, "--json").json
    assert (found["id"], found["suppression"]["reason"]) == (None, "erased")
    assert "stays suppressed" in listed.refused(*erase, "--yes")
    assert "erased" in listed.refused("subscribers", "add", ONE)
    assert listed.ok("subscribers", "erase", "two@example.org", "--yes", "--json").json["erased"]
    deeds = listed.ok("audit", "--json").json["entries"]
    assert [entry["deed"] for entry in deeds][:2] == ["erase", "erase"]
    assert "example.org" not in str(deeds)
    assert "erase" in listed.ok("audit", "--limit", 1).out


@pytest.mark.parametrize("json", [(), ("--json",)])
def test_whoever_looks_at_whole_addresses_stands_in_the_audit(
    listed: Command, json: tuple[str, ...]
) -> None:
    before = len(_deeds(listed))
    listed.ok("subscribers", "list", *json)
    assert len(_deeds(listed)) == before
    listed.ok("subscribers", "list", "--reveal", "--state", "active", "--limit", "1", *json)
    entry = _deeds(listed)[0]
    del entry["at"]
    assert entry == {
        "deed": "reveal", "how": "command line", "rows": 1,
        "filter": {"publication": "weekly", "state": "active"},
    }  # fmt: skip


def test_a_story_stands_in_the_audit_and_names_nobody(listed: Command, tmp_path: Path) -> None:
    (row, *_) = listed.ok("subscribers", "list", "--reveal", "--json").json["subscribers"]
    story = ("subscribers", "story", row["address"])
    listed.ok(*story)
    listed.ok(*story, "--json")
    listed.ok(*story, "--page", tmp_path / "page.html")
    listed.refused("subscribers", "story", "nobody@example.org")
    told = [(one["deed"], one["how"], one.get("shown")) for one in _deeds(listed)[:4]]
    ways = ("page", "json", "screen")
    assert told == [
        *(("story", "command line", way) for way in ways),
        ("reveal", "command line", None),
    ]
    assert "@" not in listed.ok("audit", "--json").out


def _deeds(newsletter: Command) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = newsletter.ok("audit", "--json").json["entries"]
    return entries
