"""How a list grew: who joined, left and was barred, week by week or month by month.

Told from the consents and suppressions that are held: an erased reader takes the own history
along, so figures of the past shrink by each erasure. Nothing of what anybody read is in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Literal

from sqlalchemy import Integer, Select, case, cast, extract, func, or_, select
from sqlalchemy.orm import Session

from newsletter.core.clock import week_of
from subscribers.models import Consent, Subscriber, Subscription, Suppression

By = Literal["week", "month"]


@dataclass(frozen=True, slots=True)
class Period:
    """One week or month, its days counted in the publication's zone."""

    name: str
    """2026-W47 or 2026-11."""
    start: date
    joined: int
    """Came on the list, or came back to it."""
    confirmed: int
    """Of them by their own press in the confirmation mail."""
    left: int
    suppressed: int
    """Were on the list and must not be mailed any more; a lifted suppression never was one."""
    total: int
    """On the list at its end."""


def growth(
    session: Session, publication_id: int, *, by: By, zone: tzinfo, now: datetime
) -> list[Period]:
    """Every period from the first event to the present one, also those without any.

    The total of the last one is the number of readers who would get an issue now, those who
    pause included; only those count who joined and are held to this day.
    """
    events = _events(session, publication_id, by, zone)
    if not events:
        return []
    found, total = [], 0
    last = _start(now.astimezone(zone).date(), by)
    for start in _starts(min(events), max(last, *events), by):
        seen = events.get(start, Counter())
        total += seen["joined"] - seen["left"] - seen["suppressed"]
        parts = (seen["joined"], seen["confirmed"], seen["left"], seen["suppressed"])
        found.append(Period(_name(start, by), start, *parts, total))
    return found


def _events(
    session: Session, publication_id: int, by: By, zone: tzinfo
) -> dict[date, Counter[str]]:
    found: dict[date, Counter[str]] = {}
    for query in (_moves(session, publication_id), _bars(session, publication_id)):
        for quarter, kind, how, number in session.execute(query.execution_options(yield_per=1000)):
            seen = found.setdefault(_start(_day(quarter, zone), by), Counter())
            seen[kind] += number
            if kind == "joined" and how == "form":
                seen["confirmed"] += number
    return found


def _moves(session: Session, publication_id: int) -> Select[Any]:
    """How often people joined and left in each quarter of an hour.

    Only what changed something: a second agreement of somebody who is there is no joining, and
    whoever leaves without having agreed was not on the list.
    """
    moving = (
        select(
            Consent.at,
            Consent.kind,
            Consent.how,
            func.lag(Consent.kind)
            .over(partition_by=Consent.subscription_id, order_by=(Consent.at, Consent.id))
            .label("before"),
        )
        .join(Subscription, Subscription.id == Consent.subscription_id)
        .where(
            Subscription.publication_id == publication_id, Consent.kind.in_(("given", "withdrawn"))
        )
        .subquery()
    )
    came = moving.c.kind == "given"
    kind = case((came, "joined"), else_="left").label("moved")
    changed = or_(
        came & or_(moving.c.before.is_(None), moving.c.before == "withdrawn"),
        ~came & (moving.c.before == "given"),
    )
    quarter = _quarter(session, moving.c.at).label("quarter")
    return (
        select(quarter, kind, moving.c.how, func.count())
        .where(changed)
        .group_by(quarter, kind, moving.c.how)
    )


def _bars(session: Session, publication_id: int) -> Select[Any]:
    """How many of those who stand on the list were barred in each quarter of an hour."""
    quarter = _quarter(session, Suppression.at).label("quarter")
    columns = (quarter, func.substr("suppressed", 1).label("moved"), Suppression.reason)
    return (
        select(*columns, func.count())
        .join(Subscriber, Subscriber.address_index == Suppression.address_index)
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .where(Subscription.publication_id == publication_id, Subscription.state == "active")
        .group_by(quarter, Suppression.reason)
    )


def _quarter(session: Session, at: Any) -> Any:
    """The quarter of an hour since 1970 in which an instant lies, in UTC.

    The days of every zone begin at a quarter (Nepal at :15), so they are told from it without
    asking the database for each row.
    """
    if session.get_bind().dialect.name == "sqlite":
        return cast(func.strftime("%s", at), Integer) // 900
    return cast(func.floor(extract("epoch", at) / 900), Integer)


def _day(quarter: int, zone: tzinfo) -> date:
    return datetime.fromtimestamp(quarter * 900, zone).date()


def _start(day: date, by: By) -> date:
    return day.replace(day=1) if by == "month" else day - timedelta(days=day.weekday())


def _starts(first: date, last: date, by: By) -> Iterator[date]:
    start = first
    while start <= last:
        yield start
        start = _start(start + timedelta(days=31 if by == "month" else 7), by)


def _name(start: date, by: By) -> str:
    return f"{start:%Y-%m}" if by == "month" else week_of(start)
