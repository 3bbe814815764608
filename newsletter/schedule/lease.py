"""Who may do a thing that only one process may do: a lease that runs out by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter.schedule.models import Lease


def hold(session: Session, name: str, owner: str, seconds: float, now: datetime) -> bool:
    """Take the lease, or keep it, for so many seconds; False while another owner has it.

    `now` is the database's clock (`core.db.database_now`), so that all machines agree.
    """
    until = now + timedelta(seconds=seconds)
    free = or_(Lease.owner == owner, Lease.until_at <= now)
    renewed = session.execute(
        update(Lease).where(Lease.name == name, free).values(owner=owner, until_at=until)
    )
    assert isinstance(renewed, CursorResult)  # noqa: S101
    if renewed.rowcount:
        return True
    if session.scalar(select(Lease.name).where(Lease.name == name)) is not None:
        return False
    try:
        with session.begin_nested():
            session.execute(insert(Lease).values(name=name, owner=owner, until_at=until))
    except IntegrityError:  # another process was first
        return False
    return True


def release(session: Session, name: str, owner: str) -> None:
    """Let go of the lease, so that another need not wait until it runs out."""
    session.execute(delete(Lease).where(Lease.name == name, Lease.owner == owner))
