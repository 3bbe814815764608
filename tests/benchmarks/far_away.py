"""A long way to a mail server on this machine, for netem is not everywhere.

`python -m tests.benchmarks.far_away PORT MS [CERT KEY]` is a proxy that lets every byte arrive so
many milliseconds later, each way; with a certificate it speaks TLS to whoever comes. It says its
port, and stops at the end of its standard input, so that it never outlives who started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.smtp_server import Certificate

_CHUNK = 1 << 18
_MILLISECOND = 0.001


@contextmanager
def far_away(
    port: int, round_trip_ms: float, certificate: Certificate | None = None
) -> Iterator[int]:
    """The same server so far away, with TLS at its own end if there is a certificate; the port."""
    with contextlib.ExitStack() as held:
        if certificate is not None:
            files = (certificate.path, certificate.key_path)
            port = held.enter_context(_proxy(port, 0, *files))
        yield held.enter_context(_proxy(port, round_trip_ms / 2))


@contextmanager
def _proxy(port: int, delay_ms: float, *files: Path) -> Iterator[int]:
    words = [sys.executable, "-m", "tests.benchmarks.far_away", str(port), str(delay_ms)]
    with subprocess.Popen(
        [*words, *map(str, files)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


async def _later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Everything, in order, when it is due."""
    clock = asyncio.get_running_loop().time
    due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            when, data = await due.get()
            if (left := when - clock()) > 0:
                await asyncio.sleep(left)
            if not data:
                return
            writer.write(data)

    delivering = asyncio.create_task(deliver())
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            due.put_nowait((clock() + delay, data))
    due.put_nowait((clock() + delay, b""))
    await delivering
    writer.close()


async def _serve(port: int, delay: float, files: list[str]) -> None:
    context = None
    if files:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*files)

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", port, limit=_CHUNK)
        await asyncio.gather(_later(reader, outer, delay), _later(inner, writer, delay))

    server = await asyncio.start_server(meet, "127.0.0.1", 0, limit=_CHUNK, ssl=context)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)  # whatever is still on its way goes nowhere


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]) * _MILLISECOND, sys.argv[3:]))
