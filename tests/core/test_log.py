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
