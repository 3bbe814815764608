"""Leaving with one press, and coming back by the reader's own deed only (RFC 8058)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from subscribers.models import Consent, Subscriber, Subscription

Left = Literal["left", "already", "unknown"]
Goodbye = Callable[[Session, Subscription, str, datetime], None]


def leave(
    session: Session,
    *,
    public_id: UUID,
    publication_id: int,
    how: str,
    wording: str,
    now: datetime,
    goodbye: Goodbye | None = None,
) -> Left:
    """Take a reader off for good; `unknown` is somebody who was erased: nothing is left to do.

    However often and in how many requests at once it is asked, it happens once and leaves one
    consent row. `how` is one_click, page or mail. `goodbye` plans a last mail, where one is wanted
    and the reader had any before.
    """
    found = _subscription(session, public_id, publication_id)
    if found is None:
        return "unknown"
    was = found.state
    done = end(session, found.id, how=how, wording=wording, now=now)
    if goodbye is not None and done == "left" and was == "active":
        session.refresh(found)
        goodbye(session, found, how, now)
    return done


def end(
    session: Session, subscription_id: int, *, how: str, wording: str, now: datetime
) -> Literal["left", "already"]:
    """End one subscription, by the reader's or an editor's word."""
    values = {"state": "ended", "ended_at": now, "ended_reason": how}
    if not _moved(session, subscription_id, Subscription.state != "ended", values):
        return "already"
    _prove(session, subscription_id, Consent(kind="withdrawn", how=how, wording=wording, at=now))
    return "left"


def came_back_since(session: Session, public_id: UUID, publication_id: int, at: datetime) -> bool:
    """Whether a reader asked for mail again, by their own deed, after an earlier wish to leave."""
    later = (
        select(Consent.id)
        .join(Subscription, Subscription.id == Consent.subscription_id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(
            Subscriber.public_id == public_id,
            Subscription.publication_id == publication_id,
            (Consent.how == "form") | ((Consent.how == "page") & (Consent.kind == "given")),
            Consent.at > at,
        )
    )
    return session.scalar(later.limit(1)) is not None


def _subscription(session: Session, public_id: UUID, publication_id: int) -> Subscription | None:
    return session.scalar(
        select(Subscription)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(Subscriber.public_id == public_id, Subscription.publication_id == publication_id)
    )


def _moved(session: Session, subscription_id: int, still: Any, values: dict[str, Any]) -> bool:
    # The state stands in the WHERE, so of fifty presses at once exactly one moves the row.
    result = session.execute(
        update(Subscription).where(Subscription.id == subscription_id, still).values(**values)
    )
    assert isinstance(result, CursorResult)  # noqa: S101
    return result.rowcount == 1


def _prove(session: Session, subscription_id: int, proof: Consent) -> None:
    proof.subscription_id = subscription_id
    session.add(proof)
    session.flush()
