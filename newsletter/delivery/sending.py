"""Sending: one line to the provider working off claims, one message after the other.

For each message: look again whether the reader still wants it; hand it over; write down the
intent before the first byte of the body leaves, and the outcome right after the answer. A kill
at any point leaves the row telling the truth.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm import Session

from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import ConfigurationError, NewsletterError, ProviderError, Retry
from newsletter.core.log import logger
from newsletter.delivery import claiming, outcomes
from newsletter.delivery.claiming import Claimed
from newsletter.delivery.errands import ConfirmationErrand, Errand, Withdrawn, errand
from newsletter.delivery.needs import Needs
from newsletter.delivery.outcomes import Outcome
from newsletter.delivery.press import Press
from newsletter.delivery.recording import record
from newsletter.delivery.retries import line_pause
from newsletter.providers.base import Connection, NotConnected
from subscribers import spool

_BATCH = 20
_RECORD_TRIES = 5
_OURS_IN_A_ROW = 2
"""First tries refused for our sake (5.7.x) after which nobody else is tried."""
_STEP_BACK = timedelta(minutes=15)
"""A confirmation that could not even be handed over is tried again after the others."""
_log = logger("delivery.sending")


class Streak:
    """Errors one after the other, counted over all lines of a worker."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self.errors = 0
        self._ours = 0

    def broken(self) -> None:
        """A message was taken: the row of errors ends."""
        with self._lock:
            self.errors = self._ours = 0

    def is_ours(self) -> bool:
        """Count a first try that was refused for our sake; True when it is no single case."""
        with self._lock:
            self._ours = (self._ours + 1) % _OURS_IN_A_ROW
            return self._ours == 0

    def is_too_long(self) -> bool:
        """Count one more error; True, and counting begins anew, when the limit is reached."""
        with self._lock:
            self.errors += 1
            if self.errors < self._limit:
                return False
            self.errors = 0
            return True


class Line:
    """One thread's work. `patient` lines wait between errors; impatient ones are for tests."""

    def __init__(
        self,
        needs: Needs,
        press: Press,
        owner: str,
        *,
        streak: Streak,
        stop: threading.Event,
        patient: bool = True,
    ) -> None:
        self._needs = needs
        self._press = press
        self._owner = owner
        self._streak = streak
        self._stop = stop
        self._patient = patient
        self._connection: Connection | None = None
        self._rest = 0.0

    def round(self) -> bool:
        """Claim a batch and work it off; False when nothing was due.

        Before anybody is claimed, wishes to leave that had met a database out of order are heard.
        """
        delivery = self._needs.settings.delivery
        spool.drain(self._needs.engine, self._needs.settings.home)
        with writing(self._needs.engine) as session:
            batch = claiming.claim(
                session, self._owner, limit=_BATCH, lease_seconds=delivery.lease_seconds
            )
        try:
            for claimed in batch:
                if self._stop.is_set() or not self._handle(claimed):
                    break
        finally:
            if batch:
                self._hand_back(batch)
        rest, self._rest = self._rest, 0.0
        self._wait(rest)
        return bool(batch)

    def hang_up(self) -> None:
        """End the line politely; it is opened again when there is something to send."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _hand_back(self, batch: list[Claimed]) -> None:
        with writing(self._needs.engine) as session:
            claiming.release(session, self._owner, [claimed.id for claimed in batch])

    def _handle(self, claimed: Claimed) -> bool:
        """Deal with one claim; False when the rest of the batch had better wait."""
        mine = errand(self._needs, self._press, claimed)
        recipient = ""
        try:
            with reading(self._needs.engine) as session:
                self._require_wanted(session, mine)
                envelope = mine.envelope(session)
            recipient = envelope.recipient.text
            answer = self._connected().submit(envelope, partial(self._intend, mine))
        except Withdrawn as withdrawn:
            return self._withhold(claimed, withdrawn.reason)
        except ProviderError as error:
            return self._failed(mine, outcomes.cleared(error, recipient))
        except NewsletterError as error:
            return self._not_made(mine, str(error))
        self._streak.broken()
        self._record(claimed, outcomes.accepted(answer, recipient))
        return True

    def _require_wanted(self, session: Session, mine: Errand) -> None:
        if not claiming.is_still_wanted(session, mine.claimed, self._owner):
            raise Withdrawn(None)
        reason = mine.obstacle(session)
        if reason is not None:
            raise Withdrawn(reason)

    def _intend(self, mine: Errand) -> None:
        """Committed when this returns: from here on the message may have gone out."""
        with writing(self._needs.engine) as session:
            reason = mine.obstacle(session)
            if reason is not None:
                raise Withdrawn(reason)
            if not claiming.intend(session, mine.claimed, self._owner):
                raise Withdrawn(None)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._needs.provider.connect()
        return self._connection

    def _withhold(self, claimed: Claimed, reason: str | None) -> bool:
        if reason is not None:
            self._record(claimed, outcomes.withheld(reason))
        return reason is not None

    def _failed(self, mine: Errand, error: ProviderError) -> bool:
        """Nobody is blamed for a line that is not there: the claims go back with the cause."""
        if isinstance(mine, ConfirmationErrand):
            return self._confirmation_failed(mine, error)
        first_try = mine.claimed.attempts == 0
        nobody_there = isinstance(error, NotConnected)
        halts = error.halts or (error.ours and first_try and self._streak.is_ours())
        wait = nobody_there or (halts and error.retry is Retry.LATER)
        outcome = outcomes.waiting(error) if wait else self._judged(mine, error)
        self._record(mine.claimed, outcome)
        if halts:
            return self._stop_all(mine, str(error))
        if not outcomes.counts_against_server(error, first_try=first_try):
            return True
        _log.warning("not_taken", delivery=mine.claimed.id, cause=str(error))
        if self._streak.is_too_long():
            limit = self._needs.settings.delivery.pause_after_errors
            return self._stop_all(mine, f"{limit} errors one after the other, the last: {error}")
        if nobody_there:
            self._rest = line_pause(self._streak.errors)
        return not nobody_there

    def _confirmation_failed(self, mine: ConfirmationErrand, error: ProviderError) -> bool:
        """It steps back behind the others: one whose address upsets the server holds up none."""
        if error.halts or isinstance(error, NotConnected):
            self._record(mine.claimed, outcomes.waiting(error, now() + _STEP_BACK))
            return self._stop_all(mine, str(error))
        self._record(mine.claimed, self._judged(mine, error))
        _log.warning("not_taken", delivery=mine.claimed.id, cause=str(error))
        return True

    def _not_made(self, mine: Errand, reason: str) -> bool:
        if not isinstance(mine, ConfirmationErrand):
            return self._stop_all(mine, reason)
        self._record(mine.claimed, outcomes.not_made(reason, now() + _STEP_BACK))
        _log.error("confirmation_not_made", delivery=mine.claimed.id, reason=reason)
        return True

    def _judged(self, mine: Errand, error: ProviderError) -> Outcome:
        return outcomes.judged(
            error,
            delivery_id=mine.claimed.id,
            attempt=mine.claimed.attempts + 1,
            now=now(),
            deadline=mine.deadline,
        )

    def _stop_all(self, mine: Errand, reason: str) -> bool:
        """See that the others do not meet the same fate; always False."""
        with writing(self._needs.engine) as session:
            mine.stop(session, reason)
        return False

    def _record(self, claimed: Claimed, outcome: Outcome) -> None:
        """Write the outcome down, again while the disk is full or the database away or busy."""
        for left in reversed(range(_RECORD_TRIES)):
            try:
                with writing(self._needs.engine) as session:
                    kept = record(session, claimed, self._owner, outcome, self._needs.provider.name)
                break
            except (ConfigurationError, OperationalError, NoConnectionFree):
                if not left or not self._patient:
                    raise
                self._wait(1.0)
        if not kept:
            _log.warning("outcome_too_late", delivery=claimed.id, outcome=outcome.state)

    def _wait(self, seconds: float) -> None:
        if self._patient and seconds:
            self._stop.wait(seconds)
