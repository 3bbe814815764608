"""Brakes on sign-ups: nobody's mailbox can be filled by somebody who types its address in here.

What is kept is a keyed hash of the address made for this alone, and an instant, for 30 days.
The brakes are silent: the page says the same words whatever they decide.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.core.log import logger
from subscribers.models import SignupMark

KEPT = timedelta(days=30)
"""How long a mark counts; afterwards hygiene.clean deletes it."""
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_log = logger("subscribers.brakes")


def allow(
    session: Session, mark: bytes, now: datetime, *, per_day: int, per_month: int, per_hour: int
) -> bool:
    """Whether one more confirmation may go to the address of this mark, and mark that it was asked.

    `per_day` and `per_month` (24 hours, 30 days) are for one address, `per_hour` for the whole
    service. Only what is allowed counts, so nobody can keep an address out for ever by asking
    for it. Whatever is decided, the same is asked and one row is written: the time says nothing.
    """
    _one_at_a_time(session, mark)
    earlier = asked(session, mark, now)
    allowed = len(earlier) < per_month and sum(at > now - _DAY for at in earlier) < per_day
    of_all = _of_all(session, now)
    if allowed and of_all >= per_hour:
        _log.warning("signups_braked", per_service_hour=per_hour)
        allowed = False
    # A mark that is out of date already counts for nothing and goes with the next cleaning.
    session.add(SignupMark(mark=mark, at=now if allowed else now - KEPT))
    session.flush()
    return allowed


def held_at(session: Session, now: datetime, per_hour: int) -> datetime | None:
    """When the brake of the whole service last came to its limit within the last day, if it did."""
    since = select(SignupMark.at).where(SignupMark.at > now - _DAY - _HOUR)
    marks = list(session.scalars(since.order_by(SignupMark.at)))
    pairs = zip(marks, marks[max(per_hour, 1) - 1 :], strict=False)
    full = [last for first, last in pairs if last - first < _HOUR and last > now - _DAY]
    return full[-1] if full else None


def asked(session: Session, mark: bytes, now: datetime) -> list[datetime]:
    """When a confirmation was asked for with the address of this mark, as long as it is kept."""
    query = select(SignupMark.at).where(SignupMark.mark == mark, SignupMark.at > now - KEPT)
    return list(session.scalars(query.order_by(SignupMark.at)))


def _of_all(session: Session, now: datetime) -> int:
    asked = select(func.count()).select_from(SignupMark).where(SignupMark.at > now - _HOUR)
    return session.scalar(asked) or 0


def _one_at_a_time(session: Session, mark: bytes) -> None:
    """Two sign-ups of one address at once must see each other; SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        key = int.from_bytes(mark[:8], signed=True)
        session.execute(select(func.pg_advisory_xact_lock(key)))
