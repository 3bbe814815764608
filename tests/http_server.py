"""A real HTTP server on loopback that answers by a script, or fails at a chosen stage.

It never forgets: a request is kept before its answer leaves, and only when it came whole.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO

from tests.smtp_server import Certificate
from tests.system import PATIENCE

DROP = b"*drop*"
HANG = b"*hang*"
DRIP = b"*drip*"
"""A good status, and then a byte of its body now and then for as long as anybody listens."""
DROP_AT_BODY = b"*drop at the body*"
STALL_AT_BODY = b"*stall at the body*"
"""Reads the header and then no more, until the sender's buffers are full."""


@dataclass(frozen=True)
class Asked:
    """One whole request; header names in lower case."""

    line: str
    headers: Mapping[str, str]
    body: bytes


Script = Callable[[Asked, int], bytes]


def answer(status: int, body: str | bytes = b"", **headers: str) -> bytes:
    """A whole answer; `retry_after="5"` is a header."""
    raw = body.encode() if isinstance(body, str) else body
    fields = {"Content-Length": str(len(raw))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + raw


class HttpServer:
    """Threads and sockets; `at_header` may be DROP_AT_BODY or STALL_AT_BODY."""

    def __init__(
        self,
        script: Script,
        *,
        at_header: bytes = b"",
        certificate: Certificate | None = None,
        silent: bool = False,
    ) -> None:
        self._script = script
        self._at_header = at_header
        self._context = certificate.context() if certificate else None
        self._silent = silent
        self._released = threading.Event()
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self.kept: list[Asked] = []
        self.on_kept: Callable[[], None] = lambda: None
        self.connections = 0
        self.headers_seen = 0

    def __enter__(self) -> HttpServer:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    @property
    def url(self) -> str:
        """Where it is."""
        scheme = "https" if self._context else "http"
        return f"{scheme}://localhost:{self.port}"

    def __exit__(self, *_: object) -> None:
        self._released.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(sock)
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        try:
            if self._silent:
                self._released.wait(PATIENCE)
                return
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock = self._context.wrap_socket(plain, server_side=True) if self._context else plain
            with sock, sock.makefile("rb") as stream:
                while self._exchange(sock, stream):
                    pass
        except (OSError, ValueError):
            pass
        finally:
            plain.close()

    def _exchange(self, sock: socket.socket, stream: IO[bytes]) -> bool:
        line = stream.readline().decode().strip()
        if not line:
            return False
        headers = {}
        while field := stream.readline().decode().strip():
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        self.headers_seen += 1
        if self._at_header == DROP_AT_BODY:
            return False
        if self._at_header == STALL_AT_BODY:
            self._released.wait(PATIENCE)
            return False
        length = int(headers.get("content-length", 0))
        body = stream.read(length)
        if len(body) < length:
            return False
        asked = Asked(line, headers, body)
        with self._lock:
            self.kept.append(asked)
            count = len(self.kept)
        self.on_kept()
        return self._say(sock, self._script(asked, count))

    def _say(self, sock: socket.socket, reply: bytes) -> bool:
        if reply == HANG:
            self._released.wait(PATIENCE)
        if reply in (HANG, DROP):
            return False
        if reply == DRIP:
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not self._released.wait(0.02):
                sock.sendall(b"1\r\n \r\n")
            return False
        sock.sendall(reply)
        head = reply.partition(b"\r\n\r\n")
        promised = head[0].partition(b"Content-Length: ")[2].partition(b"\r\n")[0]
        return promised == str(len(head[2])).encode()
