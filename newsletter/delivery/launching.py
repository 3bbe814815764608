"""Launching: an approved issue becomes rows owed to people, decided at one instant.

One INSERT … SELECT sees one state of the list: who joins or leaves while it runs is either
wholly in or wholly out. Nothing is sent here; the rows are what the workers work off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, insert, literal, select
from sqlalchemy.orm import Session

from newsletter.core.db import UtcDateTime
from newsletter.core.errors import ConfigurationError, NotAllowedNow
from newsletter.core.installation import require_seen
from newsletter.delivery import chunks
from newsletter.delivery.ledger import Ledger, ledger
from newsletter.delivery.models import Delivery
from newsletter.delivery.rows import changed
from newsletter.delivery.states import State
from newsletter.editorial import edition_codes
from newsletter.editorial.archiving import require_open
from newsletter.editorial.models import Issue
from newsletter.editorial.states import Status, require_move
from subscribers.audience import candidates, editions_wanted

_LAUNCHED = frozenset({Status.SENDING, Status.PAUSED, Status.SENT})


@dataclass(frozen=True, slots=True)
class Launched:
    """What the launch decided: how many are to be mailed, and how many are left out."""

    planned: int
    skipped: int


def launch(session: Session, issue: Issue, now: datetime) -> Launched:
    """Plan one delivery for each person of the audience and set the issue going.

    Launching again adds nobody, also not people who subscribed since. NotAllowedNow when the
    issue is not approved or scheduled, when somebody wants an edition it does not have, when
    there is nobody to be mailed, or after a restore until who left meanwhile was brought in;
    the caller rolls back then.
    """
    session.refresh(issue, with_for_update=True)
    if issue.status in _LAUNCHED:
        return _outcome(ledger(session, issue.id))
    if issue.status == Status.APPROVED:
        issue.status = Status.SCHEDULED
    require_move(issue.number, issue.status, Status.SENDING)
    require_open(issue.publication)
    require_seen(session)
    said = nobody(session, issue, now)
    if said:
        raise NotAllowedNow(said)
    issue.audience_size = _insert(session, issue, now)
    counted = chunks.cut(session, issue.id, issue.audience_size, now)
    _require_editions(issue, counted)
    issue.status = Status.SENDING
    issue.launched_at = now
    issue.held_reason = None
    session.flush()
    return _checked(ledger(session, issue.id), sum(row[3] for row in counted))


def nobody(session: Session, issue: Issue, at: datetime) -> str | None:
    """The sentence to be said when an issue would reach nobody at all if it went out `at`."""
    chosen = candidates(issue.publication_id, at).order_by(None).subquery("chosen")
    somebody = select(chosen.c.subscriber_id).where(chosen.c.reason.is_(None)).limit(1)
    if session.scalar(somebody) is not None:
        return None
    reasons = set(session.scalars(select(chosen.c.reason).distinct()))
    if "paused" in reasons:
        return (
            f"every reader of '{issue.publication.slug}' asked for a pause, so issue "
            f"{issue.number} would reach nobody; send it when their pauses are over"
        )
    return (
        f"nobody is subscribed to '{issue.publication.slug}', so issue {issue.number} would reach "
        "nobody; 'newsletter subscribers add' or 'newsletter subscribers import' takes readers in"
    )


def _outcome(found: Ledger) -> Launched:
    skipped = sum(found.skipped.values())
    return Launched(planned=found.total - skipped, skipped=skipped)


def _checked(found: Ledger, rows: int) -> Launched:
    skipped = sum(found.skipped.values())
    if not found.balanced or not found.planned + skipped == found.audience == rows:
        raise ConfigurationError(
            f"issue {found.number} was not launched: {found.audience} people were chosen but "
            f"{found.planned} planned and {skipped} left out; nothing was sent, report this"
        )
    return Launched(planned=found.planned, skipped=skipped)


def _insert(session: Session, issue: Issue, now: datetime) -> int:
    chosen = candidates(issue.publication_id, now).subquery("chosen")
    reason = chosen.c.reason
    state = case((reason.is_(None), State.PLANNED.value), else_=State.SKIPPED.value)
    rows = select(
        literal(issue.id),
        chosen.c.subscriber_id,
        chosen.c.edition,
        state,
        reason,
        literal(0),
        literal(now, UtcDateTime()),
    )
    columns = ["issue_id", "subscriber_id", "edition", "state", "reason", "attempts"]
    return changed(session, insert(Delivery).from_select([*columns, "changed_at"], rows))


def abandoned(session: Session, issue: Issue, at: datetime) -> list[str]:
    """Each edition that readers hold though none of its languages is left, with their number."""
    return _abandoned(issue, editions_wanted(session, issue.publication_id, at))


def _abandoned(issue: Issue, wanted: Mapping[str, int]) -> list[str]:
    said = (_why_abandoned(issue, edition, count) for edition, count in wanted.items())
    return [sentence for sentence in said if sentence]


def _require_editions(issue: Issue, counted: chunks.Tally) -> None:
    """Readers of an edition that cannot be made are never left out in silence.

    Asked of the very rows: a look at the list before would take a third of a launch's time.
    """
    wanted: Counter[str] = Counter()
    for edition, state, _reason, count in counted:
        wanted[edition] += count if state == State.PLANNED else 0
    wanted = +wanted
    missing = (_why_missing(issue, edition, count) for edition, count in wanted.items())
    said = [*_abandoned(issue, wanted), *(sentence for sentence in missing if sentence)]
    if said:
        raise NotAllowedNow("; ".join(said))


def _readers(count: int, edition: str) -> str:
    return f"{count} {'reader wants' if count == 1 else 'readers want'} the edition '{edition}'"


def _why_abandoned(issue: Issue, edition: str, count: int) -> str | None:
    languages = issue.publication.languages
    if edition_codes.remaining(languages, edition) is not None:
        return None
    return (
        f"{_readers(count, edition)}, of which the publication has no language any more "
        f"(it has {', '.join(languages)}); give it the language back with 'newsletter publication "
        "set languages …', or these readers another edition with 'newsletter subscribers import'"
    )


def _why_missing(issue: Issue, edition: str, count: int) -> str | None:
    left = edition_codes.remaining(issue.publication.languages, edition)
    written = {editorial.language for editorial in issue.editorials}
    if left is None or issue.publication.fallback_language in written:
        return None
    missing = next((code for code in left.split("+") if code not in written), None)
    return missing and (
        f"issue {issue.number} has no text in '{missing}', but {_readers(count, edition)}; add "
        "it, or set the publication's fallback_language"
    )
