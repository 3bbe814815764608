"""Everything we hold on one person, as data (GDPR art. 15 §1 and §3, art. 20 §1).

From the address alone: what stands in the readers' tables, and every message that was owed to
this person. Of opens and clicks nothing exists. After an erasure only the keyed hash is left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from newsletter.core.addresses import parse
from newsletter.core.sealing import Sealer
from newsletter.delivery import heard, message_ids
from newsletter.delivery.heard import Told
from newsletter.delivery.models import Delivery
from newsletter.editorial.models import Editorial, Issue, Publication
from subscribers import brakes, optin, story
from subscribers.models import Greeting
from subscribers.story import Barred, Proof, SignUp, Story


@dataclass(frozen=True, slots=True)
class Membership:
    """The person's standing with one publication, and how it came to be."""

    publication: str
    names: dict[str, str]
    write_to: str
    """Where a question or a wish can be sent."""
    state: str
    edition: str
    text_only: bool
    discreet: bool
    paused_until_at: datetime | None
    since: datetime
    ended_at: datetime | None
    ended_how: str | None
    consents: tuple[Proof, ...]
    signups: tuple[SignUp, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message that was owed to this person, and what became of it."""

    delivery: int
    publication: str
    kind: str
    """issue | confirmation | welcome | goodbye"""
    number: int | None
    date: date | None
    title: str
    edition: str
    state: str
    reason: str | None
    answer: str | None
    """The mail server's own words, without any address."""
    attempts: int
    changed_at: datetime
    submitted_at: datetime | None
    message_id: str
    told: tuple[Told, ...]
    """What came back about it, how each was judged, and what followed."""


@dataclass(frozen=True, slots=True)
class Failing:
    """The memory of mail to this person that failed in one issue after the other."""

    issues: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """Everything held on one person; the address is in clear and belongs in no log."""

    address: str
    public_id: UUID | None
    """None when only the keyed hash of the address is kept (`suppression`)."""
    since: datetime | None
    suppression: Barred | None
    memberships: tuple[Membership, ...]
    messages: tuple[Message, ...]
    failing: Failing | None
    asked_at: tuple[datetime, ...]
    """When the sign-up form was sent with this address in the last 30 days (a keyed hash)."""

    @property
    def editions(self) -> list[str]:
        """What the person reads, the newest subscription last."""
        return [held.edition for held in self.memberships]

    def as_json(self) -> dict[str, Any]:
        """For machines (GDPR art. 20): instants in ISO 8601, UTC."""
        found: dict[str, Any] = _plain(asdict(self))
        for held in found["memberships"]:
            for row in (*held["consents"], *held["signups"]):
                row.pop("subscription_id", None)
                row.pop("confirmation_id", None)
        return found


def account(
    session: Session, sealer: Sealer, secret: bytes, address: str, now: datetime
) -> Account:
    """The account of whoever has this address; NotFound when nothing is held of it.

    `secret` is the one that Message-IDs are made with (`Services.ring.index`).
    """
    told = story.tell(session, sealer, address)
    person = told.found.person
    parsed = parse(address)
    return Account(
        address=person.address if person else parsed.text,
        public_id=person.public_id if person else None,
        since=person.since if person else None,
        suppression=told.found.barred,
        memberships=_memberships(session, told),
        messages=_messages(session, told, secret),
        failing=_failing(session, person.subscriber_id) if person else None,
        asked_at=tuple(brakes.asked(session, optin.mark_of(sealer, parsed), now)),
    )


def _failing(session: Session, subscriber_id: int) -> Failing | None:
    kept = heard.memory(session, subscriber_id)
    return Failing(kept.issues, kept.first_at, kept.last_at) if kept else None


def _memberships(session: Session, told: Story) -> tuple[Membership, ...]:
    ids = [held.publication_id for held in told.found.held]
    found = session.scalars(select(Publication).where(Publication.id.in_(ids)))
    publications = {publication.id: publication for publication in found}
    return tuple(
        Membership(
            publication=publications[held.publication_id].slug,
            names=dict(publications[held.publication_id].names),
            write_to=_write_to(publications[held.publication_id]),
            state=held.state,
            edition=held.edition,
            text_only=held.text_only,
            discreet=held.discreet,
            paused_until_at=held.paused_until_at,
            since=held.since,
            ended_at=held.ended_at,
            ended_how=held.ended_how,
            consents=tuple(p for p in told.proofs if p.subscription_id == held.subscription_id),
            signups=tuple(s for s in told.signups if s.subscription_id == held.subscription_id),
        )
        for held in told.found.held
    )


def _write_to(publication: Publication) -> str:
    return publication.reply_to or publication.sender_address


def _messages(session: Session, told: Story, secret: bytes) -> tuple[Message, ...]:
    person = told.found.person
    if person is None:
        return ()
    greeted = _greetings(session, told)
    of_signup = {signup.confirmation_id: signup for signup in told.signups}
    rows = session.scalars(
        select(Delivery)
        .where(
            or_(
                Delivery.subscriber_id == person.subscriber_id,
                Delivery.confirmation_id.in_(list(of_signup)),
                Delivery.greeting_id.in_(list(greeted)),
            )
        )
        .order_by(Delivery.id)
    ).all()
    issues = _issues(session, {row.issue_id for row in rows if row.issue_id})
    told_of = heard.of_deliveries(session, [row.id for row in rows])
    homes = {held.subscription_id: held.publication_id for held in told.found.held}
    hidden = {held.publication_id for held in told.found.held if held.discreet}
    made = []
    for row in rows:
        issue = issues.get(row.issue_id or 0)
        publication = issue.publication if issue else None
        if publication is None and row.confirmation_id in of_signup:
            home = homes[of_signup[row.confirmation_id].subscription_id]
            publication = session.get_one(Publication, home)
        greeting = greeted.get(row.greeting_id or 0)
        if greeting is not None:
            publication = session.get_one(Publication, homes[greeting.subscription_id])
        if publication is not None:
            said = tuple(told_of.get(row.id, ()))
            kind = greeting.kind if greeting else "issue" if issue else "confirmation"
            message_id = message_ids.of_delivery(
                secret, row.id, _sender(publication, discreet=publication.id in hidden)
            )
            made.append(_message(row, kind, issue, publication, message_id, said))
    return tuple(made)


def _sender(publication: Publication, *, discreet: bool) -> str:
    """Whose domain the Message-ID has, as far as it is known today."""
    told: str = publication.discreet.get("address", "") if discreet else ""
    return told or publication.sender_address


def _greetings(session: Session, told: Story) -> dict[int, Greeting]:
    theirs = [held.subscription_id for held in told.found.held]
    found = session.scalars(select(Greeting).where(Greeting.subscription_id.in_(theirs)))
    return {greeting.id: greeting for greeting in found}


def _message(  # noqa: PLR0917
    row: Delivery,
    kind: str,
    issue: Issue | None,
    publication: Publication,
    message_id: str,
    said: tuple[Told, ...],
) -> Message:
    return Message(
        delivery=row.id,
        publication=publication.slug,
        kind=kind,
        number=issue.number if issue else None,
        date=issue.date if issue else None,
        title=_title(issue.editorials, row.edition) if issue else "",
        edition=row.edition,
        state=row.state,
        reason=row.reason,
        answer=row.answer,
        attempts=row.attempts,
        changed_at=row.changed_at,
        submitted_at=row.submitted_at,
        message_id=message_id,
        told=said,
    )


def _issues(session: Session, ids: set[int]) -> dict[int, Issue]:
    found = session.scalars(select(Issue).where(Issue.id.in_(ids)))
    return {issue.id: issue for issue in found}


def _title(editorials: Iterable[Editorial], edition: str) -> str:
    """The title as the reader's first language has it, or any that there is."""
    titles = {editorial.language: editorial.title for editorial in editorials if editorial.title}
    wanted = (titles[code] for code in edition.split("+") if code in titles)
    return next(wanted, next(iter(titles.values()), ""))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
