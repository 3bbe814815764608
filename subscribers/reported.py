"""What others report of a reader: a complaint, a wish to leave told elsewhere, a dead mailbox.

A report may be old. Who came back by their own deed after what it tells of stays; and an address
that an editor released after it is not barred again by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from subscribers import leaving, suppression
from subscribers.journal import Gone
from subscribers.models import Consent, Subscriber, Subscription, Suppression

UNDELIVERABLE = "undeliverable"
"""A finding over several issues, which is taken back when a message arrived after all."""
HARD_BOUNCE = "hard_bounce"


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a subscription; `gone` is to be noted in the journal after the commit."""

    outcome: Literal["left", "already", "came_back", "unknown"]
    gone: Gone | None = None


def unsubscribed(
    session: Session,
    subscriber_id: int,
    publication_id: int,
    *,
    how: str,
    wording: str,
    at: datetime,
    now: datetime,
) -> Ended:
    """End a subscription, because the reader said so elsewhere (`at`): by mail or to a provider.

    `how` is one word, as a consent has it.
    """
    public_id = session.scalar(select(Subscriber.public_id).where(Subscriber.id == subscriber_id))
    if public_id is None:
        return Ended("unknown")
    if leaving.came_back_since(session, public_id, publication_id, at):
        return Ended("came_back")
    done = leaving.leave(
        session,
        public_id=public_id,
        publication_id=publication_id,
        how=how,
        wording=wording,
        now=now,
    )
    if done != "left":
        return Ended(done)
    return Ended("left", Gone(now, public_id, publication_id, how))


def complained(
    session: Session,
    subscriber_id: int,
    publication_id: int,
    *,
    wording: str,
    at: datetime,
    now: datetime,
) -> Ended:
    """End a subscription at once and bar the address, because our mail was reported as spam.

    No mail follows, not even a farewell. Only the reader's wish lifts the bar.
    """
    ended = unsubscribed(
        session,
        subscriber_id,
        publication_id,
        how="complaint",
        wording=wording,
        at=at,
        now=now,
    )
    index = _index_of(session, subscriber_id)
    if index is not None and ended.outcome != "came_back" and not _released(session, index, at):
        suppression.bar_by_word(session, index, "complaint", now)
    return ended


def dead(session: Session, subscriber_id: int, reason: str, at: datetime, now: datetime) -> bool:
    """Bar an address that no mail reaches, as HARD_BOUNCE or UNDELIVERABLE.

    False when an editor released it since, or nobody is held there any more.
    """
    index = _index_of(session, subscriber_id)
    if index is None or _released(session, index, at):
        return False
    if suppression.suppress(session, index, reason, now) or reason != HARD_BOUNCE:
        return True
    weaker = (Suppression.address_index == index) & (Suppression.reason == UNDELIVERABLE)
    session.execute(update(Suppression).where(weaker).values(reason=reason, at=now))
    return True


def works_again(session: Session, subscriber_id: int) -> bool:
    """Take back the finding that nothing reaches this address; no other bar is touched."""
    index = _index_of(session, subscriber_id)
    if index is None:
        return False
    found = delete(Suppression).where(
        Suppression.address_index == index, Suppression.reason == UNDELIVERABLE
    )
    return session.scalar(found.returning(Suppression.reason)) is not None


def released_at(session: Session, subscriber_id: int) -> datetime | None:
    """When an editor last said that this address may be mailed again."""
    return session.scalar(
        select(func.max(Consent.at))
        .join(Subscription, Subscription.id == Consent.subscription_id)
        .where(Subscription.subscriber_id == subscriber_id, Consent.kind == "released")
    )


def hold(session: Session, subscriber_id: int) -> bool:
    """Let nobody else judge this reader before the transaction ends; False when erased."""
    held = select(Subscriber.id).where(Subscriber.id == subscriber_id)
    return session.scalar(held.with_for_update(key_share=True)) is not None


def _index_of(session: Session, subscriber_id: int) -> bytes | None:
    return session.scalar(select(Subscriber.address_index).where(Subscriber.id == subscriber_id))


def _released(session: Session, index: bytes, at: datetime) -> bool:
    held = select(Subscriber.id).where(Subscriber.address_index == index)
    since = released_at(session, session.scalar(held) or 0)
    return since is not None and since >= at
