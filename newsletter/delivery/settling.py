"""Settling: an editor decides what becomes of a delivery that was lost sight of, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from newsletter.core.errors import InputError, NotAllowedNow, NotFound
from newsletter.delivery import chunks, fencing
from newsletter.delivery.looked_up import IN_DOUBT
from newsletter.delivery.models import Delivery
from newsletter.delivery.rows import changed
from newsletter.delivery.states import SETTLED_BY_EDITOR, State
from newsletter.editorial.models import Issue
from newsletter.editorial.states import Status
from subscribers import audience

_AT_ONCE = 500


def settle(session: Session, issue: Issue, delivery_id: int, as_: str, now: datetime) -> None:
    """Count an unknown delivery as `submitted`, or plan an unknown or refused one again.

    An unknown one planned again may reach the reader twice: the editor's own risk. A refused
    one gets all its tries anew. An issue that is already `sent` goes on sending for it.
    NotFound, InputError or NotAllowedNow when there is nothing to settle, or when it is to be
    planned for a reader who is suppressed and would only be skipped.
    """
    fencing.alone(session, issue.id)
    session.refresh(issue, with_for_update=True)
    _require_way(as_)
    state = _state_to_settle(session, issue, delivery_id, as_)
    if as_ == State.PLANNED:
        _require_not_suppressed(session, issue, delivery_id)
    values = _settled(issue, as_, now)
    _announce(session, [delivery_id], as_, now)
    chosen = update(Delivery).where(Delivery.id == delivery_id, Delivery.state == state)
    if changed(session, chosen.values(**values)) != 1:
        raise NotAllowedNow(f"delivery {delivery_id} was settled by something else just now")


def suppressed_among_doubtful(session: Session, issue: Issue) -> list[int]:
    """The deliveries in doubt whose readers are suppressed: sent again, they would be skipped."""
    doubtful = (Delivery.issue_id == issue.id) & IN_DOUBT
    chosen = select(Delivery.id, Delivery.subscriber_id).where(doubtful).order_by(Delivery.id)
    return [
        delivery_id
        for delivery_id, reader in session.execute(chosen)
        if audience.standing(session, reader, issue.publication_id) == "suppressed"
    ]


def settle_all(session: Session, issue: Issue, as_: str, now: datetime) -> int:
    """Settle every unknown delivery of an issue alike, as after a restore; returns how many.

    Refused ones are left as they are, and so are those that would only be skipped when they are
    planned again (`suppressed_among_doubtful`). The same errors as `settle`.
    """
    fencing.alone(session, issue.id)
    session.refresh(issue, with_for_update=True)
    _require_way(as_)
    doubtful = (Delivery.issue_id == issue.id) & IN_DOUBT
    found = session.scalars(select(Delivery.id).where(doubtful)).all()
    if not found:
        raise NotFound("delivery", f"issue {issue.number} has no delivery in doubt")
    barred = set(suppressed_among_doubtful(session, issue)) if as_ == State.PLANNED else set()
    wanted = [one for one in found if one not in barred]
    settled = 0
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        _announce(session, some, as_, now)
        chosen = update(Delivery).where(doubtful, Delivery.id.in_(some))
        settled += changed(session, chosen.values(**_settled(issue, as_, now)))
    return settled


def _announce(session: Session, ids: Sequence[int], as_: str, now: datetime) -> None:
    """Tell the chunks, which are locked before their deliveries."""
    if as_ == State.PLANNED:
        chunks.reopen(session, ids, now)
    else:
        chunks.touch(session, ids)


def _require_way(as_: str) -> None:
    if as_ not in SETTLED_BY_EDITOR:
        raise InputError("as", f"'{as_}' is no way to settle; write submitted or planned")


def _settled(issue: Issue, as_: str, now: datetime) -> dict[str, object]:
    """What stands in a settled row; an issue that was done goes on for one planned again."""
    values: dict[str, object] = {"state": State(as_), "owner": None, "changed_at": now}
    values["not_before_at"] = None
    if as_ == State.PLANNED:
        _reopen(issue, now)
        return values | {"reason": None, "answer": None, "attempts": 0}
    return values | {"submitted_at": now}


def _state_to_settle(session: Session, issue: Issue, delivery_id: int, as_: str) -> State:
    state = session.scalar(
        select(Delivery.state).where(Delivery.id == delivery_id, Delivery.issue_id == issue.id)
    )
    if state is None:
        raise NotFound("delivery", f"issue {issue.number} has no delivery {delivery_id}")
    if state == State.REFUSED and as_ == State.SUBMITTED:
        raise NotAllowedNow(
            f"delivery {delivery_id} was refused, so nobody has it; it can only be sent again"
        )
    if state not in (State.UNKNOWN, State.REFUSED):
        raise NotAllowedNow(
            f"delivery {delivery_id} is {state}; only what is unknown or refused can be settled"
        )
    return State(state)


def _require_not_suppressed(session: Session, issue: Issue, delivery_id: int) -> None:
    reader = session.scalar(select(Delivery.subscriber_id).where(Delivery.id == delivery_id))
    if audience.standing(session, reader, issue.publication_id) == "suppressed":
        raise NotAllowedNow(
            f"the reader of delivery {delivery_id} is suppressed, so it would be skipped; lift "
            "that first with 'newsletter subscribers release'"
        )


def _reopen(issue: Issue, now: datetime) -> None:
    """The one way back from `sent`; the table of an issue's life has no other."""
    if issue.status == Status.CANCELLED:
        raise NotAllowedNow(
            f"issue {issue.number} is cancelled and sends nothing more; settle as submitted"
        )
    if issue.status == Status.SENT:
        issue.status, issue.sent_at, issue.changed_at = Status.SENDING, None, now
