"""The end of an issue: nothing is left to send, and the equation holds."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.core.installation import require_keys
from newsletter.core.log import logger
from newsletter.delivery import fencing, pausing
from newsletter.delivery.chunks import is_open
from newsletter.delivery.ledger import recount
from newsletter.editorial.models import Issue
from newsletter.editorial.states import Status

_log = logger("delivery.finishing")


def finish(session: Session, now: datetime) -> list[int]:
    """Mark issues as sent when everybody has been dealt with; returns their numbers.

    An issue whose ledger does not add up is never called sent: it pauses and says so.
    ConfigurationError once the newsletter was purged, so that whoever works here ends.
    """
    require_keys(session)
    sending = select(Issue.id).where(Issue.status == Status.SENDING)
    done = []
    for issue_id in session.scalars(sending).all():
        if not is_open(session, issue_id):
            done += _close(session, issue_id, now)
    return done


def _close(session: Session, issue_id: int, now: datetime) -> list[int]:
    fencing.alone(session, issue_id)
    issue = session.get_one(Issue, issue_id, with_for_update=True, populate_existing=True)
    counts = recount(session, issue_id)
    if issue.status != Status.SENDING or counts.open:
        return []
    if counts.done:
        issue.status, issue.sent_at, issue.changed_at = Status.SENT, now, now
        return [issue.number]
    reason = (
        f"the ledger does not add up: {counts.audience} people were chosen and "
        f"{counts.total} stand in it; compare with a backup before going on"
    )
    pausing.give_notice(session, issue.publication_id, issue_id, reason, now)
    _log.error("ledger_does_not_add_up", issue_id=issue_id, ledger=counts.as_json())
    return []
