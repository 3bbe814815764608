"""Whoever looks on while `serve` runs reads sentences; a machine reads JSON lines."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from newsletter.cli import happenings
from newsletter.schedule.firing import Fired
from tests.cli.command import Command
from tests.cli.conftest import Caught
from tests.cli.sample import approved
from tests.system import PATIENCE


def _seen(newsletter: Command, until: str) -> str:
    """What `serve` shows on a terminal up to this."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "newsletter", "serve", "--port", "0"],
        stderr=slave,
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        env={**newsletter.whole_environment, "COLUMNS": "200"},
    )
    os.close(slave)
    shown = b""
    try:
        while until.encode() not in shown and (more := os.read(master, 65536)):
            shown += more
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        os.close(master)
    return shown.decode()


def test_terminal_sees_sentences_and_the_file_has_the_lines(
    newsletter: Command, caught: Caught, tmp_path: Path
) -> None:
    newsletter = caught.used_by(newsletter)
    approved(newsletter, tmp_path)
    newsletter.ok("subscribers", "add", "a@example.org")
    newsletter.ok("schedule", 1, "--now")
    shown = _seen(newsletter, "issue 1 is sent")
    assert "issue 1 of 'weekly' began: 1 reader" in shown
    assert "{" not in shown
    written = (newsletter.home / "logs" / "newsletter.log").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in written.splitlines()]
    (slot,) = [line for line in lines if line["event"] == "slot_fired"]
    assert (slot["issue"], slot["kind"], slot["planned"]) == (1, "send", 1)
    assert "issue_sent" in [line["event"] for line in lines]


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (Fired(3, "weekly", "hold", "no title"), "issue 3 of 'weekly' is held: no title"),
        (Fired(None, "weekly", "nothing", "no issue"), "there was no issue"),
        (Fired(3, "weekly", "send", "", 25), "issue 3 of 'weekly' began: 25 readers"),
    ],
)
def test_what_became_of_a_slot(one: Fired, said: str) -> None:
    assert said in happenings.sentence(one)
