"""Issues that were taken by a provider, and events about their messages as the world tells them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select, update

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.delivery import applying, chunks, events, message_ids
from newsletter.delivery.launching import launch
from newsletter.delivery.models import Chunk, Delivery
from newsletter.delivery.models import Event as Row
from newsletter.editorial import checks, issues
from newsletter.editorial.models import Issue
from newsletter.providers.events import Event, Kind
from subscribers.models import Consent, Subscription, Suppression

T0 = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
SOURCE = "mailgun"


def taken(services: Services, issue_id: int, at: datetime = T0) -> list[int]:
    """Launch it, as if the provider had said yes to every message; the deliveries' ids."""
    with writing(services.engine) as session:
        launched = launch(session, session.get_one(Issue, issue_id), at)
        if session.scalar(select(Chunk.id).where(Chunk.issue_id == issue_id).limit(1)) is None:
            chunks.cut(session, issue_id, launched.planned + launched.skipped, at)
        mine = Delivery.issue_id == issue_id
        session.execute(
            update(Delivery)
            .where(mine, Delivery.state == "planned")
            .values(state="submitted", submitted_at=at, provider=SOURCE)
        )
        chunks.forget_tallies(session, issue_id)
        return list(session.scalars(select(Delivery.id).where(mine).order_by(Delivery.id)))


def put(services: Services, delivery_id: int, **values: object) -> None:
    """Write these values into a delivery, as something outside the test did before."""
    with writing(services.engine) as session:
        chunks.touch(session, [delivery_id])
        session.execute(update(Delivery).where(Delivery.id == delivery_id).values(**values))


def next_issue(services: Services, issue_id: int, week: int) -> int:
    """The same text as a later issue, approved; its id."""
    with writing(services.engine) as session:
        first = session.get_one(Issue, issue_id)
        day = date(2026, 11, 23) + timedelta(weeks=week)
        issue = issues.create(session, first.publication, day=day, now=T0)
        for text in first.editorials:
            issues.set_editorial(
                session, issue, text.language, title=text.title, body=text.body, authors=["Desk"],
                now=T0,
            )  # fmt: skip
        session.flush()
        issues.approve(session, issue, checks.check(issue, issue.publication), now=T0)
        return issue.id


def said(
    services: Services,
    delivery_id: int,
    kind: Kind,
    status: str = "",
    *,
    key: str = "",
    at: datetime | None = T0,
    answer: str = "",
    permanent: bool | None = None,
) -> Event:
    """An event about this delivery, which is named by its Message-ID."""
    mark = message_ids.of_delivery(services.ring.index, delivery_id, "desk@news.example")
    return Event(
        kind=kind,
        key=key or f"{delivery_id}/{kind}/{status}/{at}",
        at=at,
        references=("", f"<{mark}>"),
        recipient=f"r{delivery_id}@example.org",
        status=status,
        answer=answer,
        permanent=permanent,
    )


def hear(services: Services, *told: Event, source: str = SOURCE, now: datetime = T0) -> int:
    """Store them; how many were new."""
    with writing(services.engine) as session:
        ring = services.ring.index
        return events.receive(session, ring, services.sealer, source, told, now)


def tell(services: Services, *told: Event, source: str = SOURCE, now: datetime = T0) -> int:
    """Store and apply them; how many were applied."""
    hear(services, *told, source=source, now=now)
    return applying.apply_waiting(services, now)


def delivery(services: Services, delivery_id: int) -> tuple[str, str | None]:
    """Its state and why."""
    with reading(services.engine) as session:
        found = session.get_one(Delivery, delivery_id)
        return found.state, found.reason


def outcomes(services: Services) -> list[str]:
    """The outcomes of all events, in the order in which they came."""
    with reading(services.engine) as session:
        return list(session.scalars(select(Row.outcome).order_by(Row.id)))


def barred(services: Services) -> list[str]:
    """Why addresses are suppressed."""
    with reading(services.engine) as session:
        return sorted(session.scalars(select(Suppression.reason)))


def subscription(services: Services, delivery_id: int) -> tuple[str, str | None, int]:
    """State of the reader's subscription, how it ended, and how many withdrawals are on record."""
    with reading(services.engine) as session:
        reader = session.get_one(Delivery, delivery_id).subscriber_id
        held = session.scalars(
            select(Subscription).where(Subscription.subscriber_id == reader)
        ).one()
        withdrawn = select(Consent).where(
            Consent.subscription_id == held.id, Consent.kind == "withdrawn"
        )
        return held.state, held.ended_reason, len(session.scalars(withdrawn).all())
