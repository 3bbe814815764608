"""Confirmation mails: the delivery table is their outbox too, apart from the ledger of issues."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from newsletter.core.db import database_now
from newsletter.core.errors import ConfigurationError
from newsletter.core.settings import Settings
from newsletter.core.tokens import Claim, Purpose
from newsletter.delivery import message_ids
from newsletter.delivery.confirmations import HeldConfirmation
from newsletter.delivery.models import Delivery
from newsletter.delivery.needs import Needs
from newsletter.delivery.press import require_reachable
from newsletter.delivery.states import State
from newsletter.editorial import edition_codes
from newsletter.editorial.models import Publication
from newsletter.providers.base import Envelope
from newsletter.rendering import dkim_keys
from newsletter.rendering.notice import Notice, build
from subscribers.audience import address_of
from subscribers.models import Confirmation, Subscription

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
    subscriber_id = select(Subscription.subscriber_id).where(
        Subscription.id == confirmation.subscription_id
    )
    session.add(
        Delivery(
            confirmation_id=confirmation.id,
            subscriber_id=session.scalar(subscriber_id),
            edition=confirmation.edition,
            state=State.PLANNED,
            changed_at=now,
        )
    )
    session.flush()


def confirmation_mail(
    needs: Needs, session: Session, held: HeldConfirmation, now: datetime
) -> Envelope:
    """The complete message of a claim. The Message-ID is the same at every attempt.

    ConfigurationError while readers could not follow its link, NotFound after an erasure.
    """
    publication = session.get_one(Publication, held.publication_id)
    require_open(needs.settings, publication)
    address = address_of(session, needs.sealer, held.subscriber_id or 0)
    unique = message_ids.unique(needs.ring.index, held.id)
    message = build(
        _notice(needs, session, held, publication),
        needs.theme,
        to=address,
        message_id=message_ids.with_domain(unique, publication.sender_address),
        date=now,
    )
    signer = dkim_keys.signer(needs.settings) if needs.provider.takes_return_path else None
    signed = signer.sign(message) if signer else message
    return Envelope(held.id, publication.sender_address, address, signed)


def _notice(
    needs: Needs, session: Session, held: HeldConfirmation, publication: Publication
) -> Notice:
    """Whatever language was given up since the sign-up, a part remains that can be read."""
    there = publication.languages
    parts = tuple((edition_codes.remaining(there, held.edition) or "+".join(there)).split("+"))
    named = {code: publication.names.get(code) or publication.slug for code in parts}
    confirmation = session.get_one(Confirmation, held.confirmation_id)
    claim = Claim(confirmation.public_id, publication.id, Purpose.CONFIRM)
    return Notice(
        languages=parts,
        names=named,
        sender_name=publication.sender_names.get(parts[0]) or named[parts[0]],
        sender_address=publication.sender_address,
        reply_to=publication.reply_to,
        link=f"{needs.settings.links_url}/c/{needs.signer.sign(claim)}",
        days=max(1, (held.expires_at - held.asked_at).days),
    )


def put_off(session: Session) -> None:
    """Let all that have not begun to leave wait a little; what waits longer anyway stays so."""
    until = database_now(session) + _REST  # the clock by which they are claimed again
    session.execute(
        update(Delivery)
        .where(
            Delivery.confirmation_id.is_not(None),
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
    rows = session.execute(
        select(Delivery.state, func.count())
        .where(Delivery.confirmation_id.is_not(None))
        .group_by(Delivery.state)
        .order_by(Delivery.state)
    )
    return {str(state): int(count) for state, count in rows}
