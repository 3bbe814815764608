"""The ledger: how many deliveries of an issue stand where, and whether the sum is the audience.

The equation that is checked and shown, at any moment:
audience = planned + claimed + submitting + submitted + refused + skipped + unknown,
and at the end of an issue the first three are 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from newsletter.delivery.chunks import CLAIMED, in_turn, members
from newsletter.delivery.looked_up import IN_DOUBT, REFUSED
from newsletter.delivery.models import Chunk, Delivery
from newsletter.delivery.states import TAKEN, State
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
    delivered: int = 0
    """Of the submitted: the other side said that it is there."""
    bounced: int = 0
    complained: int = 0
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
            "audience": self.audience,
            "total": self.total,
            "planned": self.planned,
            "claimed": self.claimed,
            "submitting": self.submitting,
            "submitted": self.submitted,
            "delivered": self.delivered,
            "bounced": self.bounced,
            "complained": self.complained,
            "refused": self.refused,
            "skipped": self.skipped,
            "unknown": self.unknown,
            "by_edition": self.by_edition,
            "balanced": self.balanced,
        }


def ledger(session: Session, issue_id: int) -> Ledger:
    """The counts of an issue at this instant; all zero before its launch.

    Chunks that rest tell their own count; of the others the rows are counted, so that it costs the
    same for a million as for a thousand. In a transaction that sees one instant (`reading`).
    """
    return _ledger(session, issue_id, [*_told(session, issue_id), *_counted(session, issue_id)])


def recount(session: Session, issue_id: int) -> Ledger:
    """The same from the rows alone, one by one: what is believed in the end."""
    return _ledger(session, issue_id, session.execute(_grouped(issue_id)))


def _ledger(session: Session, issue_id: int, found: Iterable[Any]) -> Ledger:
    number, audience = session.execute(
        select(Issue.number, Issue.audience_size).where(Issue.id == issue_id)
    ).one()
    states: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    editions: Counter[str] = Counter()
    for edition, state, reason, count in found:
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
        delivered=states[State.DELIVERED],
        bounced=states[State.BOUNCED],
        complained=states[State.COMPLAINED],
        refused=states[State.REFUSED],
        skipped=dict(sorted(skipped.items())),
        unknown=states[State.UNKNOWN],
        total=states.total(),
        by_edition=dict(sorted(editions.items())),
    )


def _told(session: Session, issue_id: int) -> list[Any]:
    resting = select(Chunk.tally).where(Chunk.issue_id == issue_id, Chunk.tally.is_not(None))
    return [row for tally in session.scalars(resting) for row in tally or ()]


def _counted(session: Session, issue_id: int) -> Sequence[Any]:
    """Of a chunk in somebody's hands the planned ones stand where its mark says."""
    mine = (Chunk.state == CLAIMED) & in_turn()
    state = case(
        (mine & (Delivery.id <= Chunk.mark), State.SUBMITTING.value),
        (mine, State.CLAIMED.value),
        else_=Delivery.state,
    ).label("stands")
    columns = (Delivery.edition, state, Delivery.reason)
    moving = select(*columns, func.count()).select_from(Chunk).join(Delivery, members())
    moving = moving.where(Chunk.issue_id == issue_id, Chunk.tally.is_(None))
    return session.execute(moving.group_by(*columns)).all()


def _grouped(issue_id: int) -> Any:
    columns = (Delivery.edition, Delivery.state, Delivery.reason)
    return select(*columns, func.count()).where(Delivery.issue_id == issue_id).group_by(*columns)


def refused(session: Session, issue_id: int) -> list[dict[str, Any]]:
    """The deliveries that were refused for good, and why; an editor may plan them again."""
    columns = (Delivery.id, Delivery.edition, Delivery.reason, Delivery.answer)
    query = select(*columns).where(Delivery.issue_id == issue_id, REFUSED)
    return [
        {"delivery": id_, "edition": edition, "reason": reason or "", "answer": answer or ""}
        for id_, edition, reason, answer in session.execute(query.order_by(Delivery.id))
    ]


def doubtful(session: Session, issue_id: int) -> list[dict[str, Any]]:
    """The deliveries nobody can be sure of, by id and without any address, for an editor."""
    columns = (Delivery.id, Delivery.edition, Delivery.changed_at, Delivery.answer)
    query = select(*columns).where(Delivery.issue_id == issue_id, IN_DOUBT)
    return [
        {"delivery": id_, "edition": edition, "since": since.isoformat(), "answer": answer or ""}
        for id_, edition, since, answer in session.execute(query.order_by(Delivery.id))
    ]
