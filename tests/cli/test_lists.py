"""Lists at the command line: told row by row, stored whole or gone on with, never half unsaid."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from newsletter.app import open_services
from newsletter.core.db import reading
from subscribers import importing, list_imports
from tests.cli.command import Command
from tests.conftest import fresh_database

CODE = Path(__file__).resolve().parents[2]
READERS = 450


def listed(newsletter: Command) -> list[str]:
    """Every address that is on the list."""
    rows = newsletter.ok("subscribers", "list", "--reveal", "--json").json["subscribers"]
    return sorted(row["address"] for row in rows)


def readers(path: Path, count: int = READERS) -> Path:
    """A list of so many, and a broken row."""
    rows = [f"r{number}@example.org,{'my' if number % 3 else 'en'}" for number in range(count)]
    path.write_text("\n".join(["email,edition", *rows, "broken"]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("killing", [("before", 200), ("after", 300)], ids=["before", "after"])
def test_killed_in_the_middle_everybody_is_in_once_in_the_end(
    newsletter: Command, tmp_path: Path, request: Any, database: str, killing: tuple[str, int]
) -> None:
    moment, stored = killing
    if database == "postgresql":
        made = fresh_database(request.getfixturevalue("postgres_url"))
        newsletter.environment["NEWSLETTER_DATABASE__URL"] = made.__enter__()
        request.addfinalizer(made.__exit__)
    newsletter.ok("init", "--yes")
    file = readers(tmp_path / "readers.csv")
    words = [sys.executable, "-m", "tests.subscribers.importing_child", "3", moment]
    killed = subprocess.run(
        [*words, "subscribers", "import", str(file)],
        env=newsletter.whole_environment,
        cwd=CODE,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (killed.returncode, killed.stdout) == (-9, b""), killed.stderr
    assert len(listed(newsletter)) == stored
    (part,) = newsletter.ok("subscribers", "list", "--json").json["unfinished_imports"]
    assert (part["name"], part["rows_done"]) == ("readers.csv", stored)
    assert "readers.csv" in newsletter("doctor").out
    again = newsletter.ok("subscribers", "import", file, "--json").json
    assert f"broken off after {stored} stored rows" in again["notes"][0]
    assert again["counts"]["new"] == READERS - stored
    assert again["counts"]["there"] == stored
    assert listed(newsletter) == sorted(f"r{number}@example.org" for number in range(READERS))
    assert newsletter.ok("subscribers", "list", "--json").json["unfinished_imports"] == []
    services = open_services(newsletter.home, _overrides(newsletter))
    with reading(services.engine) as session:
        proofs = session.connection().exec_driver_sql("SELECT count(*) FROM consents").scalar()
    services.close()
    assert proofs == READERS
    third = newsletter.ok("subscribers", "import", file, "--json").json
    assert (third["counts"]["there"], third["notes"]) == (READERS, [])


def _overrides(newsletter: Command) -> dict[str, dict[str, str]]:
    url = newsletter.environment.get("NEWSLETTER_DATABASE__URL")
    return {"database": {"url": url}} if url else {}


def test_ctrl_c_says_what_is_stored(
    newsletter: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsletter.ok("init", "--yes")
    file = readers(tmp_path / "readers.csv")
    real = list_imports.advance

    def pressed(*args: Any) -> None:
        real(*args)
        if (
            args[0].connection().exec_driver_sql("SELECT sum(rows_done) FROM list_imports").scalar()
            > 200
        ):
            raise KeyboardInterrupt

    monkeypatch.setattr(importing, "CHUNK", 100)
    with monkeypatch.context() as patch:
        patch.setattr(list_imports, "advance", pressed)
        ran = newsletter("subscribers", "import", file)
    assert (ran.code, ran.out) == (1, "")
    assert "stopped: 200 of 450 rows are stored, the rest is not" in ran.err
    assert "the same command again goes on with it" in ran.err
    assert len(listed(newsletter)) == 200
    assert "it goes on from there" in newsletter.ok("subscribers", "import", file).out
    assert len(listed(newsletter)) == READERS


def test_dry_run_says_the_same_and_stores_nothing(newsletter: Command, tmp_path: Path) -> None:
    newsletter.ok("init", "--yes")
    file = readers(tmp_path / "readers.csv", 20)
    tried = newsletter.ok("subscribers", "import", file, "--dry-run", "--json").json
    assert listed(newsletter) == []
    done = newsletter.ok("subscribers", "import", file, "--json").json
    assert (tried.pop("stored"), done.pop("stored")) == (False, True)
    assert tried == done
    assert done["counts"]["new"] == 20


def test_many_bad_rows_are_shown_in_part_and_written_whole(
    newsletter: Command, tmp_path: Path
) -> None:
    newsletter.ok("init", "--yes")
    file, report = tmp_path / "list.csv", tmp_path / "report.csv"
    file.write_text("email\n" + "secret.person at example.org\n" * 60 + "a@example.org\n")
    ran = newsletter.ok("subscribers", "import", file)
    assert ran.out.count("list.csv:") == 50
    assert "… and 10 more such rows; --report FILE writes all of them" in ran.out
    assert "\x1b" not in ran.out + ran.err
    ran = newsletter.ok("subscribers", "import", file, "--report", report)
    assert f"all are in {report}" in ran.out.replace("\n", "")
    rows = list(csv.reader(report.read_text(encoding="utf-8").splitlines()))
    assert rows[:2] == [
        ["line", "outcome", "reason"],
        ["2", "broken", "this is no mail address: it needs one @-sign"],
    ]
    assert (len(rows), rows[-1]) == (62, ["62", "there", "was there already; nothing changed"])
    assert "secret" not in report.read_text() + ran.out
    before = report.read_bytes()
    assert "already; name a new file" in newsletter.refused(
        "subscribers", "import", file, "--report", report
    )
    assert report.read_bytes() == before


def test_columns_are_named_by_hand(newsletter: Command, tmp_path: Path) -> None:
    newsletter.ok("init", "--yes")
    file = tmp_path / "list.csv"
    file.write_text("Mail A,Mail B,Wants\na@example.org,b@example.org,my\n")
    importing_ = ("subscribers", "import", file)
    assert "more than one column that holds addresses" in newsletter.refused(*importing_)
    assert "write it as --column email=NAME" in newsletter.refused(
        *importing_, "--column", "Mail B"
    )
    newsletter.ok(*importing_, "--column", "email=mail b", "--column", "edition=3")
    (row,) = newsletter.ok("subscribers", "list", "--reveal", "--json").json["subscribers"]
    assert (row["address"], row["edition"]) == ("b@example.org", "my")


def test_suppressions_come_from_another_system(newsletter: Command, tmp_path: Path) -> None:
    newsletter.ok("init", "--yes")
    for name in ("reader", "left", "other"):
        newsletter.ok("subscribers", "add", f"{name}@example.org")
    newsletter.ok("suppressions", "add", "left@example.org", "--reason", "hard_bounce")
    file = tmp_path / "suppressions.csv"
    file.write_text(
        "EmailAddress,SuppressionReason,Origin\nreader@example.org,HardBounce,Recipient\n"
        "left@example.org,SpamComplaint,Recipient\nleft@EXAMPLE.org,HardBounce,Recipient\n"
        "new@example.org,ManualSuppression,Customer\nodd@example.org,Mystery,x\nnone,HardBounce,x\n"
    )
    take = ("suppressions", "import", file)
    tried = newsletter.ok(*take, "--dry-run", "--json").json
    assert tried["stored"] is False
    assert newsletter.ok("suppressions", "list", "--json").json["count"] == 1
    assert "6: 'Mystery' is no reason known here" in newsletter.refused(*take, "--strict")
    ran = newsletter.ok(*take)
    assert (
        "suppressions.csv:3: updated: was suppressed already; now by the reader's own word"
        in ran.out
    )
    assert "6 rows: 2 new, 1 updated, 1 duplicate, 2 broken." in ran.out
    shown = newsletter.ok("suppressions", "list", "--json").json
    assert [(one["reason"], one["count"]) for one in shown["reasons"]] == [
        ("complaint", 1), ("hard_bounce", 1), ("manual", 1),
    ]  # fmt: skip
    assert "complaint" in newsletter.ok("suppressions", "list").out
    newsletter.ok(*take, "--reason", "manual")
    assert newsletter.ok("suppressions", "list", "--json").json["count"] == 4
    counts = newsletter.ok("subscribers", "list", "--json").json["counts"]
    assert (counts["active"], counts["suppressed"]) == (1, 2)
    back = tmp_path / "back.csv"
    back.write_text("email\nreader@example.org\nnew@example.org\nother@example.org\n")
    revived = newsletter.ok("subscribers", "import", back, "--json").json
    assert (revived["counts"]["suppressed"], revived["counts"]["there"]) == (2, 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("suppressions import {}", "no column says why these addresses must not be mailed"),
        ("suppressions import {} --reason annoyed", "'annoyed' is no reason; it is one of hard_b"),
        ("suppressions add reader@example.org --reason x", "'x' is no reason"),
        ("suppressions add reader", "it needs one @-sign"),
    ],
)
def test_suppressions_ask_for_what_is_missing(
    newsletter: Command, tmp_path: Path, line: str, said: str
) -> None:
    newsletter.ok("init", "--yes")
    file = tmp_path / "plain.txt"
    file.write_text("a@example.org\n")
    assert said in newsletter.refused(*line.format(file).split())


def test_suppressing_twice_says_so(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    add = ("suppressions", "add", "reader@example.org")
    assert "suppressed now (manual)" in newsletter.ok(*add).out
    assert "already (manual); nothing changed" in newsletter.ok(*add, "--reason", "hard_bounce").out
    assert "now by the reader's word" in newsletter.ok(*add, "--reason", "complaint").out
    assert "No address" not in newsletter.ok("suppressions", "list").out
    assert "--yes-they-asked" in newsletter.refused(
        "subscribers", "release", "reader@example.org", "--reason", "x"
    )
