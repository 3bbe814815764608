"""Settling: an editor decides what a delivery that nobody can be sure of shall count as."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from newsletter.core.errors import InputError, NotAllowedNow, NotFound
from newsletter.delivery.models import Delivery
from newsletter.delivery.rows import changed
from newsletter.delivery.states import SETTLED_BY_EDITOR, State
from newsletter.editorial.models import Issue
from newsletter.editorial.states import Status


def settle(session: Session, issue: Issue, delivery_id: int, as_: str, now: datetime) -> None:
    """Count an unknown delivery as `submitted`, or plan it again, at the editor's own risk.

    Planned again means that the reader may get it twice. An issue that is already `sent` goes
    on sending for it. NotFound, InputError or NotAllowedNow when there is nothing to settle.
    """
    if as_ not in SETTLED_BY_EDITOR:
        raise InputError("as", f"'{as_}' is no way to settle; write submitted or planned")
    session.refresh(issue, with_for_update=True)
    _require_unknown(session, issue, delivery_id)
    if as_ == State.PLANNED:
        _reopen(issue, now)
    statement = (
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == State.UNKNOWN)
        .values(
            state=State(as_),
            owner=None,
            not_before_at=None,
            changed_at=now,
            submitted_at=now if as_ == State.SUBMITTED else None,
        )
    )
    if changed(session, statement) != 1:
        raise NotAllowedNow(f"delivery {delivery_id} was settled by something else just now")


def _require_unknown(session: Session, issue: Issue, delivery_id: int) -> None:
    state = session.scalar(
        select(Delivery.state).where(Delivery.id == delivery_id, Delivery.issue_id == issue.id)
    )
    if state is None:
        raise NotFound("delivery", f"issue {issue.number} has no delivery {delivery_id}")
    if state != State.UNKNOWN:
        raise NotAllowedNow(
            f"delivery {delivery_id} is {state}; only unknown ones have to be settled"
        )


def _reopen(issue: Issue, now: datetime) -> None:
    """The one way back from `sent`; the table of an issue's life has no other."""
    if issue.status == Status.CANCELLED:
        raise NotAllowedNow(
            f"issue {issue.number} is cancelled and sends nothing more; settle as submitted"
        )
    if issue.status == Status.SENT:
        issue.status, issue.sent_at, issue.changed_at = Status.SENDING, None, now
