"""Firing: each slot once, whatever happens. An issue that is ready is launched, else held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from newsletter.core.errors import DatabaseAway, NewsletterError
from newsletter.core.log import logger
from newsletter.delivery.launching import launch as delivery_launch
from newsletter.editorial import checks, issues
from newsletter.editorial.models import Issue, Publication
from newsletter.editorial.states import Status
from newsletter.schedule import slots
from newsletter.schedule.cycle import Decision, decide
from newsletter.schedule.models import Slot

_log = logger(__name__)


class _Launched(Protocol):
    @property
    def planned(self) -> int: ...


Launch = Callable[[Session, Issue, datetime], _Launched]
Proof = Callable[[Session, Issue], None]
"""Raises a NewsletterError when the issue must not go out: `preflight.require_ready`."""


@dataclass(frozen=True, slots=True)
class Fired:
    """What became of one slot: `kind` is send, hold or nothing; `planned` counts messages."""

    issue_number: int | None
    publication_slug: str
    kind: str
    reason: str
    planned: int = 0


def fire_due(
    session: Session,
    now: datetime,
    launch: Launch = delivery_launch,
    proof: Proof | None = None,
) -> list[Fired]:
    """Fire every slot whose time has come and say what became of each.

    A slot is taken by one UPDATE that only one process can win, in the same transaction in which
    its issue is launched or held: killed half-way, nothing has happened and it fires again;
    fired, it never does. A proof that fails, or a launch that refuses, holds the issue with its
    reason.
    """
    slots.sync(session, now)
    fired = []
    for slot in [slot for slot in slots.pending(session) if slot.due_at <= now]:
        if _take(session, slot, now):
            done = _fire(session, slot, now, _proved(launch, proof))
            slot.outcome = done.reason if done.issue_number is None else _outcome(done)
            _log.info("slot fired", slot=slot.id, issue=slot.issue_id, outcome=slot.outcome)
            fired.append(done)
    session.flush()
    return fired


def _proved(launch: Launch, proof: Proof | None) -> Launch:
    if proof is None:
        return launch

    def proved(session: Session, issue: Issue, now: datetime) -> _Launched:
        proof(session, issue)
        return launch(session, issue, now)

    return proved


def _take(session: Session, slot: Slot, now: datetime) -> bool:
    won = session.execute(
        update(Slot).where(Slot.id == slot.id, Slot.fired_at.is_(None)).values(fired_at=now)
    )
    assert isinstance(won, CursorResult)  # noqa: S101
    return won.rowcount == 1


def _outcome(done: Fired) -> str:
    return f"{done.kind}: {done.reason}"


def _fire(session: Session, slot: Slot, now: datetime, launch: Launch) -> Fired:
    publication = session.get_one(Publication, slot.publication_id)
    issue = session.get(Issue, slot.issue_id) if slot.issue_id is not None else None
    if issue is None:
        return Fired(None, publication.slug, "nothing", "no issue")
    issues.lock(issue)
    decision = _decide(issue, publication, slot.due_at, now)
    planned = 0
    if decision.kind == "send":
        decision, planned = _launch(session, issue, decision, now, launch)
    if decision.kind == "hold":
        issues.hold(issue, decision.reason, now)
    return Fired(issue.number, publication.slug, decision.kind, decision.reason, planned)


def _decide(issue: Issue, publication: Publication, due_at: datetime, now: datetime) -> Decision:
    status = Status(issue.status)
    if status is Status.HELD:
        return Decision("nothing", f"it is held: {issue.held_reason}")
    errors = [p for p in checks.check(issue, publication) if p.level == "error"]
    problems = [f"{p.place}: {p.text}" for p in errors]
    approved = status in (Status.APPROVED, Status.SCHEDULED)
    if approved and issues.content_hash(issue) != issue.content_hash:
        problems.append("it is not what was approved any more")
    return decide(status, problems, due_at, now, publication.stale_minutes)


def _launch(
    session: Session, issue: Issue, decision: Decision, now: datetime, launch: Launch
) -> tuple[Decision, int]:
    try:
        with session.begin_nested():
            return decision, launch(session, issue, now).planned
    except DatabaseAway:
        raise
    except NewsletterError as err:
        return Decision("hold", str(err)), 0
