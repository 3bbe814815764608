"""`newsletter send N`: fire now, work the queue here, and show a bar until all is settled."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from newsletter.cli.context import Desk, issue_of
from newsletter.cli.output import console, emit, note
from newsletter.cli.standing import (
    of_issue,
    progress_of,
    put_off_sentence,
    quiet_sentence,
    tell_ledger,
)

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from newsletter.app import Services
    from newsletter.core.settings import Settings

_SETTLED = ("sent", "held", "paused", "cancelled")


def send_out(desk: Desk, publication: str | None, number: int, *, as_json: bool) -> int:
    """Send an issue and stay with it; the exit code is 0 when everybody is accounted for and
    nobody in doubt.

    Mail servers of which none is there and takes the login are said before anything is launched.
    """
    from newsletter.delivery import press

    services = desk.services()
    press.require_reachable(services.settings)
    if not _another_sends(desk.home):
        _require_a_provider(services)
    _fire(desk, publication, number)
    with stopping() as stop, working(desk, stop, patient=False):
        found = _watch(desk, publication, number, stop)
        _tell_waiting(found, asked=stop.is_set())
    with desk.reading() as session:  # again: the last answers came after the watching
        found = of_issue(session, services, *issue_of(session, publication, number))
    emit(found) if as_json else tell_ledger(found)
    return _verdict(found)


def _require_a_provider(services: Services) -> None:
    """The first one's error when none of those that a message can go by answers.

    One is enough: the worker leaves out who is away, and takes it in again when it answers.
    """
    from newsletter.core.errors import NewsletterError
    from newsletter.core.routing_settings import used_names

    first: NewsletterError | None = None
    for name in used_names(services.settings):
        try:
            services.providers[name].connect().close()
        except NewsletterError as err:
            first = first or err
        else:
            return
    if first:
        raise first


def _tell_waiting(found: dict[str, Any], *, asked: bool) -> None:
    """Before the lines are waited for, so that a server that hangs is not taken for a command."""
    from newsletter.worker import STOP_SECONDS

    waiting = f"waiting up to {STOP_SECONDS:.0f} s for answers that are still out."
    if asked and (found["status"] == "sending" or found["ledger"]["submitting"]):
        note(f"Stopping: {waiting}")
    elif found["ledger"]["submitting"]:
        note(f"Issue {found['number']} is {found['status']}; {waiting}")


def warn_of_address(settings: Settings) -> None:
    """Say on standard error what is wrong with the address that stands in every mail."""
    shortcoming = settings.public.shortcoming
    if shortcoming:
        note(f"warning: {shortcoming[1]}")


def _fire(desk: Desk, publication: str | None, number: int) -> None:
    from newsletter.core.clock import now
    from newsletter.core.errors import NotAllowedNow
    from newsletter.delivery import launching, preflight
    from newsletter.editorial.states import EDITABLE
    from newsletter.schedule import firing, slots

    proof = partial(preflight.require_ready, desk.services())

    with desk.writing() as session:
        owner, issue = issue_of(session, publication, number)
        if issue.status == "sending":
            note(f"Issue {number} is going out already; going on with it.")
            return
        if issue.status == "paused":
            raise NotAllowedNow(
                f"issue {number} is paused ({issue.paused_reason}); "
                f"run 'newsletter resume {number}' first"
            )
        nobody = launching.nobody(session, issue, now())
        if nobody and issue.status in EDITABLE:
            raise NotAllowedNow(nobody)
        at = now()
        slots.schedule(session, owner, issue, at=at, now=at)
        fired = firing.fire_due(session, now(), proof=proof)
    for one in fired:
        if one.issue_number != number:
            note(f"Issue {one.issue_number} was due too: {one.kind} {one.reason or ''}".rstrip())


def _watch(
    desk: Desk, publication: str | None, number: int, stop: threading.Event
) -> dict[str, Any]:
    told = quiet = None
    with _bar() as (progress, task):
        while True:
            with desk.reading() as session:
                found = progress_of(session, *issue_of(session, publication, number))
            put_off = found["put_off"]
            if put_off and put_off["answer"] != told:
                told = put_off["answer"]
                progress.console.print(put_off_sentence(put_off), soft_wrap=True)
            if found["quiet_until"] and found["quiet_until"] != quiet:
                quiet = found["quiet_until"]
                progress.console.print(quiet_sentence(quiet), soft_wrap=True)
            ledger = found["ledger"]
            waiting = ledger["planned"] + ledger["claimed"] + ledger["submitting"]
            progress.update(
                task,
                description=found["status"],
                total=ledger["total"] or None,
                completed=ledger["total"] - waiting,
            )
            if found["status"] in _SETTLED or stop.wait(0.2):
                return found


@contextmanager
def _bar() -> Iterator[tuple[Progress, TaskID]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    place = console(stderr=True)
    with Progress(*columns, console=place, disable=not place.is_terminal) as progress:
        yield progress, progress.add_task("sending", total=None)


def _verdict(found: dict[str, Any]) -> int:
    ledger, number = found["ledger"], found["number"]
    if found["status"] == "sent" and ledger["balanced"]:
        return 1 if ledger["unknown"] else 0
    if found["status"] == "sending":
        note(f"Stopped. 'newsletter send {number}' or 'newsletter serve' sends the rest.")
    return 1


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets; the second ends the program at once."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    former = [(number, signal.signal(number, on_signal)) for number in numbers]
    try:
        yield stop
    finally:
        stop.set()
        for number, handler in former:
            signal.signal(number, handler)


@contextmanager
def working(desk: Desk, stop: threading.Event, *, patient: bool) -> Iterator[None]:
    """Work the queue beside what the caller does; its error, if any, is the caller's.

    While another process sends from this home, the worker waits for its turn and takes over when
    that process ends; one that is not patient says so.
    """

    def run() -> None:
        while _its_turn(desk.home, stop, silent=patient):
            if _worked(desk, stop, idle=1.0 if patient else 0.2):
                return

    failed: list[BaseException] = []
    thread = threading.Thread(target=_caught, args=(run, failed, stop), name="worker")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failed and sys.exc_info()[0] is None:
        raise failed[0]


def _its_turn(home: Path, stop: threading.Event, *, silent: bool) -> bool:
    """Wait until no other process sends from this home; False when told to stop before."""
    watched = False
    while not stop.is_set():
        if not _another_sends(home):
            if watched and not silent:
                note("The other process has stopped; sending from here.")
            return True
        if not watched and not silent:
            note("Another process is sending; watching.")
        watched = True
        stop.wait(1)
    return False


def _worked(desk: Desk, stop: threading.Event, idle: float) -> bool:
    """Work until told to stop; False when another process was quicker by a moment."""
    from newsletter.core.errors import ConfigurationError
    from newsletter.worker import Worker

    try:
        Worker(desk.services()).run(stop, idle=idle)
    except ConfigurationError:
        if not _another_sends(desk.home):
            raise
        return False
    return True


def _another_sends(home: Path) -> bool:
    from newsletter.core.errors import ConfigurationError
    from newsletter.worker import WorkerLock

    lock = WorkerLock(home / "worker.lock")
    try:
        lock.hold()
    except ConfigurationError:
        return True
    lock.let_go()
    return False


def _caught(run: Callable[[], None], failed: list[BaseException], stop: threading.Event) -> None:
    try:
        run()
    except Exception as err:  # noqa: BLE001  (handed to the main thread, which raises it)
        failed.append(err)
        stop.set()
