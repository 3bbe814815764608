"""One run against Postfix's own sink: a server that none of us wrote."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from newsletter.app import Services
from newsletter.worker import Worker
from tests.delivery import newsroom
from tests.system import PATIENCE, require


@contextmanager
def sink(directory: Path) -> Iterator[int]:
    """A running smtp-sink that writes each message into the directory; its port."""
    program = require("smtp-sink", "postfix")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    options = ["-h", "sink.example", "-d", "mail/%M."]
    if os.geteuid() == 0:
        options += ["-u", "root"]
    process = subprocess.Popen(
        [program, *options, f"127.0.0.1:{port}", "100"], cwd=directory, stderr=subprocess.PIPE
    )
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError("smtp-sink did not start")


def test_a_whole_issue_into_the_sink(services: Services, tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    issue_id = newsroom.publish(services, 100)
    newsroom.start(services, issue_id)
    with sink(tmp_path) as port:
        smtp = newsroom.over_smtp(services, port, connections=4)
        stop = threading.Event()
        runner = threading.Thread(target=Worker(smtp).run, args=(stop, 0.02))
        runner.start()
        until = time.monotonic() + PATIENCE
        while newsroom.status(services, issue_id)[0] != "sent" and time.monotonic() < until:
            stop.wait(0.05)
        stop.set()
        runner.join(PATIENCE)
    assert newsroom.counts(services, issue_id).submitted == 100
    assert len(list((tmp_path / "mail").iterdir())) == 100
