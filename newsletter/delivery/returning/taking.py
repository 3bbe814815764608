"""Takes mails in: what they say is stored, and who asks to leave has left, before it returns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy.exc import SQLAlchemyError

from newsletter.core.db import writing
from newsletter.core.errors import ConfigurationError, TokenError
from newsletter.core.tokens import Claim, Purpose
from newsletter.delivery import events, transactional
from newsletter.delivery.needs import Needs
from newsletter.delivery.returning.reading import Returned, read
from newsletter.providers.events import Kind
from subscribers import journal, leaving, spool

SOURCE = "mailbox"
_WORDING = "a mail to the address of List-Unsubscribe"


class Sort(StrEnum):
    """What a mail was."""

    BOUNCE = "bounce"
    """Not delivered, or put off."""
    DELIVERED = "delivered"
    COMPLAINT = "complaint"
    LEAVE = "leave"
    AUTOMATIC = "automatic"
    """An answer that nobody wrote, to a message of ours: nothing follows."""
    UNKNOWN = "unknown"
    """It came to a bounce address and is not understood: kept for a look."""
    FOREIGN = "foreign"
    """None of ours: nothing was done with it, and it is nobody's to throw away."""


_SORTS = {
    Kind.BOUNCED: Sort.BOUNCE,
    Kind.DEFERRED: Sort.BOUNCE,
    Kind.DELIVERED: Sort.DELIVERED,
    Kind.COMPLAINED: Sort.COMPLAINT,
    Kind.UNSUBSCRIBED: Sort.LEAVE,
}


def take(needs: Needs, mails: Sequence[bytes], now: datetime) -> list[Sort]:
    """What each of these mails was, once all that follows from them is on the disk.

    Opens its own transactions. A wish to leave is kept even while the database takes nothing
    (subscribers.spool); for anything else the database's own error is raised, so the mails must
    stay where they came from. Taking the same mail in again changes nothing.
    """
    secret, by_path = needs.ring.index, bool(needs.settings.bounces.address)
    found = [read(data, secret, by_path=by_path) for data in mails]
    sorts = [_sort(needs, one, now) for one in found]
    told = [one.event for one in found if one.event is not None]
    if told:
        with writing(needs.engine) as session:
            events.receive(session, secret, needs.sealer, SOURCE, told, now)
    return sorts


def _sort(needs: Needs, one: Returned, now: datetime) -> Sort:
    if one.leave is not None and _left(needs, one.leave, now):
        return Sort.LEAVE
    if one.event is not None:
        return _SORTS.get(one.event.kind, Sort.UNKNOWN)
    return Sort.AUTOMATIC if one.ours else Sort.FOREIGN


def _left(needs: Needs, token: str, now: datetime) -> bool:
    """Whether the token is genuine: then its reader is off the list, or the wish on the disk."""
    try:
        claim = needs.signer.read(token, Purpose.UNSUBSCRIBE, Purpose.TEST)
    except TokenError:
        return False
    if claim.purpose is Purpose.TEST:
        return True
    try:
        _leave(needs, claim, now)
    except (SQLAlchemyError, ConfigurationError):
        wish = spool.Leaving(claim.subject, claim.scope, "mail", _WORDING, now)
        spool.keep(needs.settings.home, wish)
    return True


def _leave(needs: Needs, claim: Claim, now: datetime) -> None:
    with writing(needs.engine) as session:
        done = leaving.leave(
            session,
            public_id=claim.subject,
            publication_id=claim.scope,
            how="mail",
            wording=_WORDING,
            now=now,
            goodbye=transactional.goodbye,
        )
    if done == "left":
        journal.left(needs.settings.home, claim.subject, claim.scope, "mail")
