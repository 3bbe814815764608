"""The demo's own mail server: catches every message on this machine and sends nothing on."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class _ToDirectory:
    """Writes each accepted message as NNNNNN.eml, the envelope's recipient on top."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory
        last = max((int(p.stem) for p in directory.glob("*.eml") if p.stem.isdigit()), default=0)
        self._numbers = itertools.count(last + 1)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the message; the 250 leaves only after it lies in the directory."""
        number = next(self._numbers)
        partial = self._directory / f"{number:06d}.part"
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        to = ", ".join(envelope.rcpt_tos)
        partial.write_bytes(f"X-Envelope-To: {to}\r\n".encode() + raw)
        os.replace(partial, self._directory / f"{number:06d}.eml")
        return f"250 caught as {number:06d}"


class CatchingServer:
    """A real SMTP server on a free loopback port, writing into a directory.

    aiosmtpd's own Controller cannot listen on port 0, so the loop is run here.
    """

    def __init__(self, directory: Path) -> None:
        self._handler = _ToDirectory(directory)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="catching", daemon=True)
        self._server: asyncio.Server | None = None

    def start(self) -> int:
        """Listen, and return the port."""
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(
            lambda: SMTP(self._handler, hostname="demo.invalid", loop=self._loop), "127.0.0.1", 0
        )

    def stop(self) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            asyncio.run_coroutine_threadsafe(self._hang_up(self._server), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @staticmethod
    async def _hang_up(server: asyncio.Server) -> None:
        server.close()
        others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
