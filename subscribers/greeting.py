"""A mail of welcome after the press that confirms, of goodbye after leaving: whether it is due.

Planned in the transaction of the deed itself, and asked about again right before it leaves: who
left, came back, was barred or erased meanwhile gets none.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers.models import Greeting, Subscriber, Subscription, Suppression

Kind = Literal["welcome", "goodbye"]
Obstacle = Literal["erased", "suppressed", "unsubscribed", "came_back", "discreet", "expired"]
OWN_WORD = frozenset({"one_click", "page", "mail"})
"""Ways of leaving that are the reader's own deed: a complaint and an editor's are none."""
GOOD_FOR = timedelta(days=1)
"""Later it would only puzzle."""
KEPT = timedelta(days=30)


def make(session: Session, subscription: Subscription, kind: Kind, now: datetime) -> Greeting:
    """One more greeting of this kind, in the deed's own transaction."""
    made = Greeting(
        kind=kind,
        public_id=uuid4(),
        subscription_id=subscription.id,
        edition=subscription.edition,
        created_at=now,
    )
    session.add(made)
    session.flush()
    return made


def takes_leave(subscription: Subscription, how: str) -> bool:
    """Whether a goodbye may follow this leaving, as far as the reader is concerned.

    Nobody who must not be found with such a mail gets one more of them.
    """
    return how in OWN_WORD and not subscription.discreet


def obstacle(session: Session, greeting_id: int, now: datetime) -> Obstacle | None:
    """Why this greeting is no longer to be mailed; None means that it is still wanted."""
    row: Any = session.execute(
        select(Greeting, Subscription, Suppression.reason)
        .join(Subscription, Subscription.id == Greeting.subscription_id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .outerjoin(Suppression, Suppression.address_index == Subscriber.address_index)
        .where(Greeting.id == greeting_id)
    ).one_or_none()
    if row is None:
        return "erased"
    greeting, subscription, barred = row
    if barred is not None:
        return "suppressed"
    if greeting.created_at + GOOD_FOR <= now:
        return "expired"
    wrong = _of_welcome(subscription) if greeting.kind == "welcome" else _of_goodbye(subscription)
    return wrong or ("expired" if _is_outdated(session, greeting) else None)


def _of_welcome(subscription: Subscription) -> Obstacle | None:
    return None if subscription.state == "active" else "unsubscribed"


def _of_goodbye(subscription: Subscription) -> Obstacle | None:
    if subscription.state != "ended":
        return "came_back"
    return "discreet" if subscription.discreet else None


def _is_outdated(session: Session, greeting: Greeting) -> bool:
    """Who left, came back and left again is told once."""
    later = select(Greeting.id).where(
        Greeting.subscription_id == greeting.subscription_id, Greeting.id > greeting.id
    )
    return session.scalar(later.limit(1)) is not None
