"""The desk: mails to one person alone leave here, one by one and beside the issues.

Somebody who just signed up does not wait behind a million, so the desk has a line of its own, open
only while there is something to confirm, or somebody to greet. The intent is written down before
the first byte of the body leaves, and the outcome right after the answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import NewsletterError, ProviderError
from newsletter.core.log import logger
from newsletter.delivery import outcomes, singles, transactional
from newsletter.delivery.crew import Crew, Withdrawn
from newsletter.delivery.outcomes import Outcome
from newsletter.delivery.recording import record_single
from newsletter.delivery.retries import Deadline
from newsletter.delivery.singles import HeldMail
from newsletter.providers.base import Connection, NotConnected

_BATCH = 20
_STEP_BACK = timedelta(minutes=15)
"""What could not even be handed over is tried again after the others."""
_log = logger("delivery.sending")


class Desk:
    """One thread's work on them."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._needs = crew.needs
        self._connection: Connection | None = None

    def round(self) -> bool:
        """Claim some and work them off; False when nothing was due."""
        lease = self._needs.settings.delivery.lease_seconds
        with writing(self._needs.engine) as session:
            held = singles.claim(session, self._crew.owner, limit=_BATCH, lease_seconds=lease)
        try:
            for one in held:
                if self._crew.stop.is_set() or not self._handle(one):
                    break
        finally:
            if held:
                with writing(self._needs.engine) as session:
                    ids = [one.id for one in held]
                    singles.release(session, self._crew.owner, ids)
        return bool(held)

    def hang_up(self) -> None:
        """End the line politely."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _handle(self, held: HeldMail) -> bool:
        """Deal with one; False when the rest had better wait."""
        recipient = ""
        try:
            with reading(self._needs.engine) as session:
                self._require_wanted(session, held)
                envelope = transactional.mail(self._needs, session, held, now())
            recipient = envelope.recipient.text
            answer = self._connected().submit(envelope, partial(self._intend, held))
        except Withdrawn as withdrawn:
            if withdrawn.reason is not None:
                self._record(held, outcomes.withheld(withdrawn.reason))
            return withdrawn.reason is not None
        except ProviderError as error:
            return self._failed(held, outcomes.cleared(error, recipient))
        except NewsletterError as error:
            self._record(held, outcomes.not_made(str(error), now() + _STEP_BACK))
            _log.error("mail_not_made", kind=held.kind, delivery=held.id, reason=str(error))
            return True
        self._crew.streak.broken()
        self._record(held, outcomes.accepted(answer, recipient))
        return True

    def _require_wanted(self, session: Session, held: HeldMail) -> None:
        if not singles.is_still_mine(session, held, self._crew.owner):
            raise Withdrawn(None)
        self._require_no_obstacle(session, held)

    @staticmethod
    def _require_no_obstacle(session: Session, held: HeldMail) -> None:
        reason = transactional.obstacle(session, held, now())
        if reason is not None:
            raise Withdrawn(reason)

    def _intend(self, held: HeldMail) -> None:
        """Committed when this returns: from here on the message may have gone out."""
        with writing(self._needs.engine) as session:
            self._require_no_obstacle(session, held)
            if not singles.intend(session, held, self._crew.owner):
                raise Withdrawn(None)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._needs.provider.connect()
        return self._connection

    def _failed(self, held: HeldMail, error: ProviderError) -> bool:
        """It steps back behind the others: one whose address upsets the server holds up none."""
        if error.halts or isinstance(error, NotConnected):
            self._record(held, outcomes.waiting(error, now() + _STEP_BACK))
            with writing(self._needs.engine) as session:
                transactional.put_off(session)
            _log.error("mails_wait", reason=str(error))
            return False
        self._record(held, self._judged(held, error))
        _log.warning("not_taken", delivery=held.id, cause=str(error))
        return True

    def _judged(self, held: HeldMail, error: ProviderError) -> Outcome:
        return outcomes.judged(
            error,
            delivery_id=held.id,
            attempt=held.attempts + 1,
            now=now(),
            deadline=Deadline(self._last(held), held.expires_at),
        )

    def _last(self, held: HeldMail) -> datetime:
        hours = timedelta(hours=self._needs.settings.delivery.retry_hours)
        return min(held.asked_at + hours, held.expires_at)

    def _record(self, held: HeldMail, outcome: Outcome) -> None:
        """Write the outcome down, again while the disk is full or the database away or busy."""
        name, owner = self._needs.provider.name, self._crew.owner
        kept = self._crew.commit(lambda session: record_single(session, held, owner, outcome, name))
        if not kept:
            _log.warning("outcome_too_late", delivery=held.id, outcome=outcome.state)
