"""`newsletter send N`: fire now, work the queue here, and show a bar until all is settled."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from newsletter.cli.context import Desk, issue_of
from newsletter.cli.output import console, emit, note
from newsletter.cli.standing import of_issue, put_off_sentence, tell_ledger

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_SETTLED = ("sent", "held", "paused", "cancelled")


def send_out(desk: Desk, publication: str | None, number: int, *, as_json: bool) -> int:
    """Send an issue and stay with it; the exit code is 0 when everybody is accounted for.

    A mail server that is not there or refuses the login is said before anything is launched.
    """
    services = desk.services()
    if not _another_sends(desk.home):
        services.provider.connect().close()
    _fire(desk, publication, number)
    with stopping() as stop, working(desk, stop, patient=False):
        found = _watch(desk, publication, number, stop)
    emit(found) if as_json else tell_ledger(found)
    return _verdict(found)


def _fire(desk: Desk, publication: str | None, number: int) -> None:
    from newsletter.core.clock import now
    from newsletter.core.errors import NotAllowedNow
    from newsletter.schedule import firing, slots

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
        at = now()
        slots.schedule(session, owner, issue, at=at, now=at)
        fired = firing.fire_due(session, now())
    for one in fired:
        if one.issue_number != number:
            note(f"Issue {one.issue_number} was due too: {one.kind} {one.reason or ''}".rstrip())


def _watch(
    desk: Desk, publication: str | None, number: int, stop: threading.Event
) -> dict[str, Any]:
    told = None
    with _bar() as (progress, task):
        while True:
            with desk.reading() as session:
                found = of_issue(session, *issue_of(session, publication, number))
            put_off = found["put_off"]
            if put_off and put_off["answer"] != told:
                told = put_off["answer"]
                progress.console.print(put_off_sentence(put_off), soft_wrap=True)
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
        return 0
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

    While another process sends from this home, a patient one waits for its turn and any other
    leaves the work to it.
    """
    from newsletter.worker import Worker

    def run() -> None:
        while _another_sends(desk.home):
            if not patient or stop.wait(1):
                return
        Worker(desk.services()).run(stop, idle=1.0 if patient else 0.2)

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
