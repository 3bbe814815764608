"""Errands: what has to be known, made and done for a claim, of an issue or of a sign-up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy.orm import Session

from newsletter.core.clock import now
from newsletter.core.errors import NotFound
from newsletter.core.log import logger
from newsletter.delivery import pausing
from newsletter.delivery.claiming import Claimed, HeldConfirmation, HeldIssue
from newsletter.delivery.needs import Needs
from newsletter.delivery.press import Press
from newsletter.delivery.transactional import confirmation_mail, put_off
from newsletter.providers.base import Envelope
from subscribers import optin, spool
from subscribers.audience import public_id_of, recipient_of, standing

_log = logger("delivery.sending")


class Withdrawn(Exception):
    """Raised before the body leaves: not to be sent now. `reason` skips it, None hands it back."""

    def __init__(self, reason: str | None) -> None:
        self.reason = reason
        super().__init__(reason)


class Errand(Protocol):
    """One claim, and all in which an issue's message differs from a confirmation."""

    @property
    def claimed(self) -> Claimed:
        """The delivery."""

    @property
    def deadline(self) -> datetime:
        """Until when a message that is put off is tried again."""

    def obstacle(self, session: Session) -> str | None:
        """Why its reader is not to be written to at this moment; None means yes."""

    def envelope(self, session: Session) -> Envelope:
        """The complete message."""

    def stop(self, session: Session, reason: str) -> None:
        """See to it that no other message of its kind meets the same fate."""


@dataclass(frozen=True, slots=True)
class IssueErrand:
    """An issue's message to one of its audience."""

    needs: Needs
    press: Press
    claimed: HeldIssue

    @property
    def deadline(self) -> datetime:
        """So many hours after the slot."""
        return self.claimed.launched_at + timedelta(hours=self.needs.settings.delivery.retry_hours)

    def obstacle(self, session: Session) -> str | None:
        """What the reader's subscription says, or a wish it has not heard of yet."""
        held = self.claimed
        why = standing(session, held.subscriber_id, held.publication_id)
        if why is not None or held.subscriber_id is None:
            return why or "erased"
        return self._wish(session, held.subscriber_id)

    def _wish(self, session: Session, subscriber_id: int) -> str | None:
        try:
            who = public_id_of(session, subscriber_id)
        except NotFound:
            return "erased"  # since `standing` was asked
        noted = spool.holds(self.needs.settings.home, who, self.claimed.publication_id)
        return "unsubscribed" if noted else None

    def envelope(self, session: Session) -> Envelope:
        """The edition as it was approved, with this reader's own links."""
        held = self.claimed
        if held.subscriber_id is None:
            raise Withdrawn("erased")
        reader = recipient_of(session, self.needs.sealer, held.subscriber_id, held.publication_id)
        return self.press.sheet(session, held.issue_id, held.edition).envelope(
            delivery_id=held.id,
            address=reader.address,
            public_id=reader.public_id,
            date=now(),
            text_only=reader.text_only,
        )

    def stop(self, session: Session, reason: str) -> None:
        """The issue pauses until somebody mended the cause."""
        pausing.pause_sending(session, self.claimed.issue_id, reason, now())
        _log.error("issue_paused", issue=self.claimed.issue_id, reason=reason)


@dataclass(frozen=True, slots=True)
class ConfirmationErrand:
    """The mail of a sign-up."""

    needs: Needs
    claimed: HeldConfirmation

    @property
    def deadline(self) -> datetime:
        """So many hours after the sign-up, and never when its link is out of date."""
        hours = timedelta(hours=self.needs.settings.delivery.retry_hours)
        return min(self.claimed.asked_at + hours, self.claimed.expires_at)

    def obstacle(self, session: Session) -> str | None:
        """Whether it was pressed, ran out or was overtaken by leaving."""
        return optin.obstacle(session, self.claimed.confirmation_id, now())

    def envelope(self, session: Session) -> Envelope:
        """The mail, with the link that confirms."""
        return confirmation_mail(self.needs, session, self.claimed, now())

    def stop(self, session: Session, reason: str) -> None:
        """All that wait are put off together for a while; there is nothing to pause."""
        put_off(session)
        _log.error("confirmations_wait", reason=reason)


def errand(needs: Needs, press: Press, claimed: Claimed) -> Errand:
    """The errand of a claim."""
    if isinstance(claimed, HeldConfirmation):
        return ConfirmationErrand(needs, claimed)
    return IssueErrand(needs, press, claimed)
