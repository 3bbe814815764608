"""`newsletter demo`: the whole way of a sample issue, in one process, while the user looks on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from newsletter.app import Services, initialise
from newsletter.cli import demo_story as story
from newsletter.cli.catching import CatchingServer
from newsletter.cli.context import desk_of
from newsletter.cli.outgoing import stopping
from newsletter.cli.serving import only_one, owner
from newsletter.core import log
from newsletter.core.clock import now
from newsletter.core.db import reading
from newsletter.core.errors import ConfigurationError, NotAllowedNow
from newsletter.core.settings import default_home
from newsletter.delivery.ledger import Ledger

SECONDS_AHEAD = 5
_MARK = "this-is-a-demo"


def demo(
    context: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="End after the summary; exit 0 when the equation holds.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where the pages listen; taken: the next free.")
    ] = 8080,
) -> None:
    """Watch a bilingual sample issue go the whole way: inbox → approval → slot → mailboxes.

    Everything is real but the readers: the database, the scheduler, SMTP to a catching server
    on this machine. Nothing leaves it.

    Example:  newsletter demo          (Ctrl-C ends it)

    Example:  newsletter demo --once   (for scripts)
    """
    home = _home(context)
    log.configure(file=home / "logs" / "newsletter.log", to_stderr=False)
    console = Console(highlight=False)
    with only_one(home), stopping() as stop, _caught(home / "mailbox") as smtp_port:
        held = _run(console, home, smtp_port, port, stop, once=once)
    if once:
        raise typer.Exit(0 if held else 1)


def _home(context: typer.Context) -> Path:
    """A home of the demo's own: its sample must never meet real subscribers."""
    desk = desk_of(context)
    home = desk.home if desk.given else default_home().with_name("newsletter-demo")
    if (home / "newsletter.db").exists() and not (home / _MARK).exists():
        raise NotAllowedNow(
            f"{home} holds a newsletter of yours; the demo needs a home of its own: "
            "'newsletter --home ./demo demo'"
        )
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (home / _MARK).touch()
    except OSError as err:
        raise ConfigurationError(f"{home} cannot be made: {err.strerror}") from err
    return home


@contextmanager
def _caught(directory: Path) -> Iterator[int]:
    catching = CatchingServer(directory)
    try:
        yield catching.start()
    finally:
        catching.stop()


def _run(
    console: Console, home: Path, smtp_port: int, port: int, stop: threading.Event, *, once: bool
) -> bool:
    from newsletter.web import application, mailbox
    from newsletter.web.server import WebServer, listen

    listener = listen("127.0.0.1", port)
    if listener.moved_from is not None:
        console.print(
            f"[yellow]Port {port} is in use by another program; using {listener.port}.[/]"
        )
    services = initialise(
        home,
        {
            "delivery": {"provider": "smtp", "connections": 2},
            "smtp": {"host": "127.0.0.1", "port": smtp_port, "security": "none", "username": ""},
            "public": {"url": listener.url},
        },
    )
    app = application.build(services, [mailbox.router(home / "mailbox")])
    web = WebServer(app, listener=listener)
    web.start()
    try:
        return _play(console, services, stop, once=once)
    finally:
        web.stop()
        services.close()


def _play(console: Console, services: Services, stop: threading.Event, *, once: bool) -> bool:
    from newsletter.schedule.clock import Clock
    from newsletter.worker import Worker

    console.print("[bold]A week's issue, from inbox to mailbox.[/]")
    console.print(f"All state lies in {services.settings.home}\n", soft_wrap=True)
    number = _prepare(console, services)
    clock = Clock(services.engine, owner(services), lambda _fired: None)
    worker = Worker(services)
    thread = threading.Thread(target=worker.run, args=(stop, 0.2), name="worker")
    clock.start()
    thread.start()
    try:
        result = _watch(console, services, number, stop)
        _summary(console, result)
        _addresses(console, services, number)
        if not once:
            console.print("\nThe pages stay open until [bold]Ctrl-C[/].")
            stop.wait()
        return result.balanced and result.planned == 0 and result.total > 0
    finally:
        console.print("Stopping …")
        stop.set()
        clock.stop()
        thread.join(30)


def _prepare(console: Console, services: Services) -> int:
    """Everything an editor does in the week, each step said."""
    done = "[green]✓[/]"
    at = now()
    people = story.readers(services, at)
    console.print(f"{done} {people} sample readers (English, Burmese, both)")
    collected = story.collect(services, at)
    console.print(f"{done} {collected} resources lie in the inbox")
    number, taken, missing = story.assemble(services, at)
    console.print(f"{done} issue {number} assembled with {taken} resources; still missing:")
    for sentence in missing:
        console.print(f"    · {sentence}")
    story.write(services, number, at)
    console.print(f"{done} editorial written in English and Burmese, with its picture")
    for problem in story.check(services, number):
        console.print(f"    {problem.level}: {problem.text}")
    story.approve(services, number, now())
    console.print(f"{done} checked and approved: its content is frozen by a hash")
    wall, zone = story.schedule(services, number, now() + timedelta(seconds=SECONDS_AHEAD))
    console.print(f"{done} scheduled for {wall} {zone}, in {SECONDS_AHEAD} seconds\n")
    return number


def _watch(console: Console, services: Services, number: int, stop: threading.Event) -> Ledger:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("waiting for the slot", total=None)
        while True:
            with reading(services.engine) as session:
                status, result = story.standing(session, number)
            if result.total:
                done = result.total - result.planned - result.claimed - result.submitting
                progress.update(task, description="sending", total=result.total, completed=done)
            if status in ("sent", "held", "paused", "cancelled") or stop.is_set():
                progress.update(task, description=status)
                return result
            stop.wait(0.2)


def _summary(console: Console, result: Ledger) -> None:
    table = Table(title="What became of everybody")
    counts = {
        "audience": result.total,
        "planned": result.planned + result.claimed + result.submitting,
        "submitted": result.submitted,
        "refused": result.refused,
        "skipped": sum(result.skipped.values()),
        "unknown": result.unknown,
    }
    for name in counts:
        table.add_column(name, justify="right")
    table.add_row(*(str(count) for count in counts.values()))
    console.print(table)
    equation = "holds" if result.balanced else "DOES NOT HOLD"
    console.print(f"audience = submitted + refused + skipped + unknown + planned: {equation}\n")


def _addresses(console: Console, services: Services, number: int) -> None:
    url = services.settings.public.url
    rows = {
        "The mailbox, with each caught mail": f"{url}/mailbox",
        "The archive": f"{url}/archive/{story.SLUG}",
        "One reader's unsubscribe link": story.a_leave_link(services, number),
    }
    for what, where in rows.items():
        console.print(f"{what}:\n    [link={where}]{where}[/link]", soft_wrap=True)
