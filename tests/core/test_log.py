"""No log line holds a reader's address or link, whoever wrote it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.core import log

TOKEN = "v1.k1.2ma6smiuQFuS1SFyMHcChQAAAAAAAAADAQ.synpbiv0Frw-dikpLRNeZQ"


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "logs" / "newsletter.log"
    log.configure(file=path, to_stderr=False)
    yield path
    log.configure(to_stderr=False)


def test_addresses_and_tokens_never_reach_the_file(logged: Path) -> None:
    ours, theirs = log.logger("ours"), logging.getLogger("library")
    ours.info("refused reader@example.org", who="စာဖတ်သူ@example.org", link=f"/u/{TOKEN}")
    ours.info("nested", rows=[{"a": "reader@example.org"}], raw=b"<reader@example.org>")
    theirs.warning("550 <reader@example.org> unknown: %s", TOKEN)
    try:
        raise ValueError("reader@example.org")
    except ValueError:
        ours.exception("failed")
        theirs.exception("failed")
    written = logged.read_text(encoding="utf-8")
    assert written.count("\n") == 5
    assert "@example" not in written
    assert "reader" not in written.replace("unreadable", "")
    assert "စာဖတ်သူ" not in written
    assert TOKEN[:30] not in written
    assert all(json.loads(line)["event"] for line in written.splitlines())


def test_full_disk_loses_a_line_in_silence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    full = tmp_path / "newsletter.log"
    full.symlink_to("/dev/full")
    log.configure(file=full)
    log.logger("ours").info("one line")
    assert not log.keeps()
    log.configure(file=tmp_path / "newsletter.log" / "below a file")
    log.logger("ours").info("another line")
    assert not log.keeps()
    log.configure(to_stderr=False)
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert "Logging error" not in said
    assert said.count("line") == 2
