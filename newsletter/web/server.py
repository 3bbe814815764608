"""Runs the web pages in a thread, on the wanted port or the next free one."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from dataclasses import dataclass
from typing import Any

import uvicorn

from newsletter.core.errors import ConfigurationError
from newsletter.core.log import logger

_PORTS_TRIED = 50


@dataclass(frozen=True)
class Listener:
    """A port that is ours already, though nobody answers on it yet."""

    socket: socket.socket
    host: str
    port: int
    moved_from: int | None
    """The port that was wanted and taken by another program."""

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def listen(host: str, port: int) -> Listener:
    """Take a port, or the next free one when another program has it; 0 means any.

    For those who must know the address before the pages are built (it stands in mails).
    ConfigurationError when the host is none of this machine's or the port is not allowed.
    """
    last = min(port + _PORTS_TRIED, 65536)
    for candidate in [0] if port == 0 else [*range(port, last), 0]:
        taken = _listening(host, candidate)
        if taken is not None:
            found = int(taken.getsockname()[1])
            return Listener(taken, host, found, port if port not in {0, found} else None)
    raise ConfigurationError(f"no free port was found from {port} on; set server.port")


def _listening(host: str, port: int) -> socket.socket | None:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as err:
        raise ConfigurationError(
            f"'{host}' is no address of this machine; set server.host, for example to 127.0.0.1"
        ) from err
    made = socket.socket(family, kind, proto)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        # Linux lets two programs bind with REUSEADDR; only listening tells who was first.
        made.listen(128)
    except OSError as err:
        made.close()
        if err.errno == errno.EADDRINUSE:
            return None
        raise ConfigurationError(
            f"{host}:{port} cannot be used ({err.strerror}); set server.host and server.port"
        ) from err
    return made


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class WebServer:
    """The pages, answering in a thread of their own. No access log: no IPs, no tokens."""

    def __init__(
        self,
        app: Any,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        listener: Listener | None = None,
        trusted_proxies: str = "",
    ) -> None:
        """`trusted_proxies`: whose X-Forwarded-For says who asks (server.trusted_proxies)."""
        self.listener = listener or listen(host, port)
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                timeout_graceful_shutdown=1,
                timeout_keep_alive=10,
                proxy_headers=True,
                forwarded_allow_ips=trusted_proxies,
            )
        )
        # uvicorn only hides its access log from handlers it knows of; we want it not to exist.
        logging.getLogger("uvicorn.access").disabled = True
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the pages, without a slash at the end."""
        return self.listener.url

    @property
    def moved_from(self) -> int | None:
        """The port that was wanted but taken, when another is used; to be said to the user."""
        return self.listener.moved_from

    def start(self) -> None:
        """Begin to answer; returns when requests are taken."""
        if self.moved_from is not None:
            logger("web").warning("port_taken", wanted=self.moved_from, used=self.listener.port)
        self._thread.start()
        if not self._server.ready.wait(15):
            raise ConfigurationError("the web pages did not start; see the log")

    def stop(self) -> None:
        """Stop within two seconds, finishing what is being answered when that is quick."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(1.6)
            self._server.force_exit = True
            self._thread.join(0.4)
        self.listener.socket.close()

    def _run(self) -> None:
        self._server.run(sockets=[self.listener.socket])
