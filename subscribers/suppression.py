"""Addresses that are never mailed again, whatever the publication; kept as keyed hashes only."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter.core.errors import NotAllowedNow, NotFound
from subscribers.models import Consent, Subscriber, Subscription, Suppression

READERS_WORD = ("complaint", "unsubscribed", "erased")
"""Reasons that are somebody's wish, not a machine's finding; `unsubscribed` was elsewhere."""


def suppress(session: Session, address_index: bytes, reason: str, now: datetime) -> bool:
    """Bar an address for one of Suppression.reason; False when it was barred before.

    The first reason stays. The row outlives the subscriber: after an erasure it is the only
    trace, and keeps a later import from writing to that person again.
    """
    if is_suppressed(session, address_index):
        return False
    try:
        with session.begin_nested():
            session.add(Suppression(address_index=address_index, reason=reason, at=now))
    except IntegrityError:
        return False
    return True


def suppress_reader(session: Session, subscriber_id: int, reason: str, now: datetime) -> None:
    """Bar the address of a subscriber; who was erased meanwhile is barred already."""
    held = select(Subscriber.address_index).where(Subscriber.id == subscriber_id)
    index = session.scalar(held)
    if index is not None:
        suppress(session, index, reason, now)


def bar_by_word(session: Session, address_index: bytes, reason: str, now: datetime) -> None:
    """Bar an address by the reader's own word (READERS_WORD), also one a machine had barred.

    A hard bounce can be lifted by an editor alone; what the reader asked for cannot, so it
    takes the place of a machine's reason, and never the other way round.
    """
    if suppress(session, address_index, reason, now):
        return
    by_machine = (Suppression.address_index == address_index) & Suppression.reason.not_in(
        READERS_WORD
    )
    session.execute(update(Suppression).where(by_machine).values(reason=reason, at=now))


def bar(session: Session, address_index: bytes, reason: str, now: datetime) -> None:
    """Bar an address, by the reader's own word where the reason is one."""
    if reason in READERS_WORD:
        bar_by_word(session, address_index, reason, now)
    else:
        suppress(session, address_index, reason, now)


def is_suppressed(session: Session, address_index: bytes) -> bool:
    """Whether this address (its blind index) is barred."""
    barred = select(Suppression.reason).where(Suppression.address_index == address_index)
    return session.scalar(barred) is not None


def barred(session: Session, address_index: bytes) -> Suppression | None:
    """Why and since when an address is barred; None when it is not."""
    return session.get(Suppression, address_index, populate_existing=True)


def release(
    session: Session, address_index: bytes, *, why: str, asked: bool, now: datetime
) -> Suppression:
    """Lift the bar on an address at an editor's word; returns what was lifted.

    A complaint, an erasure and leaving elsewhere are the reader's own word, so only `asked`
    (they asked for mail again) lifts them. Nobody is subscribed by it: who left stays away, and
    each subscription there is keeps a consent row with `why`. NotFound when the address
    is not barred.
    """
    found = barred(session, address_index)
    if found is None:
        raise NotFound("address", "this address is not suppressed; there is nothing to release")
    if found.reason in READERS_WORD and not asked:
        raise NotAllowedNow(
            f"this address is suppressed by the reader's own word ({found.reason}); release it "
            "only when they asked for mail again, and then with --yes-they-asked"
        )
    session.delete(found)
    held = select(Subscription.id).join(Subscriber).where(Subscriber.address_index == address_index)
    wording = f"the suppression ({found.reason}) was lifted: {why}"
    for subscription_id in session.scalars(held).all():
        row = Consent(kind="released", how="editor", wording=wording, at=now)
        row.subscription_id = subscription_id
        session.add(row)
    session.flush()
    return found


def index_of(session: Session, subscriber_id: int) -> bytes:
    """The blind index of a subscriber, for suppressing whom a server refuses; or NotFound."""
    found = session.scalar(select(Subscriber.address_index).where(Subscriber.id == subscriber_id))
    if found is None:
        raise NotFound("subscriber", f"there is no subscriber {subscriber_id} (any more)")
    return found
