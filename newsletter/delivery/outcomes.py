"""What a provider's answer makes of a delivery. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from newsletter.core.errors import ProviderError, Retry
from newsletter.core.log import redact
from newsletter.delivery.retries import Deadline, again, is_hard_bounce
from newsletter.delivery.states import State
from newsletter.providers.base import NotConnected


class Outcome(NamedTuple):
    """The next state of a delivery and why; `hard_bounce` also bars the address for good."""

    state: State
    answer: str | None = None
    reason: str | None = None
    not_before_at: datetime | None = None
    tried: bool = True
    """Counts as an attempt: the provider spoke about this very message."""
    hard_bounce: bool = False


def accepted(answer: str, recipient: str = "") -> Outcome:
    """The provider said yes; its answer is kept without whom it was about."""
    return Outcome(State.SUBMITTED, redact(answer, recipient))


def cleared(error: ProviderError, recipient: str) -> ProviderError:
    """The same error without its recipient, fit for the database and for logs."""
    error.answer = redact(error.answer, recipient)
    error.args = (redact(str(error), recipient),)
    return error


def withheld(reason: str) -> Outcome:
    """Not to be sent after all: unsubscribed, suppressed, erased, pending, expired."""
    return Outcome(State.SKIPPED, reason=reason, tried=False)


def cancelled(outcome: Outcome) -> Outcome:
    """What would be tried again, of an issue that was given up meanwhile."""
    return Outcome(State.SKIPPED, outcome.answer, reason="cancelled", tried=outcome.tried)


def not_begun() -> Outcome:
    """It was let go and never left."""
    return Outcome(State.PLANNED, tried=False)


def paced(reason: str, until: datetime) -> Outcome:
    """Its turn has not come: the pace of a provider or of a receiving domain."""
    return Outcome(State.PLANNED, reason, tried=False, not_before_at=until)


def address_refused(reason: str) -> Outcome:
    """No message can be made for this one address any more; the others are not concerned."""
    return Outcome(State.REFUSED, reason, reason="recipient", tried=False)


def waiting(error: ProviderError, until: datetime | None = None) -> Outcome:
    """Nobody could be served: the delivery waits as it was, and says for what."""
    told = str(error) if isinstance(error, NotConnected) else error.answer or str(error)
    return Outcome(State.PLANNED, redact(told), tried=False, not_before_at=until)


def not_made(reason: str, until: datetime) -> Outcome:
    """The message could not be made: nothing of it was tried, and the cause may be mended."""
    return Outcome(State.PLANNED, redact(reason), tried=False, not_before_at=until)


def judged(
    error: ProviderError, *, delivery_id: int, attempt: int, now: datetime, deadline: Deadline
) -> Outcome:
    """What a provider's no, or silence, means for the delivery on its `attempt`-th try."""
    answer = redact(error.answer or str(error))
    if error.retry is Retry.UNKNOWN:
        return Outcome(State.UNKNOWN, answer)
    if error.halts:
        return waiting(error)
    if error.retry is Retry.NEVER:
        return _refused(error, answer)
    next_at = again(
        attempt=attempt,
        delivery_id=delivery_id,
        answer=answer,
        now=now,
        deadline=deadline,
        asked_seconds=error.wait_seconds,
    )
    if next_at is None:
        return Outcome(State.REFUSED, answer, reason="policy" if error.ours else "gave_up")
    return Outcome(State.PLANNED, answer, not_before_at=next_at)


def _refused(error: ProviderError, answer: str) -> Outcome:
    hard = is_hard_bounce(answer)
    reason = "hard_bounce" if hard else "recipient" if error.recipient else "refused"
    return Outcome(State.REFUSED, answer, reason=reason, hard_bounce=hard)


def counts_against_server(error: ProviderError, *, first_try: bool = True) -> bool:
    """Whether a no adds to the row of errors that pauses an issue.

    What is plainly about one reader does not: a mailbox that does not exist, a server that
    wants this message a little later, or one that had taken others' and still not this one's.
    """
    if error.ours and not first_try:
        return False
    if error.retry is Retry.LATER:
        return not error.recipient
    return not (error.retry is Retry.NEVER and is_hard_bounce(error.answer))
