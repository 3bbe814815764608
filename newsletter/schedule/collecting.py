"""Collecting: the sources that are due are asked, and what is new comes into the inbox.

Each source is taken by moving its next time on, in a transaction of its own, so that of many
processes one asks it; killed in between, another asks it a quarter of an hour later. The network
is waited for between transactions, and each answer is stored by itself.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from newsletter.core.clock import now
from newsletter.core.db import database_now, reading, writing
from newsletter.core.errors import NewsletterError
from newsletter.core.log import logger
from newsletter.core.visiting import Resolve, resolve
from newsletter.delivery.needs import Needs
from newsletter.editorial import polling, sources_kept
from newsletter.editorial.polling import Answer, Question
from newsletter.editorial.side_by_side import rules_of, side_by_side
from newsletter.editorial.taking_entries import Taken, take_in

_ASK_SECONDS = 30.0
_STOP_SECONDS = 25.0
_log = logger("schedule.collecting")


def poll(
    needs: Needs,
    *,
    only: Sequence[int] | None = None,
    stop: threading.Event | None = None,
    resolver: Resolve = resolve,
    at: datetime | None = None,
) -> Iterator[tuple[Question, Taken]]:
    """Ask the sources that are due, or `only` these at once, and give what came of each.

    What is kept of an answer is committed before it is given. `at` stands for now, in tests.
    """
    with writing(needs.engine) as session:
        moment = at or database_now(session)
        due = sources_kept.claim(session, moment, only=only)
    settings = needs.settings
    rules = rules_of(settings)
    answers = side_by_side(
        due,
        lambda question: question.url,
        lambda question: polling.ask(question, rules, settings.sources.longest, resolver),
        at_once=settings.sources.at_once,
        pause=settings.sources.pause_seconds,
        stop=stop,
    )
    for question, answer in answers:
        yield question, _kept(needs, answer, at)


def _kept(needs: Needs, answer: Answer, at: datetime | None) -> Taken:
    with writing(needs.engine) as session:
        taken = take_in(session, answer, at or now(), random.random())  # noqa: S311
    if taken.problem:
        _log.warning("source_not_read", source=answer.source_id, reason=taken.problem)
    elif taken.new or taken.completed:
        _log.info(
            "source_read",
            source=answer.source_id,
            new=len(taken.new),
            completed=len(taken.completed),
        )
    return taken


class Collector:
    """`poll` for a keeper that must not wait: in a thread of its own, one round at a time."""

    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._ask_at = 0.0

    def keep(self) -> None:
        """Begin a round if it is time and none is under way. Raises what the last one met, unless
        time may put that right: then it stands in the log."""
        if self._failure is not None:
            raise self._failure
        is_idle = self._thread is None or not self._thread.is_alive()
        if is_idle and not self._stop.is_set() and time.monotonic() >= self._ask_at:
            self._ask_at = time.monotonic() + _ASK_SECONDS
            begun = threading.Thread(target=self._round, name="collector", daemon=True)
            begun.start()
            self._thread = begun  # only now: whoever closes this may join it at once

    def close(self) -> None:
        """End after the questions that are under way; what is left is asked another time."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def _round(self) -> None:
        try:
            with reading(self._needs.engine) as session:
                is_due = sources_kept.is_any_due(session, now())
            for _ in poll(self._needs, stop=self._stop) if is_due else ():
                pass
        except NewsletterError as err:
            _log.warning("sources_not_asked", reason=str(err))
        except SQLAlchemyError as err:
            _log.warning("entries_not_stored", reason=type(err).__name__)
        except BaseException as err:  # noqa: BLE001 - handed to `keep`, which raises it
            self._failure = err
