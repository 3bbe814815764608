"""Sending: one line to the provider working off claims, one message after the other.

For each message: look again whether the reader still wants it; hand it over; write down the
intent before the first byte of the body leaves, and the outcome right after the answer. A kill
at any point leaves the row telling the truth.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.orm import Session

from newsletter.core.addresses import Address
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import ConfigurationError, NewsletterError, ProviderError, Retry
from newsletter.core.log import logger
from newsletter.delivery import claiming, outcomes, pausing
from newsletter.delivery.claiming import Claimed
from newsletter.delivery.needs import Needs
from newsletter.delivery.outcomes import Outcome
from newsletter.delivery.press import Press, Sheet
from newsletter.delivery.recording import record
from newsletter.delivery.retries import line_pause
from newsletter.providers.base import Connection, NotConnected
from subscribers.audience import address_of, public_id_of, standing

_BATCH = 20
_RECORD_TRIES = 5
_OURS_IN_A_ROW = 2
"""First tries refused for our sake (5.7.x) after which nobody else is tried."""
_log = logger("delivery.sending")


class Withdrawn(Exception):
    """Raised before the body leaves: not to be sent now. `reason` skips it, None hands it back."""

    def __init__(self, reason: str | None) -> None:
        self.reason = reason
        super().__init__(reason)


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


@dataclass(frozen=True, slots=True)
class _Ready:
    sheet: Sheet
    address: Address
    public_id: UUID


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
        """Claim a batch and work it off; False when nothing was due."""
        delivery = self._needs.settings.delivery
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
        try:
            with reading(self._needs.engine) as session:
                ready = self._look(session, claimed)
            envelope = ready.sheet.envelope(
                delivery_id=claimed.id,
                address=ready.address,
                public_id=ready.public_id,
                date=now(),
            )
            connection = self._connected()
            answer = connection.submit(envelope, partial(self._intend, claimed))
        except Withdrawn as withdrawn:
            return self._withhold(claimed, withdrawn.reason)
        except ProviderError as error:
            return self._failed(claimed, error)
        except NewsletterError as error:
            self._pause(claimed, str(error))
            return False
        self._streak.broken()
        self._record(claimed, outcomes.accepted(answer))
        return True

    def _look(self, session: Session, claimed: Claimed) -> _Ready:
        if not claiming.is_still_wanted(session, claimed, self._owner):
            raise Withdrawn(None)
        reason = standing(session, claimed.subscriber_id, claimed.publication_id)
        if reason is not None or claimed.subscriber_id is None:
            raise Withdrawn(reason or "erased")
        return _Ready(
            sheet=self._press.sheet(session, claimed.issue_id, claimed.edition),
            address=address_of(session, self._needs.sealer, claimed.subscriber_id),
            public_id=public_id_of(session, claimed.subscriber_id),
        )

    def _intend(self, claimed: Claimed) -> None:
        """Committed when this returns: from here on the message may have gone out."""
        with writing(self._needs.engine) as session:
            reason = standing(session, claimed.subscriber_id, claimed.publication_id)
            if reason is not None:
                raise Withdrawn(reason)
            if not claiming.intend(session, claimed, self._owner):
                raise Withdrawn(None)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._needs.provider.connect()
        return self._connection

    def _withhold(self, claimed: Claimed, reason: str | None) -> bool:
        if reason is not None:
            self._record(claimed, outcomes.withheld(reason))
        return reason is not None

    def _failed(self, claimed: Claimed, error: ProviderError) -> bool:
        """Nobody is blamed for a line that is not there: the claims go back with the cause."""
        first_try = claimed.attempts == 0
        nobody_there = isinstance(error, NotConnected)
        halts = error.halts or (error.ours and first_try and self._streak.is_ours())
        wait = nobody_there or (halts and error.retry is Retry.LATER)
        self._record(claimed, outcomes.waiting(error) if wait else self._judged(claimed, error))
        if halts:
            self._pause(claimed, str(error))
            return False
        if not outcomes.counts_against_server(error, first_try=first_try):
            return True
        _log.warning("not_taken", delivery=claimed.id, cause=str(error))
        if self._streak.is_too_long():
            limit = self._needs.settings.delivery.pause_after_errors
            self._pause(claimed, f"{limit} errors one after the other, the last: {error}")
            return False
        if nobody_there:
            self._rest = line_pause(self._streak.errors)
        return not nobody_there

    def _judged(self, claimed: Claimed, error: ProviderError) -> Outcome:
        hours = self._needs.settings.delivery.retry_hours
        return outcomes.judged(
            error,
            delivery_id=claimed.id,
            attempt=claimed.attempts + 1,
            now=now(),
            deadline=claimed.launched_at + timedelta(hours=hours),
        )

    def _pause(self, claimed: Claimed, reason: str) -> None:
        with writing(self._needs.engine) as session:
            pausing.pause_sending(session, claimed.issue_id, reason, now())
        _log.error("issue_paused", issue=claimed.issue_id, reason=reason)

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
