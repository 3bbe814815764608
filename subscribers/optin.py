"""Signing up: what is asked for on the form counts only when the mail's button was pressed.

Yahoo's sender rules and Spamhaus ask for this; GDPR art. 7 §1 for the proof, which is made of
the words on the form and the words of the button, each with its instant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

from sqlalchemy import CursorResult, Select, select, update
from sqlalchemy.orm import Session

from newsletter.core.addresses import Address, mask
from newsletter.core.sealing import Sealer
from subscribers import brakes, suppression
from subscribers.holding import erased_meanwhile, hold, inserted
from subscribers.models import Confirmation, Consent, Subscriber, Subscription, Suppression

Pressed = Literal["confirmed", "already", "expired", "suppressed", "unknown"]
Plan = Callable[[Session, Confirmation, datetime], None]
Welcome = Callable[[Session, Subscription, datetime], None]
Obstacle = Literal["erased", "suppressed", "unsubscribed", "confirmed", "expired"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How many confirmations an address and the whole service may cause, and their validity."""

    per_address_day: int
    per_address_month: int
    per_service_hour: int
    valid_days: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the page behind a confirmation link may show."""

    edition: str
    state: Literal["waiting", "used", "expired"]
    sealed_address: bytes
    discreet: bool

    def masked(self, sealer: Sealer) -> str:
        """The address as far as a forwarded mail may show it: r***@e***."""
        return mask(Address(sealer.open(self.sealed_address)))


def subscribe(
    session: Session,
    sealer: Sealer,
    *,
    publication_id: int,
    address: Address,
    edition: str,
    wording: str,
    limits: Limits,
    now: datetime,
    plan: Plan | None = None,
    discreet: bool = False,
) -> Confirmation | None:
    """Take a sign-up from the form; `plan` mails the confirmation in the same transaction.

    None: nothing is to be mailed, because the address is suppressed or the brakes hold. The
    caller answers the same words either way, and nobody can tell a known address from a new one:
    all is written then as well, and undone. Nothing changes for whoever is subscribed or has left
    before the press. An earlier link that nobody pressed stays good until it expires. `wording`
    is what stood on the form. `discreet`: the mail shall show nothing at first sight, this one
    too; who has chosen that before keeps it whatever the form says.
    """
    index = sealer.blind_index(address.lookup)
    allowed = _allowed(session, mark_of(sealer, address), limits, now)
    barred = suppression.is_suppressed(session, index)
    with session.begin_nested() as attempt:
        subscriber = hold(session, sealer, address, index, now)
        held = _subscription(session, subscriber.id, publication_id, edition, now)
        asked = _asked_for(held, edition, wording, now, limits)
        asked.discreet = discreet or held.discreet
        session.add(asked)
        session.flush()
        if plan is not None:
            plan(session, asked, now)
        if barred or not allowed:
            attempt.rollback()
            return None
    return asked


def _allowed(session: Session, mark: bytes, limits: Limits, now: datetime) -> bool:
    """Whether the brakes let one more mail out; they count either way."""
    return brakes.allow(
        session,
        mark,
        now,
        per_day=limits.per_address_day,
        per_month=limits.per_address_month,
        per_hour=limits.per_service_hour,
    )


def _asked_for(
    held: Subscription, edition: str, wording: str, now: datetime, limits: Limits
) -> Confirmation:
    return Confirmation(
        public_id=uuid4(),
        subscription_id=held.id,
        edition=edition,
        wording=wording,
        created_at=now,
        expires_at=now + timedelta(days=limits.valid_days),
    )


def mark_of(sealer: Sealer, address: Address) -> bytes:
    """Under which the brakes know an address; made for this use alone."""
    return sealer.mark("signup", address.lookup)


def _subscription(
    session: Session, subscriber_id: int, publication_id: int, edition: str, now: datetime
) -> Subscription:
    """The standing there is, untouched, or a pending one."""
    held = select(Subscription).where(
        Subscription.subscriber_id == subscriber_id, Subscription.publication_id == publication_id
    )
    known = session.scalar(held)
    if known is not None:
        return known
    made = Subscription(
        subscriber_id=subscriber_id,
        publication_id=publication_id,
        state="pending",
        edition=edition,
        created_at=now,
    )
    if inserted(session, made):
        return made
    other = session.scalar(held)
    if other is None:
        raise erased_meanwhile()
    return other


def waiting(
    session: Session, public_id: UUID, publication_id: int, now: datetime
) -> Waiting | None:
    """What a confirmation link stands for; None when it was forgotten. Changes nothing."""
    row = session.execute(_asked(public_id, publication_id)).one_or_none()
    if row is None:
        return None
    confirmation, subscription, subscriber, _ = row
    state: Literal["waiting", "used", "expired"] = "waiting"
    if confirmation.used_at is not None:
        state = "used"
    elif _is_void(confirmation, subscription, now):
        state = "expired"
    hidden = confirmation.discreet or subscription.discreet
    return Waiting(confirmation.edition, state, subscriber.sealed_address, hidden)


def confirm(
    session: Session,
    *,
    public_id: UUID,
    publication_id: int,
    wording: str,
    now: datetime,
    welcome: Welcome | None = None,
) -> Pressed:
    """The press: the reader gets the edition asked for. Happens once, of however many presses.

    `wording` is what stood on the button. Whoever left comes back by this and nothing else,
    except by a link from before they left. `suppressed` is an address that is never mailed
    again; `unknown` a sign-up that was forgotten or erased: nothing changes then. `welcome` plans
    the mail for whoever is new or came back by this press, not for who only changed an edition.
    """
    row = session.execute(_asked(public_id, publication_id)).one_or_none()
    if row is None:
        return "unknown"
    confirmation, barred = row[0], row[3]
    subscription = _locked(session, confirmation.subscription_id)
    if subscription is None:
        return "unknown"
    refused = _refusal(confirmation, subscription, barred, now)
    if refused is not None:
        return refused
    if not _used(session, confirmation.id, now):
        return "already"
    joins = subscription.state != "active"
    _activate(session, subscription, confirmation, wording, now)
    if joins and welcome is not None:
        welcome(session, subscription, now)
    return "confirmed"


def _refusal(
    confirmation: Confirmation, subscription: Subscription, barred: str | None, now: datetime
) -> Pressed | None:
    if confirmation.used_at is not None:
        return "already"
    if _is_void(confirmation, subscription, now):
        return "expired"
    return "suppressed" if barred is not None else None


def _with_standing() -> Select[Confirmation, Subscription, Subscriber, str | None]:
    return (
        select(Confirmation, Subscription, Subscriber, Suppression.reason)
        .join(Subscription, Subscription.id == Confirmation.subscription_id)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .outerjoin(Suppression, Suppression.address_index == Subscriber.address_index)
    )


def _asked(
    public_id: UUID, publication_id: int
) -> Select[Confirmation, Subscription, Subscriber, str | None]:
    return _with_standing().where(
        Confirmation.public_id == public_id, Subscription.publication_id == publication_id
    )


def _locked(session: Session, subscription_id: int) -> Subscription | None:
    """A reader may be leaving, or being erased, at this very instant: look under the row's lock."""
    held = select(Subscription).where(Subscription.id == subscription_id).with_for_update()
    return session.scalar(held.execution_options(populate_existing=True))


def _is_void(confirmation: Confirmation, subscription: Subscription, now: datetime) -> bool:
    """Out of date; leaving outranks what was asked for before it."""
    return confirmation.expires_at <= now or _left_since(confirmation, subscription)


def _left_since(confirmation: Confirmation, subscription: Subscription) -> bool:
    left = subscription.ended_at if subscription.state == "ended" else None
    return left is not None and left >= confirmation.created_at


def _used(session: Session, confirmation_id: int, now: datetime) -> bool:
    # The state stands in the WHERE, so of fifty presses at once exactly one moves the row.
    unused = Confirmation.id == confirmation_id, Confirmation.used_at.is_(None)
    moved = session.execute(update(Confirmation).where(*unused).values(used_at=now))
    assert isinstance(moved, CursorResult)  # noqa: S101
    return moved.rowcount == 1


def _activate(
    session: Session,
    subscription: Subscription,
    confirmation: Confirmation,
    button: str,
    now: datetime,
) -> None:
    kind = "changed" if subscription.state == "active" else "given"
    subscription.state, subscription.edition = "active", confirmation.edition
    subscription.discreet = subscription.discreet or confirmation.discreet
    subscription.ended_at = subscription.ended_reason = subscription.paused_until_at = None
    proof = Consent(kind=kind, how="form", wording=_proof(confirmation, button, now), at=now)
    proof.subscription_id = subscription.id
    session.add(proof)
    session.flush()


def _proof(confirmation: Confirmation, button: str, now: datetime) -> str:
    asked, pressed = (at.isoformat(timespec="seconds") for at in (confirmation.created_at, now))
    return f"form, {asked}: {confirmation.wording}\nbutton, {pressed}: {button}"


def obstacle(session: Session, confirmation_id: int, now: datetime) -> Obstacle | None:
    """Why this confirmation is no longer to be mailed; None means that it is still wanted.

    To be asked right before the message is submitted, as `audience.standing` is for issues.
    """
    wanted = _with_standing().where(Confirmation.id == confirmation_id)
    row = session.execute(wanted).one_or_none()
    if row is None:
        return "erased"
    confirmation, subscription, _, barred = row
    if barred is not None:
        return "suppressed"
    if _left_since(confirmation, subscription):
        return "unsubscribed"
    if confirmation.used_at is not None:
        return "confirmed"
    return "expired" if confirmation.expires_at <= now else None
