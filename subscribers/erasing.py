"""Erasing a reader for good (GDPR art. 17): the row goes, a keyed hash stays so that nobody is
mailed again by an old list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from newsletter.core import audit
from newsletter.core.addresses import Address
from newsletter.core.errors import NotFound
from newsletter.core.sealing import Sealer
from subscribers import suppression
from subscribers.models import SignupMark, Subscriber
from subscribers.optin import mark_of


@dataclass(frozen=True, slots=True)
class Erased:
    """What tells of somebody erased, for the journal of leaving."""

    public_id: UUID
    index: bytes
    """The keyed hash by which the address stays barred."""


def erase(
    session: Session,
    sealer: Sealer,
    *,
    subscriber_id: int,
    how: str,
    now: datetime,
) -> Erased:
    """Forget a reader: address, subscriptions, consents, sign-ups and marks; bar the address.

    Deliveries keep their place in the sums and lose their link to the person; one that is still
    planned ends as skipped (erased). `how` is the door: `page` or `command line`. Backups made
    before still hold the reader until they are deleted. NotFound when nobody is held any more.
    """
    # Locked first: what mails or changes this reader at this moment ends before, or finds nobody.
    _lock_messages(session, subscriber_id)
    found = session.scalar(
        select(Subscriber).where(Subscriber.id == subscriber_id).with_for_update()
    )
    if found is None:
        raise NotFound("subscriber", f"there is no subscriber {subscriber_id} (any more)")
    gone = Erased(found.public_id, found.address_index)
    mark = mark_of(sealer, Address(sealer.open(found.sealed_address)))
    # The database's own cascades: everything that names the row goes with it, in one statement.
    session.execute(delete(Subscriber).where(Subscriber.id == subscriber_id))
    # Only then, as a worker that writes down a hard bounce has it: the delivery, then the bar.
    suppression.bar_by_word(session, gone.index, "erased", now)
    session.execute(delete(SignupMark).where(SignupMark.mark == mark))
    session.expire_all()
    audit.note(session, "erase", how, {"readers": 1}, now)
    return gone


def _lock_messages(session: Session, subscriber_id: int) -> None:
    """The reader's deliveries before the reader: in this order everybody locks them.

    By the table's name, because this room knows nothing of what is delivered; the database itself
    empties their link when the reader goes. On SQLite there is one writer at a time.
    """
    if session.get_bind().dialect.name == "postgresql":
        theirs = "SELECT id FROM deliveries WHERE subscriber_id = :reader ORDER BY id FOR UPDATE"
        session.execute(text(theirs), {"reader": subscriber_id})
