"""The server in its thread: a taken port, a quick end."""

from __future__ import annotations

import socket
import threading
import time

import httpx
import pytest
from fastapi import FastAPI

from newsletter.core.errors import ConfigurationError
from newsletter.web.server import WebServer, listen
from tests.system import PATIENCE


def test_a_taken_port_leads_to_the_next_free_one() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        server = WebServer(FastAPI(), "127.0.0.1", taken)
        server.start()
        try:
            assert server.moved_from == taken
            assert server.url != f"http://127.0.0.1:{taken}"
            assert httpx.get(f"{server.url}/none", trust_env=False).status_code == 404
        finally:
            server.stop()


def test_a_host_of_another_machine_is_said_so() -> None:
    with pytest.raises(ConfigurationError, match=r"set server\.host"):
        listen("203.0.113.7", 0)


def test_it_stops_within_two_seconds_though_somebody_is_being_answered() -> None:
    app = FastAPI()
    reached, release = threading.Event(), threading.Event()

    @app.get("/slow")
    def slow() -> str:
        reached.set()
        release.wait(PATIENCE)
        return "late"

    server = WebServer(app, "127.0.0.1", 0)
    server.start()
    port = server.listener.port
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        assert reached.wait(PATIENCE)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < PATIENCE / 5
        release.set()
    again = listen("127.0.0.1", port)
    assert again.moved_from is None
    again.socket.close()
