"""The ledger: how many deliveries of an issue stand where, and whether the sum is the audience.

The equation that is checked and shown, at any moment:
audience = planned + claimed + submitting + submitted + refused + skipped + unknown,
and at the end of an issue the first three are 0.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from newsletter.core.db import database_now
from newsletter.delivery.models import Delivery
from newsletter.delivery.rows import changed
from newsletter.delivery.states import OPEN, TAKEN, State
from newsletter.editorial.models import Issue


@dataclass(frozen=True, slots=True)
class Ledger:
    """Counts of one issue; `audience` is what the launch counted, independently of the rows."""

    number: int
    audience: int
    planned: int = 0
    claimed: int = 0
    submitting: int = 0
    submitted: int = 0
    """Taken by the provider, whatever an event said of it later."""
    refused: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    """By reason."""
    unknown: int = 0
    total: int = 0
    """Rows there are."""
    by_edition: dict[str, int] = field(default_factory=dict)

    @property
    def open(self) -> int:
        """How many still have to be sent or answered."""
        return self.planned + self.claimed + self.submitting

    @property
    def done(self) -> bool:
        """Nothing is left to send and the equation holds."""
        return self.open == 0 and self.balanced

    @property
    def balanced(self) -> bool:
        """True when everybody of the audience stands in exactly one place."""
        closed = self.submitted + self.refused + sum(self.skipped.values()) + self.unknown
        return self.audience == self.total == self.open + closed

    def as_json(self) -> dict[str, Any]:
        """For `--json` and the pages."""
        return {
            "issue": self.number,
            "total": self.total,
            "planned": self.planned,
            "claimed": self.claimed,
            "submitting": self.submitting,
            "submitted": self.submitted,
            "refused": self.refused,
            "skipped": self.skipped,
            "unknown": self.unknown,
            "by_edition": self.by_edition,
            "balanced": self.balanced,
        }


def ledger(session: Session, issue_id: int) -> Ledger:
    """The counts of an issue, by one GROUP BY; all zero before its launch."""
    number, audience = session.execute(
        select(Issue.number, Issue.audience_size).where(Issue.id == issue_id)
    ).one()
    states: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    editions: Counter[str] = Counter()
    for state, reason, edition, count in session.execute(_grouped(issue_id)):
        states[state] += count
        editions[edition] += count
        if state == State.SKIPPED:
            skipped[reason or "unexplained"] += count
    return Ledger(
        number=number,
        audience=audience or 0,
        planned=states[State.PLANNED],
        claimed=states[State.CLAIMED],
        submitting=states[State.SUBMITTING],
        submitted=sum(states[state] for state in TAKEN),
        refused=states[State.REFUSED],
        skipped=dict(sorted(skipped.items())),
        unknown=states[State.UNKNOWN],
        total=states.total(),
        by_edition=dict(sorted(editions.items())),
    )


def _grouped(issue_id: int) -> Any:
    columns = (Delivery.state, Delivery.reason, Delivery.edition)
    return select(*columns, func.count()).where(Delivery.issue_id == issue_id).group_by(*columns)


def is_open(session: Session, issue_id: int) -> bool:
    """True while something of the issue is still to be sent or answered; costs one index look."""
    found = select(Delivery.id).where(Delivery.issue_id == issue_id, Delivery.state.in_(OPEN))
    return session.scalar(found.limit(1)) is not None


def refused(session: Session, issue_id: int) -> list[dict[str, Any]]:
    """The deliveries that were refused for good, and why; an editor may plan them again."""
    columns = (Delivery.id, Delivery.edition, Delivery.reason, Delivery.answer)
    query = select(*columns).where(Delivery.issue_id == issue_id, Delivery.state == State.REFUSED)
    return [
        {"delivery": id_, "edition": edition, "reason": reason or "", "answer": answer or ""}
        for id_, edition, reason, answer in session.execute(query.order_by(Delivery.id))
    ]


def doubtful(session: Session, issue_id: int) -> list[dict[str, Any]]:
    """The deliveries nobody can be sure of, by id and without any address, for an editor."""
    columns = (Delivery.id, Delivery.edition, Delivery.changed_at, Delivery.answer)
    query = select(*columns).where(Delivery.issue_id == issue_id, Delivery.state == State.UNKNOWN)
    return [
        {"delivery": id_, "edition": edition, "since": since.isoformat(), "answer": answer or ""}
        for id_, edition, since, answer in session.execute(query.order_by(Delivery.id))
    ]


def stop_planned(session: Session, issue: Issue, reason: str) -> int:
    """Skip whatever of the issue has not begun to leave; returns how many.

    A worker that holds a claim finds out when it wants to write down its intent.
    """
    waiting = Delivery.state.in_([State.PLANNED, State.CLAIMED])
    return changed(
        session,
        update(Delivery)
        .where(Delivery.issue_id == issue.id, waiting)
        .values(
            state=State.SKIPPED,
            reason=reason,
            owner=None,
            lease_until_at=None,
            changed_at=database_now(session),
        ),
    )
