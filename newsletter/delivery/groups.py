"""Groups: the one transaction between some messages and the next.

It writes down what became of the last group, looks again whether the issue is still being sent
and whether each of the next readers still wants it, asks for their pace, and moves the mark: the
intent to send, durable when it commits. So a commit is paid once for many messages, and no look at
a reader is older than a moment.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.core.addresses import Address
from newsletter.core.db import database_now, reading
from newsletter.core.sealing import Sealer
from newsletter.delivery import claiming, outcomes, recording, statements
from newsletter.delivery.claiming import Claim
from newsletter.delivery.crew import Withdrawn
from newsletter.delivery.models import Delivery
from newsletter.delivery.needs import Needs
from newsletter.delivery.quiet import quiet_until
from newsletter.delivery.recording import Result
from newsletter.delivery.traffic import Candidate, Go, Traffic, Wait
from newsletter.editorial.states import Status
from subscribers import audience, spool
from subscribers.audience import Reader

_SOON = timedelta(seconds=5)
"""A pace that lets somebody through so soon is waited for; a longer one puts the message off."""


class Lost(Exception):
    """Others have taken the chunk over: nothing of it may be sent or written by this worker."""


class Ready(NamedTuple):
    """A message that may leave now, and over which provider."""

    delivery_id: int
    subscriber_id: int
    edition: str
    attempts: int
    provider: str
    address: Address
    public_id: UUID
    text_only: bool
    discreet: bool

    def __repr__(self) -> str:
        """Without the address: what fails is logged."""
        return f"Ready({self.delivery_id}, {self.edition!r}, {self.provider!r})"

    def by(self, provider: str) -> Ready:
        """The same, over this provider."""
        return self if provider == self.provider else self._replace(provider=provider)


@dataclass(frozen=True, slots=True)
class Group:
    """What may leave now, in order; `rest` seconds to wait when the pace lets nobody through."""

    ready: tuple[Ready, ...]
    status: str
    content_hash: str | None = None
    rest: float = 0.0
    is_last: bool = False
    """Nothing of this turn comes after it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a line wants: messages after a delivery, so many; `granted` may go already."""

    after: int
    want: int
    mark: int
    granted: Mapping[int, str]
    noted: Collection[UUID]
    """Readers whose wish to leave waits on the disk."""
    keyed: Collection[str]
    """Providers that know a message again (`repeats_safely_for`)."""
    heard: Collection[str]
    """Providers that answered since the last group, whatever they said."""


def advance(
    session: Session,
    mine: Claim,
    owner: str,
    results: Sequence[Result],
    asked: Asked,
    *,
    sealer: Sealer,
    traffic: Traffic,
    lease_seconds: int,
) -> Group:
    """Record `results`, and let the next messages go; Lost when the chunk is no longer ours.

    When this is committed the mark stands at the last of `ready`.
    """
    status, approved = claiming.standing_of(session, mine.issue_id)
    if not claiming.hold(session, mine, owner, lease_seconds):
        raise Lost
    recording.record(session, mine, results, status)
    if status != Status.SENDING:
        return Group((), status, is_last=True)
    now = database_now(session)
    if quiet_until(mine.quiet_hours, mine.zone, now) is not None:
        return Group((), status, is_last=True)
    rows = session.connection().execute(statements.DUE, _next(mine, asked)).all()
    people = audience.readers(session, mine.publication_id, {r[1] for r in rows if r[1]}, now)
    wanted, withheld = _sorted_out(rows, people, asked.noted)
    for provider in sorted(asked.heard):
        traffic.up(session, provider)
    opened = _opened(wanted, people, sealer)
    word = _asked(session, mine, opened, asked, traffic, now)
    ready, put_off, rest = _split(opened, word, now)
    recording.record(session, mine, [*withheld, *put_off], status)
    mark = max([asked.mark, *(one.delivery_id for one in ready)])
    if not claiming.intend(session, mine, owner, mark):
        raise Lost
    done = len(rows) < asked.want and len(ready) + len(put_off) == len(wanted)
    return Group(tuple(ready), status, approved, 0.0 if ready else rest, is_last=done)


def _next(mine: Claim, asked: Asked) -> dict[str, object]:
    return {
        "after": asked.after,
        "last": mine.last_id,
        "issue": mine.issue_id,
        "in_turn": mine.turn,
        "turn_at": mine.turn_at,
        "want": asked.want,
    }


def _sorted_out(
    rows: Sequence[Any], people: Mapping[int, Reader], noted: Collection[UUID]
) -> tuple[list[Any], list[Result]]:
    wanted, withheld = [], []
    for row in rows:
        reader = people.get(row[1])
        reason = _obstacle(reader, noted)
        if reason is None:
            wanted.append(row)
        else:
            withheld.append(Result(row[0], row[1], row[3], outcomes.withheld(reason), None))
    return wanted, withheld


def _obstacle(reader: Reader | None, noted: Collection[UUID]) -> str | None:
    if reader is None:
        return "erased"
    return reader.obstacle or ("unsubscribed" if reader.public_id in noted else None)


def _opened(rows: Sequence[Any], people: Mapping[int, Reader], sealer: Sealer) -> list[Ready]:
    readers = [people[row[1]] for row in rows]
    addresses = sealer.open_many([reader.sealed_address for reader in readers])
    return [
        Ready(
            row[0],
            row[1],
            row[2],
            row[3],
            row[4] or "",
            Address(address),
            reader.public_id,
            reader.text_only,
            reader.discreet,
        )
        for row, reader, address in zip(rows, readers, addresses, strict=True)
    ]


def _asked(  # noqa: PLR0917
    session: Session,
    mine: Claim,
    opened: Sequence[Ready],
    asked: Asked,
    traffic: Traffic,
    now: datetime,
) -> dict[int, Go | Wait]:
    """What the traffic says of each; whom it had let through before is not asked again."""
    word: dict[int, Go | Wait] = {number: Go(name) for number, name in asked.granted.items()}
    new = [one for one in opened if one.delivery_id not in word]
    if new:
        candidates = [_candidate(one, asked.keyed) for one in new]
        said = traffic.admit(session, mine.publication, candidates, now)
        word |= {one.delivery_id: answer for one, answer in zip(new, said, strict=True)}
    return word


def _split(
    opened: Sequence[Ready], word: Mapping[int, Go | Wait], now: datetime
) -> tuple[list[Ready], list[Result], float]:
    """Who may go; who is put off so that others behind can go; how long to wait if nobody may.

    Whoever waits behind the last that may go is simply asked for again.
    """
    last = max((one.delivery_id for one in opened if _goes(one, word)), default=None)
    ready: list[Ready] = []
    put_off: list[Result] = []
    waits: list[datetime] = []
    for one in opened:
        answer = word[one.delivery_id]
        if isinstance(answer, Go):
            ready.append(one.by(answer.provider))
            continue
        waits.append(answer.until)
        in_the_way = last is not None and one.delivery_id < last
        if in_the_way or (last is None and answer.until > now + _SOON):
            paced = outcomes.paced(answer.reason, answer.until)
            by = one.provider or None  # who may know it by its key stays in the row
            put_off.append(Result(one.delivery_id, one.subscriber_id, one.attempts, paced, by))
    rest = (min(waits) - now).total_seconds() if waits and not put_off else 0.0
    return ready, put_off, max(0.0, rest)


def _goes(one: Ready, word: Mapping[int, Go | Wait]) -> bool:
    return isinstance(word[one.delivery_id], Go)


def _candidate(one: Ready, keyed: Collection[str]) -> Candidate:
    """Who knows a message again by its key is the only one it may be handed to a second time."""
    only = one.provider if one.attempts and one.provider in keyed else None
    domain = one.address.text.rpartition("@")[2]
    return Candidate(one.delivery_id, one.edition, domain, only)


def look_again(needs: Needs, mine: Claim, owner: str, one: Ready) -> None:
    """The line was slow: somebody may have left, or the issue may have been stopped.

    Withdrawn when this message must not leave now.
    """
    with reading(needs.engine) as session:
        if not claiming.is_going_on(session, mine, owner):
            raise Withdrawn(None)
        # SQLite gives the number of somebody who was erased to whoever joins next.
        query = select(Delivery.subscriber_id).where(Delivery.id == one.delivery_id)
        reason = audience.standing(session, session.scalar(query), mine.publication_id)
    noted = spool.holds(needs.settings.home, one.public_id, mine.publication_id)
    if reason is not None or noted:
        raise Withdrawn(reason or "unsubscribed", one.delivery_id)
