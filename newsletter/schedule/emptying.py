"""Emptying the bounce mailbox: by one process at a time, and every few minutes.

Each mail is taken in, and only then moved or deleted; killed in between, the next one reads it
again, which changes nothing. While the database takes nothing the mails lie in the mailbox, as
safe as anywhere.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from secrets import token_hex

from sqlalchemy.exc import SQLAlchemyError

from newsletter.core import mailbox
from newsletter.core.clock import now
from newsletter.core.db import database_now, writing
from newsletter.core.errors import NewsletterError, NotAllowedNow
from newsletter.core.log import logger
from newsletter.delivery.needs import Needs
from newsletter.delivery.returning.taking import Sort, take
from newsletter.schedule import lease

READING, DUE = "bounces", "bounces-due"
"""Leases: who reads the mailbox now; and that it was begun not long ago."""
_SECONDS = 300.0
"""A reader that says nothing for so long is dead; a batch takes seconds."""
_STOP_SECONDS = 30.0
_ASK_SECONDS = 20.0
"""How often a keeper asks the database whether it is time."""
_log = logger("schedule.emptying")

Tally = Counter[Sort]


def empty(needs: Needs, stop: threading.Event | None = None) -> Tally:
    """Read the mailbox to its end, or until `stop`; how many mails of each sort there were.

    NotAllowedNow while another process reads it, ConfigurationError says what is wrong with it.
    """
    mailbox.require_set(needs.settings.bounces)
    owner = token_hex(8)
    if not _hold(needs, READING, owner, _SECONDS):
        raise NotAllowedNow("the bounce mailbox is being read by another process; wait for it")
    try:
        return _emptied(needs, owner, stop or threading.Event())
    finally:
        with writing(needs.engine) as session:
            lease.release(session, READING, owner)


def poll_due(needs: Needs, stop: threading.Event | None = None) -> Tally | None:
    """Read the mailbox when it is time to; None when it is not, or there is none.

    However many processes ask, one reads it each `bounces.poll_minutes`. It waits for the
    network, so it belongs into a thread that nobody waits for (`Rounds`).
    """
    settings = needs.settings.bounces
    if not settings.mailbox:
        return None
    # An owner that nobody is a second time: the lease is let go of by its time alone.
    if not _hold(needs, DUE, token_hex(8), settings.poll_minutes * 60):
        return None
    try:
        return empty(needs, stop)
    except NotAllowedNow:
        return None


class Rounds:
    """`poll_due` for a keeper that must not wait: in a thread of its own, one at a time."""

    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._ask_at = 0.0

    def keep(self) -> None:
        """Begin a round if it is time and none is under way. Raises what the last one met, unless
        that can be put right by the mailbox's owner or by time: then it stands in the log."""
        if self._failure is not None:
            raise self._failure
        if not self._needs.settings.bounces.mailbox or self._stop.is_set():
            return
        is_idle = self._thread is None or not self._thread.is_alive()
        if is_idle and time.monotonic() >= self._ask_at:
            self._ask_at = time.monotonic() + _ASK_SECONDS
            begun = threading.Thread(target=self._round, name="bounces", daemon=True)
            begun.start()
            self._thread = begun  # only now: whoever closes this may join it at once

    def close(self) -> None:
        """End after the batch that is in hand; what was not dealt with stays in the mailbox."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def _round(self) -> None:
        try:
            poll_due(self._needs, self._stop)
        except NewsletterError as err:
            _log.warning("bounces_not_read", reason=str(err))
        except SQLAlchemyError as err:
            _log.warning("bounces_not_stored", reason=type(err).__name__)
        except BaseException as err:  # noqa: BLE001 - handed to `keep`, which raises it
            self._failure = err


def _emptied(needs: Needs, owner: str, stop: threading.Event) -> Tally:
    settings = needs.settings.bounces
    tally: Tally = Counter()
    with mailbox.opened(settings) as box:
        for batch in box.batches():
            sorts = take(needs, [one.data for one in batch], now())
            tally.update(sorts)
            pairs = list(zip(batch, sorts, strict=True))
            box.settle(
                done=[one.number for one, sort in pairs if sort is not Sort.FOREIGN],
                left=[one.number for one, sort in pairs if sort is Sort.FOREIGN],
            )
            if stop.is_set() or not _hold(needs, READING, owner, _SECONDS):
                break
    if tally:
        _log.info("bounces_read", **{sort.value: number for sort, number in tally.items()})
    return tally


def _hold(needs: Needs, name: str, owner: str, seconds: float) -> bool:
    with writing(needs.engine) as session:
        return lease.hold(session, name, owner, seconds, database_now(session))
