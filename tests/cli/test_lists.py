"""Lists at the command line: told row by row, stored whole or gone on with, never half unsaid."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from newsletter.app import open_services
from newsletter.core.db import reading, writing
from subscribers import importing, list_imports
from subscribers.models import Subscription
from tests.cli.command import Command
from tests.conftest import fresh_database
from tests.system import PATIENCE

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
        timeout=PATIENCE,
        check=False,
    )
    assert (killed.returncode, killed.stdout) == (-9, b""), killed.stderr
    assert len(listed(newsletter)) == stored
    (part,) = newsletter.ok("subscribers", "list", "--json").json["unfinished_imports"]
    assert (part["number"], part["rows_done"]) == (1, stored)
    told = " ".join(newsletter("doctor").out.split())
    assert f"UTC: {stored} of its rows are stored, the rest is not" in told
    assert "subscribers imports --forget 1" in told
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


def test_who_left_another_system_is_barred_by_their_own_word(
    newsletter: Command, tmp_path: Path
) -> None:
    newsletter.ok("init", "--yes")
    newsletter.ok("suppressions", "add", "c@example.org", "--reason", "manual")
    file = tmp_path / "left.csv"
    said = {"a": "Unsubscribed", "b": "opted out", "c": "unsubscribe", "d": "Blocklisted"}
    rows = [f"{name}@example.org,{why}" for name, why in said.items()]
    file.write_text("\n".join(["Email,Reason", *rows]) + "\n")
    counts = newsletter.ok("suppressions", "import", file, "--json").json["counts"]
    assert (counts["new"], counts["updated"]) == (3, 1)
    shown = newsletter.ok("suppressions", "list", "--json").json["reasons"]
    assert [(one["reason"], one["count"]) for one in shown] == [("manual", 1), ("unsubscribed", 3)]
    for name in ("a", "b", "c"):
        release = ("subscribers", "release", f"{name}@example.org", "--reason", "a letter")
        assert "by the reader's own word (unsubscribed)" in newsletter.refused(*release)
        newsletter.ok(*release, "--yes-they-asked")
    add = ("suppressions", "add", "new@example.org", "--reason", "unsubscribed")
    assert "suppressed now (unsubscribed)" in newsletter.ok(*add).out
    assert "they had unsubscribed" in newsletter.refused("subscribers", "add", "new@example.org")
    newsletter.ok("subscribers", "release", "d@example.org", "--reason", "a mistake")


def test_an_import_that_never_ends_is_forgotten_at_somebody_s_word(
    newsletter: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsletter.ok("init", "--yes")
    file = readers(tmp_path / "readers.csv", 30)
    real = list_imports.finish

    def killed(*_args: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(list_imports, "finish", killed)
        newsletter("subscribers", "import", file)
    assert list_imports.finish is real
    newsletter.ok("subscribers", "import", file, "--edition", "my")  # read as another thing
    assert "import of readers" in newsletter("doctor", "--json").out
    first, second = newsletter.ok("subscribers", "imports", "--json").json["imports"]
    assert (first["number"], first["state"], first["rows_done"]) == (1, "unfinished", 30)
    assert (second["number"], second["state"], second["rows_done"]) == (2, "finished", 0)
    forget = ("subscribers", "imports", "--forget")
    assert "no import 2 is unfinished" in newsletter.refused(*forget, 2)
    assert "30 readers of it stay as they are" in newsletter.ok(*forget, 1).out
    assert "import of readers" not in newsletter("doctor", "--json").out
    assert newsletter.ok("subscribers", "list", "--json").json["unfinished_imports"] == []
    assert "given up" in newsletter.ok("subscribers", "imports").out
    assert "no import 1 is unfinished" in newsletter.refused(*forget, 1)
    assert len(listed(newsletter)) == 30
    again = newsletter.ok("subscribers", "import", file, "--json").json
    assert (again["counts"]["there"], again["notes"]) == (30, [])
    assert newsletter.ok("subscribers", "imports", "--json").json["imports"][0]["state"] == (
        "finished"
    )


def test_each_consent_says_the_number_and_line_of_its_list(
    newsletter: Command, tmp_path: Path
) -> None:
    newsletter.ok("init", "--yes")
    for number, name in enumerate(("a", "b"), 1):
        file = tmp_path / f"{name}.csv"
        file.write_text(f"email\n{name}@example.org\n")
        newsletter.ok("subscribers", "import", file)
        told = newsletter.ok("subscribers", "story", f"{name}@example.org").out
        assert f"imported from a list, line 2 (import {number})" in told
        assert f"{name}.csv" not in told


def test_who_waited_for_the_press_is_told_of(newsletter: Command, tmp_path: Path) -> None:
    newsletter.ok("init", "--yes")
    newsletter.ok("subscribers", "add", "a@example.org")
    newsletter.ok("subscribers", "add", "b@example.org")
    services = open_services(newsletter.home, {})
    with writing(services.engine) as session:
        session.execute(update(Subscription).values(state="pending"))
    services.close()
    file = tmp_path / "list.csv"
    file.write_text("email\na@example.org\n")
    ran = newsletter.ok("subscribers", "import", file).out
    assert "list.csv:2: subscribed: had signed up and not pressed the button; is on the list" in ran
    assert "1 row: 1 subscribed." in ran
    assert "waited for the press" in newsletter.ok("subscribers", "add", "b@example.org").out
    assert newsletter.ok("subscribers", "list", "--json").json["counts"]["active"] == 2
