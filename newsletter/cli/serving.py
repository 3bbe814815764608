"""`newsletter serve`: pages, clock and worker in one process, one process for each home."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from newsletter.cli import happenings
from newsletter.cli.context import Desk, desk_of, examples
from newsletter.cli.output import note
from newsletter.cli.presence import present
from newsletter.cli.roles import watch

if TYPE_CHECKING:
    from newsletter.app import Services
    from newsletter.schedule.clock import Clock
    from newsletter.web.server import Listener

_HERE = ("127.0.0.1", "localhost", "::1")


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command(epilog=examples("newsletter serve", "newsletter serve --host 0.0.0.0 --port 9000"))(
        serve
    )


def serve(
    ctx: typer.Context,
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on; else server.host.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="Port to listen on; else server.port."),
    ] = None,
) -> None:
    """Run the service: web pages, weekly clock and sending, until Ctrl-C or SIGTERM.

    What was due while it was not running goes out now, or is held when it is too late.
    """
    from newsletter.cli.outgoing import stopping
    from newsletter.web.server import listen

    desk = desk_of(ctx)
    settings = desk.services().settings
    with present(desk.home), only_one(desk.home), stopping() as stop:
        listener = listen(
            host or settings.server.host, settings.server.port if port is None else port
        )
        _reopen(desk, listener)
        with happenings.telling(), _running(desk, listener, stop) as clock:
            _told(desk, listener)
            watch(clock, stop)
            note("Stopping: finishing what is in the air.")
    note("Stopped.")


@contextmanager
def _running(desk: Desk, listener: Listener, stop: threading.Event) -> Iterator[Clock]:
    from newsletter.cli.outgoing import working
    from newsletter.delivery import preflight
    from newsletter.schedule.clock import Clock
    from newsletter.web import application
    from newsletter.web.server import WebServer

    services = desk.services()
    proxies = services.settings.server.trusted_proxies
    web = WebServer(application.build(services), listener=listener, trusted_proxies=proxies)
    proof = partial(preflight.require_ready, services)
    clock = Clock(services.engine, owner(services), happenings.fired, proof=proof)
    web.start()
    try:
        with working(desk, stop, patient=True):
            clock.start()
            try:
                yield clock
            finally:
                clock.stop()
    finally:
        web.stop()


def _reopen(desk: Desk, listener: Listener) -> None:
    """Open the services for a long run; on this machine only, links follow a moved port."""
    from newsletter.app import open_services

    url = desk.services().settings.public.url
    moved = listener.moved_from is not None and urlsplit(url).hostname in _HERE
    overrides: dict[str, dict[str, object]] = {"server": {"port": listener.port}}
    if moved:
        overrides["public"] = {"url": listener.url}
    desk.close()
    desk.adopt(open_services(desk.home, overrides), to_stderr=not happenings.watched())
    quiet_libraries()


def quiet_libraries() -> None:
    """What they say of themselves at each step stands in no log of ours."""
    for chatty in ("apscheduler", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _told(desk: Desk, listener: Listener) -> None:
    from newsletter.cli.outgoing import warn_of_address

    settings = desk.services().settings
    if listener.moved_from is not None:
        note(f"Port {listener.moved_from} is in use by another program; using {listener.port}.")
    note(f"The newsletter in {desk.home} is being served at {listener.url}  (Ctrl-C stops)")
    warn_of_address(settings)
    if settings.public.url.rstrip("/") not in ("", listener.url):
        note(f"  readers reach it at {settings.public.url}")


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the home for one `serve`; NotAllowedNow when another process has it.

    A lock of the kernel (flock) ends with its process, however that dies.
    """
    from newsletter.core.errors import NotAllowedNow

    handle = os.open(home / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            other = os.read(handle, 20).decode("ascii", "replace").strip() or "unknown"
            raise NotAllowedNow(
                f"{home} is being served already, by process {other}; stop that one, or give "
                "another --home"
            ) from err
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def owner(services: Services) -> str:
    """A name for this process in leases.

    Whoever serves a home with an embedded database is alone (`only_one`), so it may take over
    at once what a killed predecessor held; elsewhere a lease must run out first.
    """
    host = socket.gethostname()[:40]
    sole = services.engine.dialect.name == "sqlite"
    # In containers every process has the number 1, and hosts may bear one name.
    return f"{host}-sole" if sole else f"{host}-{os.getpid()}-{secrets.token_hex(4)}"
