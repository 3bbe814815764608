"""Mail servers to send to, and Postfix's own client to be compared with; all on this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.system import require

_SOURCE = Path(__file__).with_name("fast_sink.c")


@contextmanager
def smtp_sink() -> Iterator[int]:
    """Postfix's sink, which offers PIPELINING; its port."""
    port = _free_port()
    words = [require("smtp-sink", "postfix"), "-h", "sink.example"]
    if os.geteuid() == 0:
        words += ["-u", "root"]
    with subprocess.Popen([*words, f"127.0.0.1:{port}", "512"]) as process:
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.terminate()


class FastSink:
    """A sink in C that is never the limit; it counts what it took."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self.port = port

    def taken(self) -> int:
        """How many messages it said yes to since it began."""
        assert self._process.stdout is not None
        self._process.send_signal(signal.SIGUSR1)
        return int(self._process.stdout.readline())


@contextmanager
def fast_sink() -> Iterator[FastSink]:
    """Compiled for the occasion; needs a C compiler."""
    with TemporaryDirectory() as name:
        program = Path(name) / "fast_sink"
        subprocess.run([require("cc", "gcc"), "-O2", "-o", program, _SOURCE], check=True)
        port = _free_port()
        with subprocess.Popen([program, str(port)], stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
                yield FastSink(process, port)
            finally:
                process.terminate()


def smtp_source(port: int, messages: int, size: int, connections: int = 20) -> float:
    """Messages a second of Postfix's load client, which keeps its connections open."""
    words = [require("smtp-source", "postfix"), "-d", "-s", str(connections)]
    words += ["-m", str(messages), "-l", str(size), "-f", "desk@news.example"]
    words += ["-t", "reader@example.org", f"127.0.0.1:{port}"]
    start = time.perf_counter()
    subprocess.run(words, check=True)
    return messages / (time.perf_counter() - start)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit("smtp-sink did not start")
