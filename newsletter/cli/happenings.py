"""What happens while `serve` runs: sentences on a terminal, JSON lines for machines."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from newsletter.cli.output import counted, note

if TYPE_CHECKING:
    from newsletter.schedule.firing import Fired


def watched() -> bool:
    """Whether a person looks on: then the log goes to its file only."""
    return sys.stderr.isatty()


def fired(slots: Sequence[Fired]) -> None:
    """Write down what became of each slot, and say it to whoever looks on."""
    from newsletter.core.log import logger

    for one in slots:
        logger("serve").info(
            "slot_fired",
            issue=one.issue_number,
            publication=one.publication_slug,
            kind=one.kind,
            reason=one.reason,
            planned=one.planned,
        )
        if watched():
            note(f"{_clock()} {sentence(one)}")


def sentence(one: Fired) -> str:
    """What became of a slot, in words."""
    if one.issue_number is None:
        return f"the weekly time of '{one.publication_slug}' passed: there was no issue for it"
    issue = f"issue {one.issue_number} of '{one.publication_slug}'"
    if one.kind == "send":
        return f"{issue} began: {counted(one.planned, 'reader')}"
    if one.kind == "hold":
        return f"{issue} is held: {one.reason}"
    return f"{issue} was due, and nothing was done: {one.reason}"


@contextmanager
def telling() -> Iterator[None]:
    """While it lasts, whoever looks on is told what the log says: issues sent, and warnings."""
    teller = _Teller()
    if watched():
        logging.getLogger().addHandler(teller)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(teller)


class _Teller(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        from newsletter.core.log import redact

        said = record.msg if isinstance(record.msg, dict) else {"event": record.getMessage()}
        if said["event"] == "issue_sent":
            note(f"{_clock()} issue {said.get('number')} is sent")
        elif record.levelno >= logging.WARNING:
            rest = ", ".join(f"{k} {v}" for k, v in said.items() if k in _TOLD and v)
            words = str(said["event"]).replace("_", " ")
            note(redact(f"{_clock()} {record.levelname.lower()}: {words} {rest}".rstrip()))


_TOLD = ("issue", "number", "reason", "answer", "error", "planned", "unknown", "wanted", "used")


def _clock() -> str:
    from newsletter.core.clock import now

    return f"{now().astimezone():%H:%M}"
