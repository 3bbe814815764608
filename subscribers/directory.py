"""Who subscribes to what: adding, finding, listing, taking off. No word of who reads what.

Whoever left stays away, whatever a file or an editor says: RFC 8058 leaving must last, and
only the reader's own deed (leaving.come_back) undoes it. Each change leaves a consent row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from newsletter.core.addresses import Address, parse
from newsletter.core.errors import NotFound
from newsletter.core.sealing import Sealer
from subscribers import suppression
from subscribers.holding import erased_meanwhile, hold, inserted
from subscribers.leaving import Left, end
from subscribers.models import Consent, Subscriber, Subscription, Suppression

Outcome = Literal["new", "there", "updated", "ended", "suppressed"]
"""What adding did: `ended` is somebody who left and stays so, `suppressed` a barred address."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list of subscribers; the address stays sealed until somebody needs it."""

    subscriber_id: int
    public_id: UUID
    sealed_address: bytes
    state: str
    """pending | active | ended"""
    edition: str
    barred: str | None
    """Why this address is never mailed (hard_bounce, complaint, manual, erased), or None."""
    barred_at: datetime | None
    since: datetime
    ended_at: datetime | None

    def address(self, sealer: Sealer) -> Address:
        """The address itself; show it masked (core.addresses.mask) unless somebody asks."""
        return Address(sealer.open(self.sealed_address))


def add(
    session: Session,
    sealer: Sealer,
    *,
    publication_id: int,
    address: str,
    edition: str,
    how: str,
    wording: str,
    now: datetime,
    keep_edition: bool = False,
) -> Outcome:
    """Put an address on a publication's list, or change the edition of one that is there.

    `how` is editor or import, `wording` says in words why this person may be written to
    (GDPR art. 7 §1 asks for a proof). With `keep_edition` whoever is there keeps theirs; an
    edition the reader chose on the preferences page is never changed by an import. InputError
    says why a text is no address.
    """
    parsed = parse(address)
    index = sealer.blind_index(parsed.lookup)
    if suppression.is_suppressed(session, index):
        return "suppressed"
    subscriber = hold(session, sealer, parsed, index, now)
    proof = Consent(kind="given", how=how, wording=wording, at=now)
    subscription, fresh = _subscribe(session, subscriber, publication_id, edition, now)
    if fresh:
        return _prove(session, subscription, proof, "new")
    return _update(session, subscription, proof, None if keep_edition else edition)


def find(session: Session, sealer: Sealer, address: str) -> Subscriber | None:
    """Whom we hold under this address, found without opening any; None for nobody."""
    index = sealer.blind_index(parse(address).lookup)
    return _by_index(session, index)


def subscription_of(
    session: Session, subscriber: Subscriber, publication_id: int
) -> Subscription | None:
    """This person's standing with this publication."""
    return session.scalar(
        select(Subscription).where(
            Subscription.subscriber_id == subscriber.id,
            Subscription.publication_id == publication_id,
        )
    )


def listing(session: Session, publication_id: int, state: str | None = None) -> list[Row]:
    """Everybody of a publication, in the order they came; `state` keeps one kind only.

    `suppressed` is a kind too: whoever is barred, also when they left before; active and
    pending are those who are not barred.
    """
    wanted = (
        select(Subscriber, Subscription, Suppression.reason, Suppression.at)
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .outerjoin(Suppression, Suppression.address_index == Subscriber.address_index)
        .where(Subscription.publication_id == publication_id)
        .order_by(Subscription.id)
    )
    barred = Suppression.address_index.is_not(None)
    if state == "suppressed":
        wanted = wanted.where(barred)
    elif state is not None:
        wanted = wanted.where(Subscription.state == state)
    if state in ("active", "pending"):
        wanted = wanted.where(~barred)
    return [
        Row(
            person.id,
            person.public_id,
            person.sealed_address,
            held.state,
            held.edition,
            reason,
            barred_at,
            held.created_at,
            held.ended_at,
        )
        for person, held, reason, barred_at in session.execute(wanted)
    ]


def remove(
    session: Session, sealer: Sealer, publication_id: int, address: str, now: datetime
) -> Left:
    """Take somebody off at an editor's word; NotFound when the address is not on the list."""
    subscriber = find(session, sealer, address)
    held = subscription_of(session, subscriber, publication_id) if subscriber else None
    if held is None:
        raise NotFound("address", "nobody subscribes with this address; see 'subscribers list'")
    return end(session, held.id, how="editor", wording="taken off by an editor", now=now)


def counts(session: Session, publication_id: int) -> dict[str, int]:
    """How many are active, pending, ended; `suppressed` are counted apart from the active."""
    kind = case(
        (Subscription.state == "ended", "ended"),
        (Suppression.address_index.is_not(None), "suppressed"),
        else_=Subscription.state,
    ).label("kind")
    rows = session.execute(
        select(kind, func.count())
        .select_from(Subscription)
        .join(Subscriber, Subscription.subscriber_id == Subscriber.id)
        .outerjoin(Suppression, Suppression.address_index == Subscriber.address_index)
        .where(Subscription.publication_id == publication_id)
        .group_by(kind)
    )
    found = {str(name): int(number) for name, number in rows}
    return {name: found.get(name, 0) for name in ("active", "pending", "ended", "suppressed")}


def _by_index(session: Session, index: bytes) -> Subscriber | None:
    return session.scalar(select(Subscriber).where(Subscriber.address_index == index))


def _subscribe(
    session: Session, subscriber: Subscriber, publication_id: int, edition: str, now: datetime
) -> tuple[Subscription, bool]:
    known = subscription_of(session, subscriber, publication_id)
    if known is not None:
        return known, False
    made = Subscription(
        subscriber_id=subscriber.id,
        publication_id=publication_id,
        state="active",
        edition=edition,
        created_at=now,
    )
    if inserted(session, made):
        return made, True
    other = subscription_of(session, subscriber, publication_id)
    if other is None:
        raise erased_meanwhile()
    return other, False


def _update(
    session: Session, subscription: Subscription, proof: Consent, edition: str | None
) -> Outcome:
    # A reader may be leaving at this instant: look under the row's lock before changing it.
    session.refresh(subscription, with_for_update=True)
    if subscription.state == "ended":
        return "ended"
    if subscription.state == "active":
        if edition in {None, subscription.edition}:
            return "there"
        if proof.how == "import" and _chose(session, subscription):
            return "there"
        proof.kind = "changed"
    subscription.state = "active"
    subscription.edition = edition or subscription.edition
    return _prove(session, subscription, proof, "updated")


def _chose(session: Session, subscription: Subscription) -> bool:
    own = select(Consent.id).where(
        Consent.subscription_id == subscription.id, Consent.how == "page", Consent.kind == "changed"
    )
    return session.scalar(own.limit(1)) is not None


def _prove(
    session: Session, subscription: Subscription, proof: Consent, outcome: Outcome
) -> Outcome:
    proof.subscription_id = subscription.id
    session.add(proof)
    session.flush()
    return outcome
