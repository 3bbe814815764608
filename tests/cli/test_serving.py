"""`serve` as a process: it answers, sends what is scheduled, is alone, and stops when told."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from newsletter.core.http import get_status
from tests.cli.command import Command
from tests.cli.conftest import Caught
from tests.cli.sample import approved
from tests.system import PATIENCE


@contextmanager
def _served(newsletter: Command, *args: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A running `serve` and what it said until it was ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "newsletter", "serve", *args],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=newsletter.whole_environment,
    )
    assert process.stderr is not None
    said: list[str] = []
    try:
        for line in process.stderr:
            said.append(line)
            if "is being served at" in line:
                break
        yield process, said
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)


def _until_sent(newsletter: Command) -> dict[str, object]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found: dict[str, object] = newsletter.ok("status", 1, "--json").json
        if found["status"] == "sent":
            return found
    raise AssertionError("the issue was not sent in time")


def test_serve_sends_and_is_alone_and_stops(
    newsletter: Command, caught: Caught, tmp_path: Path
) -> None:
    newsletter = caught.used_by(newsletter)
    approved(newsletter, tmp_path)
    newsletter.ok("subscribers", "add", "a@example.org")
    newsletter.ok("schedule", 1, "--now")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = taken.getsockname()[1]
        with _served(newsletter, "--port", str(wanted)) as (process, said):
            assert any(f"Port {wanted} is in use" in line for line in said), said
            url = said[-1].split(" at ")[1].split()[0]
            assert get_status(f"{url}/healthz") == 200
            assert "is being served already" in newsletter.apart.refused("serve", "--port", "0")
            found = _until_sent(newsletter)
            assert found["doubtful"] == []
            assert [str(m["To"]) for m in caught.messages] == ["a@example.org"]
            assert url in str(caught.messages[0]["List-Unsubscribe"])
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert process.wait(PATIENCE) == 0
            assert time.monotonic() - began < 25
