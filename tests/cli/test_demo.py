"""The demo as a process: it keeps to its home, ends when told, and never hangs."""

from __future__ import annotations

import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.command import Command, Ran
from tests.system import PATIENCE

_MARK = "this-is-a-demo"


def _demo(newsletter: Command, *args: str, columns: int = 80) -> Ran:
    narrow = {**newsletter.environment, "COLUMNS": str(columns)}
    return replace(newsletter, environment=narrow).apart("demo", "--once", "--port", "0", *args)


def test_two_demos_make_two_issues_and_stay_in_their_home(
    newsletter: Command, tmp_path: Path
) -> None:
    newsletter = replace(newsletter, environment={"XDG_DATA_HOME": str(tmp_path / "data")})
    today = {(datetime.now(UTC) + timedelta(hours=6.5)).date().isoformat()}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        first = newsletter.apart("demo", "--once", "--port", port)
    assert first.code == 0, first
    assert f"Port {port} is in use by another program; using " in first.out
    assert "closed again; run 'newsletter demo' without --once" in first.out
    second = _demo(newsletter, columns=60)
    assert second.code == 0, second
    today.add((datetime.now(UTC) + timedelta(hours=6.5)).date().isoformat())
    assert {path.name for path in tmp_path.iterdir()} == {"home"}
    issues = newsletter.ok("status", "--json").json["publications"][0]["issues"]
    assert [issue["status"] for issue in issues] == ["sent", "sent"]
    assert {issue["date"] for issue in issues} <= today
    assert len({issue["week"] for issue in issues}) == 2
    assert re.search(r"^ +audience +25$", second.out, re.MULTILINE), second.out
    for ran, width in ((first, 80), (second, 60)):
        _reads_well(ran.out, width)


def _reads_well(text: str, width: int) -> None:
    missing = text.partition("still missing:\n")[2].partition("✓")[0].splitlines()
    assert len(missing) > 3
    assert all(line.startswith(("    · ", "      ")) for line in missing), missing
    assert max(map(len, missing)) <= width
    assert "in English" in " ".join(" ".join(missing).split())
    assert not re.search(r"'(en|my)'|editorial (en|my)\b", text)


@pytest.mark.parametrize(
    ("number", "after"), [(signal.SIGINT, "stay open until"), (signal.SIGTERM, "approved")]
)
def test_a_signal_ends_it_within_seconds(newsletter: Command, number: int, after: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "newsletter", "demo", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=newsletter.whole_environment,
    )
    assert process.stdout is not None
    said = ""
    try:
        for line in process.stdout:
            said += line
            if after in line:
                break
        process.send_signal(number)
        began = time.monotonic()
        said += process.communicate(timeout=PATIENCE)[0]
        assert time.monotonic() - began < 25
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert "Traceback" not in said


def test_the_home_of_a_real_newsletter_is_refused(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    before = sorted(newsletter.home.rglob("*"))
    assert "the demo needs a home of its own" in newsletter.apart.refused("demo", "--once")
    (newsletter.home / "newsletter.db").unlink()  # as with PostgreSQL: only the key file is here
    assert "the demo needs a home of its own" in newsletter.apart.refused("demo", "--once")
    assert set(newsletter.home.rglob("*")) < set(before)


def test_a_database_set_for_the_real_newsletter_is_not_touched(
    newsletter: Command, tmp_path: Path
) -> None:
    real = f"sqlite:///{tmp_path / 'real.db'}"
    newsletter = replace(newsletter, environment={"NEWSLETTER_DATABASE__URL": real})
    assert _demo(newsletter).code == 0
    assert not (tmp_path / "real.db").exists()


def test_a_worker_that_fails_ends_the_demo_with_its_error(newsletter: Command) -> None:
    newsletter.ok("init", "--yes", "--sender", "desk@example.org", "--postal", "12 Sample Street")
    (newsletter.home / _MARK).touch()
    with sqlite3.connect(newsletter.home / "newsletter.db") as database:
        database.execute(
            "CREATE TRIGGER planted BEFORE UPDATE ON deliveries "
            "BEGIN SELECT RAISE(ABORT, 'planted fault'); END"
        )
    database.close()
    ran = _demo(newsletter)
    assert ran.code == 1
    assert "planted fault" in ran.err
    assert "Traceback" not in ran.err
