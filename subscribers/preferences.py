"""What a reader may see and choose about the own subscription; of its history nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from newsletter.core.addresses import Address, mask
from newsletter.core.sealing import Sealer
from subscribers.models import Consent, Subscriber, Subscription

Chosen = Literal["changed", "same", "ended", "unknown"]
PAUSES = (1, 2, 4, 8, 12)
"""Weeks; an exact multiple of seven days, so that a pause of n weeks leaves out n issues."""
_SAME_PRESS = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class View:
    """What the page may show: no address in full, no history (it may be read over a shoulder)."""

    subscriber_id: int
    masked: str
    edition: str
    state: str
    """pending | active | ended"""
    text_only: bool
    discreet: bool
    paused_until_at: datetime | None
    """None also when the pause is over."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What one press of Save asks for."""

    edition: str
    text_only: bool
    pause_weeks: int | None = None
    """One of PAUSES, 0 to go on now, None to leave a pause as it is."""
    discreet: bool | None = None
    """None to leave it as it is: a page that does not offer it takes it from nobody."""


def view(
    session: Session, sealer: Sealer, public_id: UUID, publication_id: int, now: datetime
) -> View | None:
    """The reader's own standing; None when the person was erased or never subscribed here."""
    row = session.execute(_held(public_id, publication_id)).one_or_none()
    if row is None:
        return None
    held, sealed = row
    return View(
        held.subscriber_id,
        mask(Address(sealer.open(sealed))),
        held.edition,
        held.state,
        held.text_only,
        held.discreet,
        _still(held.paused_until_at, now),
    )


def choose(
    session: Session, *, public_id: UUID, publication_id: int, choice: Choice, now: datetime
) -> Chosen:
    """Store what a reader chose, one consent row for each change; `ended` stays ended.

    The caller has checked that the publication has such an edition and that the pause is one of
    PAUSES. Pressing Save twice is one choice: the same pause asked for again within the hour
    does not move its end.
    """
    # Under the row's lock: the reader may be leaving by another link at this moment.
    looked_up = _held(public_id, publication_id).with_for_update(of=Subscription)
    row = session.execute(looked_up.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        return "unknown"
    held: Subscription = row[0]
    if held.state == "ended":
        return "ended"
    said = _changed(held, choice, now)
    for wording in said:
        proof = Consent(kind="changed", how="page", wording=wording, at=now)
        proof.subscription_id = held.id
        session.add(proof)
    session.flush()
    return "changed" if said else "same"


def chosen_by_hand() -> ColumnElement[bool]:
    """Which consents show that readers chose the edition themselves, on the page or at sign-up:
    no file changes it any more."""
    return (Consent.how == "form") | ((Consent.how == "page") & (Consent.kind == "changed"))


def _changed(held: Subscription, choice: Choice, now: datetime) -> list[str]:
    """Apply the choice; what changed, in the words of the proof."""
    said = []
    if held.edition != choice.edition:
        said.append(f"chose the edition {choice.edition} on the preferences page")
        held.edition = choice.edition
    if held.text_only != choice.text_only:
        kind = "text only" if choice.text_only else "text and pictures"
        said.append(f"chose {kind} on the preferences page")
        held.text_only = choice.text_only
    if choice.discreet not in {None, held.discreet}:
        kind = "a mail that shows nothing at first sight" if choice.discreet else "the usual mail"
        said.append(f"chose {kind} on the preferences page")
        held.discreet = bool(choice.discreet)
    until = _until(held, choice.pause_weeks, now)
    if until != _still(held.paused_until_at, now):
        said.append(
            f"paused until {until.isoformat(timespec='minutes')} on the preferences page"
            if until
            else "ended the pause on the preferences page"
        )
        held.paused_until_at = until
    return said


def _until(held: Subscription, weeks: int | None, now: datetime) -> datetime | None:
    current = _still(held.paused_until_at, now)
    if weeks is None:
        return current
    wanted = now + timedelta(weeks=weeks) if weeks else None
    if wanted and current and abs(wanted - current) < _SAME_PRESS:
        return current
    return wanted


def _still(until: datetime | None, now: datetime) -> datetime | None:
    return until if until is not None and until > now else None


def _held(public_id: UUID, publication_id: int) -> Any:
    return (
        select(Subscription, Subscriber.sealed_address)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(Subscriber.public_id == public_id, Subscription.publication_id == publication_id)
    )
