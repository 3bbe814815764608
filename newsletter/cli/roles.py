"""`newsletter worker`, `scheduler` and `web`: the three parts of `serve`, each by itself.

On PostgreSQL any number of each, on any number of hosts (docs/scaling.md).
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli import happenings
from newsletter.cli.context import Desk, desk_of, examples
from newsletter.cli.output import note
from newsletter.cli.presence import present

if TYPE_CHECKING:
    from newsletter.app import Services
    from newsletter.schedule.clock import Clock
    from newsletter.web.outdated import Closing
    from newsletter.web.server import Listener

_LOOK_SECONDS = 2.0


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(epilog=examples("newsletter worker", "newsletter worker --home /srv/news"))(worker)
    app.command(epilog=examples("newsletter scheduler", "newsletter scheduler --home /srv/news"))(
        scheduler
    )
    app.command(epilog=examples("newsletter web", "newsletter web --host 0.0.0.0 --port 8080"))(web)


def worker(ctx: typer.Context) -> None:
    """Send what is due, until Ctrl-C or SIGTERM; on PostgreSQL beside any number of others.

    It finishes what is in the air and hands the rest to the others before it ends.
    """
    from newsletter.worker import Worker

    with _at_work(desk_of(ctx)) as (desk, stop):
        services = desk.services()
        _require_only_sender(services)
        note(f"Sending from {_place(services)}  (Ctrl-C stops)")
        Worker(services).run(stop)


def scheduler(ctx: typer.Context) -> None:
    """Fire each slot at its time, until Ctrl-C or SIGTERM.

    Of several one keeps the clock; when it dies another takes over within seconds and catches up
    what was missed, each slot once.
    """
    with _at_work(desk_of(ctx)) as (desk, stop):
        services = desk.services()
        with _keeping(services) as clock:
            note(f"Scheduling for {_place(services)}: {_turn(clock)}  (Ctrl-C stops)")
            watch(clock, stop)


def web(
    ctx: typer.Context,
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on; else server.host.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="Port to listen on; else server.port."),
    ] = None,
) -> None:
    """Show readers their pages, until Ctrl-C or SIGTERM; nothing is sent or scheduled here."""
    with _at_work(desk_of(ctx)) as (desk, stop):
        services = desk.services()
        server = services.settings.server
        listener = _exactly(host or server.host, server.port if port is None else port)
        with _answering(services, listener) as closing:
            note(f"Pages of {_place(services)} at {listener.url}  (Ctrl-C stops)")
            _look_after(services, closing, stop)


def watch(clock: Clock, stop: threading.Event) -> None:
    """Until told to stop, say it when this clock's turn changes; OtherVersion ends it."""
    held = clock.holds
    while not stop.wait(0.5):
        if clock.over is not None:
            raise clock.over
        if clock.holds != held:
            held = clock.holds
            note(f"Now {_turn(clock)}.")


@contextmanager
def _at_work(desk: Desk) -> Iterator[tuple[Desk, threading.Event]]:
    """Present in the home, with the log where long runs have it, until a signal says stop."""
    from newsletter.cli.outgoing import stopping
    from newsletter.cli.serving import quiet_libraries

    services = desk.services()
    desk.adopt(services, to_stderr=not happenings.watched())
    quiet_libraries()
    with present(desk.home), stopping() as stop, happenings.telling():
        _take_over_pictures(services)
        yield desk, stop
    note("Stopped.")


def _take_over_pictures(services: Services) -> None:
    """Homes from before kept pictures as files of their own; and some may be lost by now."""
    from sqlalchemy import select

    from newsletter.core.db import writing
    from newsletter.editorial import pictures
    from newsletter.editorial.models import Issue
    from newsletter.editorial.states import EDITABLE, Status

    place, wanted = services.settings.media_path, {*EDITABLE, Status.SENDING, Status.PAUSED}
    with writing(services.engine) as session:
        lost = pictures.take_over(session, place)
        query = select(Issue.number).where(Issue.status.in_(wanted), Issue.image_name.in_(lost))
        numbers = session.scalars(query).all() if lost else []
    for number in numbers:
        note(
            f"warning: the image of issue {number} is neither in the database nor in {place}; "
            "nobody can send or show the issue without it. Run 'newsletter migrate' on the host "
            "where it was made, or import the issue's file with its image again"
        )


def _require_only_sender(services: Services) -> None:
    """On SQLite one process sends; said before anything else is."""
    from newsletter.worker import WorkerLock

    if services.engine.dialect.name == "sqlite":
        lock = WorkerLock(services.settings.home / "worker.lock")
        lock.hold()
        lock.let_go()


@contextmanager
def _keeping(services: Services) -> Iterator[Clock]:
    from newsletter.delivery import preflight
    from newsletter.schedule.clock import Clock

    me = f"{socket.gethostname()[:32]}-{os.getpid()}-{secrets.token_hex(4)}"
    proof = partial(preflight.require_ready, services)
    clock = Clock(services.engine, me, happenings.fired, proof=proof)
    clock.start()
    try:
        yield clock
    finally:
        clock.stop()


def _turn(clock: Clock) -> str:
    if clock.holds:
        return "keeping the clock"
    return "standing by, another one keeps the clock"


def _exactly(host: str, port: int) -> Listener:
    """A proxy leads to this port and no other."""
    from newsletter.core.errors import ConfigurationError
    from newsletter.web.server import listen

    listener = listen(host, port)
    if listener.moved_from is not None:
        listener.socket.close()
        raise ConfigurationError(
            f"port {port} is in use by another program; stop that one, or set server.port"
        )
    return listener


@contextmanager
def _answering(services: Services, listener: Listener) -> Iterator[Closing]:
    from newsletter.web import application
    from newsletter.web.outdated import Closing
    from newsletter.web.server import WebServer

    app = application.build(services)
    closing = Closing(app, services, app.state.pages)
    proxies = services.settings.server.trusted_proxies
    server = WebServer(closing, listener=listener, trusted_proxies=proxies)
    server.start()
    try:
        yield closing
    finally:
        server.stop()


def _look_after(services: Services, closing: Closing, stop: threading.Event) -> None:
    """Apply the wishes to leave that wait in this home, which no worker elsewhere can see, and
    close the pages when the database is of another version."""
    from newsletter import migrations
    from newsletter.core.db import reading
    from newsletter.core.errors import ConfigurationError
    from newsletter.core.log import logger
    from subscribers import spool

    while not stop.wait(_LOOK_SECONDS):
        try:
            with reading(services.engine) as session:
                migrations.require_same(session)
            spool.drain(services.engine, services.settings.home)
        except migrations.OtherVersion as err:
            closing.close(str(err))
            note(f"error: {err}")
            note("Wishes to leave are still taken, onto the disk; all other pages answer 503.")
            stop.wait()
        except ConfigurationError as err:  # away or busy: the wishes stay on the disk until then
            logger("web").warning("database_not_reached", reason=str(err))


def _place(services: Services) -> str:
    """The home, and the database if that lies elsewhere; never its password."""
    home, url = services.settings.home, services.engine.url
    if services.engine.dialect.name == "sqlite":
        return str(home)
    return f"{home} with database '{url.database}' at {url.host or 'the local socket'}"
