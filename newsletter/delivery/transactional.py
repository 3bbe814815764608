"""Mails to one person alone, of sign-ups and greetings: the delivery table is their outbox too,
apart from the ledger of issues."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from newsletter.core.db import database_now
from newsletter.core.errors import ConfigurationError
from newsletter.core.settings import Settings
from newsletter.delivery import faces, letters, message_ids
from newsletter.delivery.models import Delivery
from newsletter.delivery.needs import Needs
from newsletter.delivery.press import require_reachable
from newsletter.delivery.singles import HeldMail
from newsletter.delivery.states import State
from newsletter.editorial.models import Publication
from newsletter.providers.base import Envelope
from newsletter.rendering.notice import build
from subscribers import greeting, optin
from subscribers.audience import recipient_of
from subscribers.models import Confirmation, Greeting, Subscription

_REST = timedelta(minutes=1)
"""How long confirmations wait for a provider that is not there or lets nobody in."""


def require_open(settings: Settings, publication: Publication) -> None:
    """ConfigurationError while nobody can sign up: no link would lead here, or no sender is set."""
    require_reachable(settings)
    if not publication.sender_address:
        raise ConfigurationError(
            f"'{publication.slug}' has no sender address yet; run "
            "'newsletter publication set sender.address you@example.org'"
        )


def plan(session: Session, confirmation: Confirmation, now: datetime) -> None:
    """Put the mail of a sign-up into the outbox; to be called in the sign-up's own transaction."""
    _plan(session, confirmation, now, confirmation_id=confirmation.id)


def welcome(session: Session, subscription: Subscription, now: datetime) -> None:
    """Put the mail for who has just joined into the outbox, where the publication wants one.

    To be called in the transaction of the press that confirms (`optin.confirm`).
    """
    publication = session.get_one(Publication, subscription.publication_id)
    if publication.welcome_mail and publication.sender_address:
        made = greeting.make(session, subscription, "welcome", now)
        _plan(session, made, now, greeting_id=made.id)


def goodbye(session: Session, subscription: Subscription, how: str, now: datetime) -> None:
    """The same for who has just left by their own deed; off unless the publication wants it.

    To be called in the transaction of the leaving (`leaving.leave`).
    """
    publication = session.get_one(Publication, subscription.publication_id)
    wanted = publication.goodbye_mail and publication.sender_address
    if wanted and greeting.takes_leave(subscription, how):
        made = greeting.make(session, subscription, "goodbye", now)
        _plan(session, made, now, greeting_id=made.id)


def _plan(session: Session, origin: Confirmation | Greeting, now: datetime, **which: int) -> None:
    subscriber_id = select(Subscription.subscriber_id).where(
        Subscription.id == origin.subscription_id
    )
    session.add(
        Delivery(
            subscriber_id=session.scalar(subscriber_id),
            edition=origin.edition,
            state=State.PLANNED,
            changed_at=now,
            **which,
        )
    )
    session.flush()


def obstacle(session: Session, held: HeldMail, now: datetime) -> str | None:
    """Why this mail is no longer wanted; None: it is. To be asked right before it leaves."""
    if held.kind == "confirmation":
        return optin.obstacle(session, held.origin_id, now)
    return greeting.obstacle(session, held.origin_id, now)


def mail(needs: Needs, session: Session, held: HeldMail, now: datetime) -> Envelope:
    """The complete message of a claim. The Message-ID is the same at every attempt.

    ConfigurationError while readers could not follow its links, or when the discreet form that
    its reader chose cannot be made; NotFound after an erasure.
    """
    publication = session.get_one(Publication, held.publication_id)
    require_open(needs.settings, publication)
    to = recipient_of(session, needs.sealer, held.subscriber_id or 0, held.publication_id)
    face = faces.of(needs, publication, hidden=to.discreet or _asked_discreetly(session, held))
    unique = message_ids.unique(needs.ring.index, held.id)
    message = build(
        letters.notice(needs, session, held, publication, face, to),
        needs.theme,
        to=to.address,
        message_id=message_ids.with_domain(unique, face.address),
        date=now,
        text_only=to.text_only and held.kind != "confirmation",
    )
    signs = face.signer if needs.provider.takes_return_path else None
    return Envelope(held.id, face.address, to.address, signs.sign(message) if signs else message)


def _asked_discreetly(session: Session, held: HeldMail) -> bool:
    if held.kind != "confirmation":
        return False
    return session.get_one(Confirmation, held.origin_id).discreet


def put_off(session: Session) -> None:
    """Let all that have not begun to leave wait a little; what waits longer anyway stays so."""
    until = database_now(session) + _REST  # the clock by which they are claimed again
    session.execute(
        update(Delivery)
        .where(
            Delivery.issue_id.is_(None),
            Delivery.state.in_([State.PLANNED, State.CLAIMED]),
            or_(Delivery.not_before_at.is_(None), Delivery.not_before_at < until),
        )
        .values(not_before_at=until)
        .execution_options(synchronize_session=False)
    )


def standing(session: Session) -> dict[str, int]:
    """How many confirmation mails stand where, by state; those of the last days, then forgotten.

    `unknown` ones may have gone out: whoever got none can sign up again a day later.
    """
    return _standing(session, Delivery.confirmation_id.is_not(None))


def greetings_standing(session: Session) -> dict[str, int]:
    """The same of welcomes and goodbyes, of the last month.

    `unknown` ones may have gone out, and nothing is to be done: none is ever sent again.
    """
    return _standing(session, Delivery.greeting_id.is_not(None))


def _standing(session: Session, which: ColumnElement[bool]) -> dict[str, int]:
    rows = session.execute(
        select(Delivery.state, func.count())
        .where(which)
        .group_by(Delivery.state)
        .order_by(Delivery.state)
    )
    return {str(state): int(count) for state, count in rows}
