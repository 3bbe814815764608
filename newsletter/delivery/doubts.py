"""Doubts that settle without an editor: by the provider's own memory of a message.

Two ways, and neither makes a second mail. A provider that knows a message again by its key is
handed the same one once more, as long as it is certain to remember. And where the publication
wants it (`unknown_policy = look`), a provider whose log can be asked says whether it took it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Session

from newsletter.core.db import reading, writing
from newsletter.core.errors import NewsletterError, ProviderError, Retry
from newsletter.core.log import logger, redact
from newsletter.delivery import chunks, doubtful, message_ids, settling
from newsletter.delivery.doubtful import Doubt, is_remembered
from newsletter.delivery.models import Delivery
from newsletter.delivery.needs import Needs
from newsletter.delivery.press import Press, Sheet
from newsletter.delivery.quiet import quiet_until
from newsletter.delivery.rows import changed
from newsletter.delivery.states import State
from newsletter.editorial.models import Issue, Publication
from newsletter.providers.base import Envelope, Provider
from newsletter.providers.looking_up import Finding, Found, LooksUp, who_looks_up
from subscribers import spool
from subscribers.audience import address_of, public_id_of, recipient_of, standing

LOOKED_EARLIEST = timedelta(minutes=15)
"""Before, an event may still come that settles it."""
_CERTAIN_EARLIEST = timedelta(hours=1)
"""Before, a log need not hold the message yet."""
_ASKED_AGAIN = timedelta(minutes=30)
_LOOKED_LATEST = timedelta(days=7)
_LEAST_REST = timedelta(minutes=2)
"""Between two tries with a key; a quarter of the doubt's age when that is longer."""
_NOT_TAKEN = "not_taken"
"""The reason of a doubt whose message did not stand in the log, when that was asked once."""
_log = logger("delivery.doubts")


def settle_by_key(needs: Needs, press: Press, now: datetime) -> int:
    """Hand over doubtful messages once more to providers that know them again by their key.

    Returns how many were settled as submitted. A delivery stays `unknown` meanwhile, and after any
    answer but yes; it goes to the very provider that may have it, and only while that is sure to
    remember. Speaks to providers, outside any transaction; to be called about once a minute, not
    where leases have to be renewed.
    """
    settled = 0
    for name in _names(needs):
        life = needs.providers[name].repeats_safely_for
        if life is not None:
            settled += _repeat_all(needs, press, name, life, now)
    return settled


def _names(needs: Needs) -> list[str]:
    """The providers in the settings, if anything is in doubt."""
    with reading(needs.engine) as session:
        return list(needs.providers) if doubtful.any_there(session) else []


def _repeat_all(needs: Needs, press: Press, name: str, life: timedelta, now: datetime) -> int:
    provider, settled = needs.providers[name], 0
    with reading(needs.engine) as session:
        found = doubtful.found(session, now, name, alone=len(needs.providers) == 1)
    for doubt in found:
        quiet = quiet_until(doubt.quiet_hours, doubt.zone, now)
        if quiet or not is_remembered(doubt, life, now):
            continue
        try:
            settled += _repeat(needs, press, provider, doubt, now)
        except NewsletterError as err:
            _log.warning("doubt_remains", delivery=doubt.id, cause=redact(str(err)))
            if not isinstance(err, ProviderError) or err.retry is not Retry.UNKNOWN:
                break  # nobody is served just now, or the message cannot be made
    return settled


def _repeat(needs: Needs, press: Press, provider: Provider, doubt: Doubt, now: datetime) -> bool:
    sheet = press.approved(doubt.issue_id, doubt.edition)
    with reading(needs.engine) as session:
        envelope = _envelope(needs, sheet, session, doubt, now)
    with writing(needs.engine) as session:
        rest = max(_LEAST_REST, (now - doubt.since) / 4)
        if not _put_off(session, doubt, now + rest) or envelope is None:
            return False
    connection = provider.connect()
    try:
        answer = connection.submit(envelope, lambda: None)
    finally:
        connection.close()
    with writing(needs.engine) as session:
        return _submitted(session, doubt, redact(answer, envelope.recipient.text), now)


def _envelope(
    needs: Needs, sheet: Sheet, session: Session, doubt: Doubt, now: datetime
) -> Envelope | None:
    """The same message with the same key; None when its reader wants no mail any more."""
    reader, publication_id = doubt.subscriber_id, doubt.publication_id
    if standing(session, reader, publication_id, now) is not None:
        return None
    if spool.holds(needs.settings.home, public_id_of(session, reader), publication_id):
        return None
    person = recipient_of(session, needs.sealer, reader, publication_id)
    return sheet.envelope(
        delivery_id=doubt.id,
        address=person.address,
        public_id=person.public_id,
        date=now,
        text_only=person.text_only,
        discreet=person.discreet,
        signed=False,
    )


def _put_off(session: Session, doubt: Doubt, until: datetime) -> bool:
    """Ask no more until then; False when another worker asks already, or it was settled."""
    same = Delivery.not_before_at.is_not_distinct_from(doubt.not_before_at)
    statement = update(Delivery).where(_still(doubt), same)
    return changed(session, statement.values(not_before_at=until)) == 1


def _submitted(session: Session, doubt: Doubt, answer: str, now: datetime) -> bool:
    chunks.touch(session, [doubt.id])
    values: dict[str, object] = {
        "state": State.SUBMITTED,
        "reason": None,
        "answer": answer,
        "owner": None,
    }
    values |= {"not_before_at": None, "changed_at": now, "submitted_at": now}
    return changed(session, update(Delivery).where(_still(doubt)).values(**values)) == 1


def _still(doubt: Doubt) -> ColumnElement[bool]:
    return (Delivery.id == doubt.id) & (Delivery.state == State.UNKNOWN)


def look(needs: Needs, now: datetime) -> int:
    """Ask providers' logs about doubtful messages, where a publication wants that.

    Returns how many were settled. What the log holds is submitted. What it does not hold twice,
    half an hour apart and long enough after it left, is planned again and goes out as any other.
    Speaks to providers, outside any transaction, as `settle_by_key` does.
    """
    settled = 0
    wanted = (
        Publication.unknown_policy == "look",
        Delivery.changed_at <= now - LOOKED_EARLIEST,
        Delivery.changed_at > now - _LOOKED_LATEST,
    )
    for name in _names(needs):
        asked = who_looks_up(needs.providers[name])
        if asked is not None:
            with reading(needs.engine) as session:
                alone = len(needs.providers) == 1
                found = doubtful.found(session, now, name, *wanted, alone=alone)
            settled += sum(_looked(needs, asked, doubt, now) for doubt in found)
    return settled


def _looked(needs: Needs, provider: LooksUp, doubt: Doubt, now: datetime) -> bool:
    with writing(needs.engine) as session:
        address = address_of(session, needs.sealer, doubt.subscriber_id)
        senders = _senders(session, doubt)
        if not _put_off(session, doubt, now + _ASKED_AGAIN):
            return False
    secret = needs.ring.index
    ids = [message_ids.of_delivery(secret, doubt.id, sender) for sender in senders]
    said = _together([provider.look_up(one, address.text, doubt.last_tried) for one in ids])
    _log.info("doubt_looked_up", delivery=doubt.id, finding=said.finding, answer=said.answer)
    with writing(needs.engine) as session:
        return _settled(session, doubt, said.finding, now)


def _senders(session: Session, doubt: Doubt) -> list[str]:
    """By whom it may have gone: the reader may have chosen the discreet edition, or since then."""
    told = session.get_one(Publication, doubt.publication_id).discreet
    return [doubt.sender, *([told["address"]] if told.get("address") else [])]


def _together(found: Sequence[Found]) -> Found:
    """Taken if it stands under any of its names; not taken if it stands under none of them."""
    taken = next((one for one in found if one.finding is Finding.TAKEN), None)
    doubtful = next((one for one in found if one.finding is Finding.CANNOT_TELL), None)
    return taken or doubtful or found[0]


def _settled(session: Session, doubt: Doubt, finding: Finding, now: datetime) -> bool:
    if finding is Finding.TAKEN:
        return _submitted(session, doubt, "the provider's log holds the message", now)
    if finding is not Finding.NOT_TAKEN or now - doubt.since < _CERTAIN_EARLIEST:
        return False
    if doubt.reason != _NOT_TAKEN:
        noted = update(Delivery).where(_still(doubt)).values(reason=_NOT_TAKEN)
        changed(session, noted)
        return False
    issue = session.get_one(Issue, doubt.issue_id)
    settling.settle(session, issue, doubt.id, "planned", now)
    return True
