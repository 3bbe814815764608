"""What a reader may see and choose about the own subscription: the edition, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from newsletter.core.addresses import Address, mask
from newsletter.core.sealing import Sealer
from subscribers.models import Consent, Subscriber, Subscription

Chosen = Literal["changed", "same", "ended", "unknown"]


@dataclass(frozen=True, slots=True)
class View:
    """What the page may show: no address in full, no history (it may be read over a shoulder)."""

    masked: str
    edition: str
    state: str
    """pending | active | ended"""


def view(session: Session, sealer: Sealer, public_id: UUID, publication_id: int) -> View | None:
    """The reader's own standing; None when the person was erased or never subscribed here."""
    row = session.execute(_held(public_id, publication_id)).one_or_none()
    if row is None:
        return None
    subscription, sealed = row
    masked = mask(Address(sealer.open(sealed)))
    return View(masked, subscription.edition, subscription.state)


def choose(
    session: Session,
    *,
    public_id: UUID,
    publication_id: int,
    edition: str,
    wording: str,
    now: datetime,
) -> Chosen:
    """Store the edition a reader chose; whoever left does not come back by this.

    The caller has checked that the publication has such an edition.
    """
    row = session.execute(_held(public_id, publication_id)).one_or_none()
    if row is None:
        return "unknown"
    subscription: Subscription = row[0]
    if subscription.state == "ended":
        return "ended"
    moved = session.execute(
        update(Subscription)
        .where(
            Subscription.id == subscription.id,
            Subscription.edition != edition,
            Subscription.state != "ended",
        )
        .values(edition=edition)
    )
    assert isinstance(moved, CursorResult)  # noqa: S101
    if not moved.rowcount:
        return "same"
    proof = Consent(kind="changed", how="page", wording=wording, at=now)
    proof.subscription_id = subscription.id
    session.add(proof)
    session.flush()
    return "changed"


def _held(public_id: UUID, publication_id: int) -> Any:
    return (
        select(Subscription, Subscriber.sealed_address)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(Subscriber.public_id == public_id, Subscription.publication_id == publication_id)
    )
