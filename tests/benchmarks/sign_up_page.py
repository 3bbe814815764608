"""The sign-up page under 200 clients at once: `python -m tests.benchmarks.sign_up_page`.

The server is a process of its own (uvicorn as `serve` runs it, on SQLite), and so is the load:
raw HTTP/1.1 on 200 open connections. What is timed is from the first byte of the request to the
last byte of the answer, as one client sees it.
(a) each client asks once a second, spread over the second, for ten seconds;
(b) closed loop: each client asks again as soon as it was answered, for five seconds. Here the
time is 200 divided by what one process answers in a second, whatever the page costs alone.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from newsletter.app import initialise
from newsletter.core.clock import now
from newsletter.core.db import writing
from newsletter.editorial import publications
from newsletter.web import application
from newsletter.web.server import WebServer

CLIENTS = 200
_OVERRIDES: dict[str, dict[str, object]] = {
    "delivery": {"provider": "memory"},
    "public": {"url": "https://news.example.org"},
}
_REQUEST = (
    b"GET /s/weekly HTTP/1.1\r\nHost: news.example.org\r\n"
    b"Accept-Language: my-MM,my;q=0.9,en;q=0.5\r\nAccept-Encoding: gzip, br\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured, in milliseconds."""

    pattern: str
    requests: int
    per_second: float
    p50: float
    p99: float

    @property
    def wanted(self) -> str:
        """The bar; a closed loop shows how much one process gives, and has none."""
        return "< 50 ms" if self.pattern == "once a second" else ""


async def _client(
    port: int, start: float, until: float, every: float | None, taken: list[float]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    due = start
    while due < until:
        await asyncio.sleep(due - time.perf_counter())
        began = time.perf_counter()
        writer.write(_REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        ended = time.perf_counter()
        taken.append((ended - began) * 1000)
        due = due + every if every else ended
    writer.close()


async def _load(port: int, pattern: str, seconds: float, every: float | None) -> Figures:
    start = time.perf_counter() + 0.5
    taken: list[float] = []
    begins = [start + (n / CLIENTS if every else 0) for n in range(CLIENTS)]
    await asyncio.gather(*(_client(port, at, start + seconds, every, taken) for at in begins))
    taken.sort()
    return Figures(
        pattern, len(taken), len(taken) / seconds, taken[len(taken) // 2], taken[-len(taken) // 100]
    )


def _serve(home: Path) -> None:
    """The server process: says its port and answers until its input ends."""
    services = initialise(home, _OVERRIDES)
    with writing(services.engine) as session:
        made = publications.create(session, publications.default(), now=now())
        publications.set_value(session, made, "sender.address", "desk@example.org")
    server = WebServer(application.build(services), "127.0.0.1", 0)
    server.start()
    sys.stdout.write(f"{server.listener.port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()
    services.close()


def _drive(port: int) -> None:
    """The load process: prints a line for each pattern."""
    asyncio.run(_load(port, "warm", 1, 1.0))
    for pattern, seconds, every in (("once a second", 10, 1.0), ("closed loop", 5, None)):
        found = asyncio.run(_load(port, pattern, seconds, every))
        sys.stdout.write(
            f"{found.pattern}|{found.requests}|{found.per_second}|{found.p50}|{found.p99}\n"
        )


def _module(*words: str) -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.sign_up_page", *words]


def measure() -> list[Figures]:
    """Both patterns, with a server and a load process of their own; takes about 20 seconds."""
    with tempfile.TemporaryDirectory() as name:
        command = _module("serve", str(Path(name) / "home"))
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            try:
                done = subprocess.run(
                    _module("drive", port), capture_output=True, text=True, check=True, timeout=60
                )
            finally:
                server.stdin.close()
    rows = [line.split("|") for line in done.stdout.splitlines()]
    return [Figures(row[0], int(row[1]), *map(float, row[2:])) for row in rows]


def main() -> None:
    """Serve, drive, or measure and print."""
    if sys.argv[1:2] == ["serve"]:
        _serve(Path(sys.argv[2]))
    elif sys.argv[1:2] == ["drive"]:
        _drive(int(sys.argv[2]))
    else:
        for found in measure():
            sys.stdout.write(
                f"{CLIENTS} clients, {found.pattern}: {found.requests} requests, "
                f"{found.per_second:.0f}/s, p50 {found.p50:.1f} ms, p99 {found.p99:.1f} ms\n"
            )


if __name__ == "__main__":
    main()
