"""Who subscribes to what: adding, finding, listing, taking off. No word of who reads what.

Whoever left stays away, whatever a file or an editor says: RFC 8058 leaving must last, and
only the reader's own deed (optin.confirm) undoes it. Each change leaves a consent row.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.core.addresses import parse
from newsletter.core.errors import NotFound
from newsletter.core.sealing import Sealer
from subscribers import preferences, suppression
from subscribers.holding import erased_meanwhile, hold, inserted
from subscribers.leaving import Left, end
from subscribers.listing import Row, Wanted, rows
from subscribers.models import Consent, Subscriber, Subscription

Outcome = Literal["new", "subscribed", "updated", "there", "ended", "suppressed"]
"""What adding did: `subscribed` is somebody whose sign-up waited for the press,
`ended` is somebody who left and stays so, `suppressed` a barred address."""


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
    discreet: bool = False,
) -> Outcome:
    """Put an address on a publication's list, or change the edition of one that is there.

    `how` is editor or import, `wording` says in words why this person may be written to
    (GDPR art. 7 §1 asks for a proof). With `keep_edition` whoever is there keeps theirs; an
    edition the reader chose on the preferences page is never changed by an import. `discreet`
    gives the form that shows nothing at first sight; without it whoever has that keeps it.
    InputError says why a text is no address.
    """
    parsed = parse(address)
    index = sealer.blind_index(parsed.lookup)
    if suppression.is_suppressed(session, index):
        return "suppressed"
    subscriber = hold(session, sealer, parsed, index, now)
    proof = Consent(kind="given", how=how, wording=wording, at=now)
    subscription, fresh = _subscribe(session, subscriber, publication_id, edition, now)
    if fresh:
        subscription.discreet = discreet
        return _prove(session, subscription, proof, "new")
    wanted = None if keep_edition else edition
    return _update(session, subscription, proof, wanted, discreet=discreet)


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
    """Everybody of a publication in one list, in the order they came; for few of them.

    `listing.rows` hands out many, and chooses by more than the state.
    """
    return list(rows(session, Wanted(publication_id, state)))


def remove(
    session: Session, sealer: Sealer, publication_id: int, address: str, now: datetime
) -> Left:
    """Take somebody off at an editor's word; NotFound when the address is not on the list."""
    subscriber = find(session, sealer, address)
    held = subscription_of(session, subscriber, publication_id) if subscriber else None
    if held is None:
        raise NotFound("address", "nobody subscribes with this address; see 'subscribers list'")
    return end(session, held.id, how="editor", wording="taken off by an editor", now=now)


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
    session: Session,
    subscription: Subscription,
    proof: Consent,
    edition: str | None,
    *,
    discreet: bool,
) -> Outcome:
    # A reader may be leaving at this instant: look under the row's lock before changing it.
    session.refresh(subscription, with_for_update=True)
    if subscription.state == "ended":
        return "ended"
    if subscription.state == "active":
        if edition in {None, subscription.edition} and (subscription.discreet or not discreet):
            return "there"
        if proof.how == "import" and _chose(session, subscription):
            return "there"
        proof.kind = "changed"
    outcome: Outcome = "updated" if subscription.state == "active" else "subscribed"
    subscription.state = "active"
    subscription.edition = edition or subscription.edition
    subscription.discreet = subscription.discreet or discreet
    return _prove(session, subscription, proof, outcome)


def _chose(session: Session, subscription: Subscription) -> bool:
    own = select(Consent.id).where(
        Consent.subscription_id == subscription.id, preferences.chosen_by_hand()
    )
    return session.scalar(own.limit(1)) is not None


def _prove(
    session: Session, subscription: Subscription, proof: Consent, outcome: Outcome
) -> Outcome:
    proof.subscription_id = subscription.id
    session.add(proof)
    session.flush()
    return outcome
