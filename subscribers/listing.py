"""Who stands on a list, by state, language and age of consent; a million of them in flat memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal, select
from sqlalchemy.orm import Session

from newsletter.core.addresses import Address
from newsletter.core.sealing import Sealer
from subscribers.models import Consent, Subscriber, Subscription, Suppression

STATES = ("active", "pending", "ended", "suppressed")
"""`suppressed` is a kind too: whoever is barred, also when they left before."""
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom of a publication to list; what is None leaves nobody out."""

    publication_id: int
    state: str | None = None
    """One of STATES; active and pending are those who are not barred."""
    edition: str | None = None
    """Exactly this edition: en+my is neither en nor my."""
    language: str | None = None
    """Every edition that holds this language."""
    consent_before: datetime | None = None
    """The newest agreement is older than this; who never agreed (pending) is left out."""
    consent_after: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list of subscribers; the address stays sealed until somebody needs it."""

    subscriber_id: int
    public_id: UUID
    sealed_address: bytes
    state: str
    """pending | active | ended"""
    edition: str
    text_only: bool
    discreet: bool
    paused_until_at: datetime | None
    barred: str | None
    """Why this address is never mailed (Suppression.reason), or None."""
    barred_at: datetime | None
    since: datetime
    ended_at: datetime | None
    consent_how: str | None
    """The newest agreement: how it was given and when; None while nobody agreed (pending)."""
    consent_at: datetime | None

    @property
    def kind(self) -> str:
        """The state as it is shown, one of STATES."""
        return "suppressed" if self.barred else self.state

    @property
    def kind_since(self) -> datetime:
        """Since when that is so."""
        return self.barred_at or self.ended_at or self.since

    def address(self, sealer: Sealer) -> Address:
        """The address itself; show it masked (core.addresses.mask) unless somebody asks."""
        return Address(sealer.open(self.sealed_address))


def rows(session: Session, wanted: Wanted, limit: int | None = None) -> Iterator[Row]:
    """Everybody wanted, in the order they came, as the database hands them out.

    One statement, so that it is one instant; nothing is held but the batch under way. Take
    them while the transaction is open.
    """
    query = _chosen(wanted, *_columns()).order_by(Subscription.subscriber_id).limit(limit)
    for found in session.execute(query.execution_options(yield_per=_BATCH)):
        yield Row(*found)


def count(session: Session, wanted: Wanted) -> int:
    """How many `rows` gives without a limit."""
    return session.scalar(_chosen(wanted, func.count())) or 0


def counts(session: Session, publication_id: int) -> dict[str, int]:
    """How many stand in each of STATES; whoever left counts as ended, barred or not."""
    return {kind: sum(found.values()) for kind, found in census(session, publication_id).items()}


def census(session: Session, publication_id: int) -> dict[str, dict[str, int]]:
    """The same by edition: {"active": {"en": 12, "my": 30}, …}; all of STATES are there."""
    # The barred are few and found from their own table: asking for each of a million
    # subscribers whether it is barred takes ten times as long.
    columns = (Subscription.state, Subscription.edition)
    here = Subscription.publication_id == publication_id
    everybody = select(*columns, func.count()).where(here).group_by(*columns)
    barred = (
        select(*columns, func.count())
        .select_from(Suppression)
        .join(Subscriber, Subscriber.address_index == Suppression.address_index)
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .where(here, Subscription.state != "ended")
        .group_by(*columns)
    )
    found: dict[str, dict[str, int]] = {kind: {} for kind in STATES}
    for state, edition, number in session.execute(everybody):
        found[state][edition] = number
    for state, edition, number in session.execute(barred):
        found[state][edition] -= number
        found["suppressed"][edition] = found["suppressed"].get(edition, 0) + number
    return {kind: {e: n for e, n in sorted(of.items()) if n} for kind, of in found.items()}


def _columns() -> tuple[Any, ...]:
    given = (
        select(Consent)
        .where(Consent.subscription_id == Subscription.id, Consent.kind == "given")
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(1)
    )
    return (
        Subscriber.id,
        Subscriber.public_id,
        Subscriber.sealed_address,
        Subscription.state,
        Subscription.edition,
        Subscription.text_only,
        Subscription.discreet,
        Subscription.paused_until_at,
        Suppression.reason,
        Suppression.at,
        Subscription.created_at,
        Subscription.ended_at,
        given.with_only_columns(Consent.how).correlate(Subscription).scalar_subquery(),
        given.with_only_columns(Consent.at).correlate(Subscription).scalar_subquery(),
    )


def _chosen(wanted: Wanted, *columns: Any) -> Select[Any]:
    query = (
        select(*columns)
        .select_from(Subscription)
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .outerjoin(Suppression, Suppression.address_index == Subscriber.address_index)
        .where(Subscription.publication_id == wanted.publication_id)
    )
    return query.where(*_conditions(wanted))


def _conditions(wanted: Wanted) -> Iterator[Any]:
    barred = Suppression.address_index.is_not(None)
    if wanted.state == "suppressed":
        yield barred
    elif wanted.state is not None:
        yield Subscription.state == wanted.state
    if wanted.state in ("active", "pending"):
        yield ~barred
    if wanted.edition is not None:
        yield Subscription.edition == wanted.edition
    if wanted.language is not None:
        whole = literal("+") + Subscription.edition + "+"
        yield whole.contains(f"+{wanted.language}+", autoescape=True)
    if wanted.consent_before is not None:
        yield _agreed_at() < wanted.consent_before
    if wanted.consent_after is not None:
        yield _agreed_at() >= wanted.consent_after


def _agreed_at() -> Any:
    given = Consent.subscription_id == Subscription.id, Consent.kind == "given"
    return select(func.max(Consent.at)).where(*given).correlate(Subscription).scalar_subquery()
