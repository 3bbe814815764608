"""`newsletter demo`: the whole way of a sample issue, in one process, while the user looks on."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from newsletter.app import Services, initialise
from newsletter.cli import demo_story as story
from newsletter.cli.catching import CatchingServer
from newsletter.cli.context import Desk, desk_of
from newsletter.cli.outgoing import stopping, working
from newsletter.cli.output import hanging
from newsletter.cli.serving import only_one, owner
from newsletter.core.clock import now
from newsletter.core.db import reading
from newsletter.core.errors import ConfigurationError, NotAllowedNow
from newsletter.core.settings import default_home
from newsletter.delivery.ledger import Ledger

SECONDS_AHEAD = 5
_MARK = "this-is-a-demo"
_TABLE_WIDTH = 66


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
    console = Console(highlight=False)
    with only_one(home), stopping() as stop, _caught(home / "mailbox") as smtp_port:
        held = _run(console, home, smtp_port, port, stop, once=once)
    if once:
        raise typer.Exit(0 if held else 1)


def _home(context: typer.Context) -> Path:
    """A home of the demo's own: its sample must never meet real subscribers."""
    desk = desk_of(context)
    named = desk.given or os.environ.get("NEWSLETTER_HOME")
    home = desk.home if named else default_home().with_name("newsletter-demo")
    real = any((home / name).exists() for name in ("newsletter.db", "keys.json"))
    if real and not (home / _MARK).exists():
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
            "database": {"url": ""},  # the home's own, whatever is set for a real newsletter
        },
    )
    desk = Desk(home)
    desk.adopt(services)
    app = application.build(services, [mailbox.router(home / "mailbox")])
    web = WebServer(app, listener=listener)
    web.start()
    try:
        return _play(console, desk, stop, once=once)
    finally:
        console.print("Stopping …")
        web.stop()
        desk.close()


def _play(console: Console, desk: Desk, stop: threading.Event, *, once: bool) -> bool:
    from newsletter.delivery import preflight
    from newsletter.schedule.clock import Clock

    services = desk.services()
    console.print("[bold]A week's issue, from inbox to mailbox.[/]")
    console.print(f"All state lies in {services.settings.home}\n", soft_wrap=True)
    number = _prepare(console, services)
    proof = partial(preflight.require_ready, services)
    clock = Clock(services.engine, owner(services), lambda _fired: None, proof=proof)
    with working(desk, stop, patient=False):
        clock.start()
        try:
            status, result = _watch(console, services, number, stop)
            _told(console, services, number, result, once=once)
            if not once:
                console.print("\nThe pages stay open until [bold]Ctrl-C[/].")
                stop.wait()
        finally:
            clock.stop()
    return status == "sent" and result.done


def _told(console: Console, services: Services, number: int, result: Ledger, *, once: bool) -> None:
    _summary(console, result)
    for reason in story.stopped_by(services, number):
        hanging(console, "", f"It stopped: {reason}", "yellow")
    _addresses(console, services, number)
    if once:
        console.print(
            "(These are closed again; run 'newsletter demo' without --once to open them.)",
            soft_wrap=True,
        )


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
        hanging(console, "    · ", _in_names(sentence, services))
    story.write(services, number, at)
    console.print(f"{done} editorial written in English and Burmese, with its picture")
    for problem in story.check(services, number):
        hanging(console, f"    {problem.level}: ", _in_names(problem.text, services))
    story.approve(services, number, now())
    console.print(f"{done} checked and approved: its content is frozen by a hash")
    wall, zone = story.schedule(services, number, now() + timedelta(seconds=SECONDS_AHEAD))
    console.print(f"{done} scheduled for {wall} {zone}, in {SECONDS_AHEAD} seconds\n")
    return number


def _in_names(sentence: str, services: Services) -> str:
    """The sentence with `English` where a check writes `'en'` or `editorial en`."""
    names = {code: language.name for code, language in services.settings.languages.items()}
    codes = "|".join(map(re.escape, names))
    return re.sub(
        rf"'({codes})'|(?<=^editorial )({codes})\b",
        lambda found: names[found[1] or found[2]],
        sentence,
    )


def _watch(
    console: Console, services: Services, number: int, stop: threading.Event
) -> tuple[str, Ledger]:
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
                done = result.total - result.open
                progress.update(task, description="sending", total=result.total, completed=done)
            if status in ("sent", "held", "paused", "cancelled") or stop.is_set():
                progress.update(task, description=status)
                return status, result
            stop.wait(0.2)


def _summary(console: Console, result: Ledger) -> None:
    counts = {
        "audience": result.total,
        "planned": result.open,
        "submitted": result.submitted,
        "refused": result.refused,
        "skipped": sum(result.skipped.values()),
        "unknown": result.unknown,
    }
    title = "What became of everybody"
    if console.width < _TABLE_WIDTH:
        console.print(Text(title, style="bold"))
        for name, count in counts.items():
            console.print(f"  {name:<9} {count:>6}")
    else:
        table = Table(title=title)
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
