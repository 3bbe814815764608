"""The verdict: what the receiver holds against what the ledger says, reader by reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from newsletter.core.db import open_engine, reading
from newsletter.delivery.ledger import doubtful, ledger
from newsletter.delivery.models import Delivery
from newsletter.delivery.states import OPEN, TAKEN, State
from newsletter.editorial.models import Issue
from tests.chaos.homes import Home


@dataclass(frozen=True)
class Received:
    """What stands in the receiver's file."""

    recipients: Counter[str]
    """How many messages each one was accepted for."""
    marks: Counter[str]
    """How often each Message-ID was accepted."""
    unanswered: int
    """After how many dots it hung up by its own will: each is a doubt that nobody's kill made."""


def received(log: Path) -> Received:
    """Read the receiver's file."""
    found = [line.split(" ") for line in log.read_text(encoding="utf-8").splitlines()]
    kept = [line for line in found if line[0] != "gone"]
    return Received(
        Counter(line[2] for line in kept),
        Counter(line[1] for line in kept),
        sum(line[0] != "kept" for line in found),
    )


@dataclass(frozen=True)
class Verdict:
    """How a send ended. `doubled`, `lost` and `forgotten` name readers and must be empty."""

    readers: int
    kept: int
    doubled: list[str]
    """Two messages for one reader, or two of one Message-ID."""
    lost: list[str]
    """The ledger says they were taken, and the receiver holds nothing; or they have no row."""
    forgotten: list[str]
    """The receiver holds one, and the ledger says it was not taken."""
    open: int
    unknown: int
    unknown_kept: int
    """Of the unknown, those that did arrive."""
    listed: int
    balanced: bool
    status: str
    unanswered: int
    other: dict[str, int] = field(default_factory=dict)

    def faults(self, *, unknown_at_most: int) -> list[str]:
        """What is wrong, as sentences; empty when every promise was kept."""
        doubts = self.unknown - self.unanswered
        said = [
            (bool(self.doubled), f"{len(self.doubled)} doubled: {self.doubled[:5]}"),
            (bool(self.lost), f"{len(self.lost)} lost: {self.lost[:5]}"),
            (bool(self.forgotten), f"{len(self.forgotten)} forgotten: {self.forgotten[:5]}"),
            (self.open > 0, f"{self.open} left open"),
            (self.listed != self.unknown, f"{self.unknown} unknown but {self.listed} listed"),
            (not self.balanced, "the equation does not hold"),
            (self.status != "sent", f"the issue is '{self.status}'"),
            (doubts > unknown_at_most, f"{doubts} unknown, but at most {unknown_at_most} flew"),
            (bool(self.other), f"nobody was refused or left out, yet {self.other}"),
        ]
        return [sentence for wrong, sentence in said if wrong]


def judge(home: Home, log: Path) -> Verdict:
    """Compare, when nothing sends any more."""
    engine = open_engine(home.url)
    with reading(engine) as session:
        found = ledger(session, home.issue_id)
        listed = len(doubtful(session, home.issue_id))
        status = session.get_one(Issue, home.issue_id).status
        columns = (Delivery.subscriber_id, Delivery.state)
        query = select(*columns).where(Delivery.issue_id == home.issue_id)
        states = {home.names[id_ or 0]: state for id_, state in session.execute(query)}
        rows = session.scalar(
            select(func.count()).select_from(Delivery).where(Delivery.issue_id == home.issue_id)
        )
    engine.dispose()
    got = received(log)
    held = got.recipients
    unknown = [name for name, state in states.items() if state == State.UNKNOWN]
    return Verdict(
        readers=len(home.names),
        kept=held.total(),
        doubled=_more_than_one(held) + _more_than_one(got.marks),
        lost=_lost(home.names.values(), states, held),
        forgotten=[name for name in held if states.get(name) not in {*TAKEN, State.UNKNOWN}],
        open=sum(state in OPEN for state in states.values()),
        unknown=found.unknown,
        unknown_kept=sum(name in held for name in unknown),
        listed=listed,
        balanced=found.balanced and rows == found.total == len(states),
        status=status,
        unanswered=got.unanswered,
        other=dict(Counter(s for s in states.values() if s in {State.REFUSED, State.SKIPPED})),
    )


def _more_than_one(counted: Counter[str]) -> list[str]:
    return [what for what, times in counted.items() if times > 1]


def _lost(names: Iterable[str], states: Mapping[str, str], held: Counter[str]) -> list[str]:
    return [
        name for name in names if name not in states or (states[name] in TAKEN and name not in held)
    ]


def equation(home: Home) -> str:
    """At any instant, also in the midst of a send: '' or what does not add up."""
    engine = open_engine(home.url)
    with reading(engine) as session:
        found = ledger(session, home.issue_id)
    engine.dispose()
    return "" if found.balanced else f"the equation does not hold in mid-send: {found.as_json()}"
