"""How many of an issue came back, against what Gmail and Yahoo put up with.

Both want complaints below 0.1 % and act at 0.3 % (Google 81126; Yahoo's sender best practices).
A few of a small list are no rate, so each limit holds only from a number of cases on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.core.bounce_settings import Bounces
from newsletter.core.db import reading, writing
from newsletter.delivery import chunks, notices, pausing
from newsletter.delivery.hearing import REASONS
from newsletter.delivery.models import Chunk, Delivery
from newsletter.delivery.models import Event as Row
from newsletter.delivery.needs import Needs
from newsletter.delivery.policy import Verdict
from newsletter.delivery.states import TAKEN, State
from newsletter.editorial.models import Issue
from newsletter.editorial.states import Status

WATCHED = timedelta(days=5)
"""So long after its end an issue is looked at: then hardly anything comes back any more."""
MONTH = timedelta(days=30)
_GONE = (REASONS[Verdict.HARD], REASONS[Verdict.NO_HOST])


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back of some messages."""

    taken: int = 0
    """That a provider accepted."""
    delivered: int = 0
    """Of which somebody said that they arrived; not every provider does."""
    complaints: int = 0
    gone: int = 0
    """Bounced because there is no such mailbox or server."""
    soft: int = 0
    ours: int = 0
    """Bounced for who we are or what we write."""
    other: int = 0

    @property
    def bounces(self) -> int:
        """Of whatever sort."""
        return self.gone + self.soft + self.ours + self.other

    def as_json(self) -> dict[str, Any]:
        """Counts and rates in percent, for `--json`."""
        return {
            "taken": self.taken,
            "delivered": self.delivered,
            "complaints": self.complaints,
            "gone": self.gone,
            "soft": self.soft,
            "ours": self.ours,
            "other": self.other,
            "complaint_percent": _percent(self.complaints, self.arrived),
            "bounce_percent": _percent(self.gone, self.taken),
        }

    @property
    def arrived(self) -> int:
        """What may have reached a reader: complaints are counted against it."""
        return self.taken - self.bounces


@dataclass(frozen=True, slots=True)
class Passed:
    """A limit that is passed; `pauses` the issue if it is still going out."""

    kind: str
    sentence: str
    pauses: bool


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 3) if whole else 0.0


def counted(rows: Iterable[tuple[str, str | None, int]]) -> Returned:
    """From (state, reason, how many) of deliveries."""
    states: Counter[str] = Counter()
    reasons: Counter[str | None] = Counter()
    for state, reason, count in rows:
        states[state] += count
        if state == State.BOUNCED:
            reasons[reason] += count
    gone = sum(reasons[reason] for reason in _GONE)
    soft, ours = reasons[REASONS[Verdict.SOFT]], reasons[REASONS[Verdict.OURS]]
    return Returned(
        taken=sum(states[state] for state in TAKEN),
        delivered=states[State.DELIVERED] + states[State.COMPLAINED],
        complaints=states[State.COMPLAINED],
        gone=gone,
        soft=soft,
        ours=ours,
        other=reasons.total() - gone - soft - ours,
    )


def passed(found: Returned, limits: Bounces, what: str) -> list[Passed]:
    """The limits that `what` ("issue 3") passes; the rule for each stands in its settings."""
    said = []
    if found.complaints >= limits.complaints_at_least and (
        _percent(found.complaints, found.arrived) >= limits.complaint_percent
    ):
        rate = f"{_percent(found.complaints, found.arrived):g} %"
        sentence = (
            f"{found.complaints} readers of {what} reported it as spam, which is {rate}; Gmail and "
            f"Yahoo stop taking mail at {limits.complaint_percent:g} %: find out how these "
            "addresses came onto the list before going on"
        )
        said.append(Passed("complaints", sentence, pauses=True))
    if found.gone >= limits.bounces_at_least and (
        _percent(found.gone, found.taken) >= limits.bounce_percent
    ):
        rate = f"{_percent(found.gone, found.taken):g} %"
        sentence = (
            f"{found.gone} addresses of {what} do not exist, which is {rate} where less than "
            f"{limits.bounce_percent:g} % is put up with: is the list old, or a wrong one? They "
            "are suppressed already"
        )
        said.append(Passed("bounces", sentence, pauses=True))
    return [*said, *_ours(found, limits, what)]


def _ours(found: Returned, limits: Bounces, what: str) -> list[Passed]:
    if not found.ours:
        return []
    often = found.ours >= limits.ours_at_least and (
        _percent(found.ours, found.taken) >= limits.ours_percent
    )
    times = f"{found.ours} of {found.taken} messages" if often else "a message"
    sentence = (
        f"mail servers refuse {times} of {what} for who we are or what we write, and not for the "
        "reader"
    )
    return [Passed("refused_often" if often else "refused", sentence, pauses=often)]


def of_issue(session: Session, issue_id: int) -> Returned:
    """What came back of an issue: from the tallies of its chunks, and the rest counted."""
    tallies = select(Chunk.tally).where(Chunk.issue_id == issue_id, Chunk.tally.is_not(None))
    rows = [
        (state, reason, count)
        for tally in session.scalars(tallies)
        for _, state, reason, count in tally or []
    ]
    columns = (Delivery.state, Delivery.reason)
    rest = (
        select(*columns, func.count())
        .join(Chunk, chunks.members())
        .where(Chunk.issue_id == issue_id, Chunk.tally.is_(None))
        .group_by(*columns)
    )
    return counted([*rows, *((row[0], row[1], row[2]) for row in session.execute(rest))])


def of_publication(session: Session, publication_id: int, now: datetime) -> Returned:
    """What came back of all its issues of the last month."""
    issues = select(Issue.id).where(
        Issue.publication_id == publication_id, Issue.launched_at > now - MONTH
    )
    found = [of_issue(session, issue_id) for issue_id in session.scalars(issues)]
    names = Returned.__dataclass_fields__
    return Returned(**{name: sum(getattr(one, name) for one in found) for name in names})


def look(needs: Needs, now: datetime) -> None:
    """Look at the issues that go out or went out lately: tell the editors, and pause.

    Once for each issue and limit: whoever resumes it has been told. To be called about once a
    minute, outside any transaction.
    """
    with reading(needs.engine) as session:
        watched = _watched(session, now)
        found = [(issue, of_issue(session, issue.id)) for issue in watched]
    for issue, returned in found:
        for one in passed(returned, needs.settings.bounces, f"issue {issue.number}"):
            _act(needs, issue, one, now)


def _watched(session: Session, now: datetime) -> list[Issue]:
    since = now - WATCHED
    ended = (Issue.status == Status.SENT) & (Issue.sent_at > since)
    cancelled = (Issue.status == Status.CANCELLED) & (Issue.launched_at > since)
    going = Issue.status.in_([Status.SENDING, Status.PAUSED])
    wanted = select(Issue).where(Issue.launched_at.is_not(None), going | ended | cancelled)
    return list(session.scalars(wanted.order_by(Issue.id)))


def _act(needs: Needs, issue: Issue, one: Passed, now: datetime) -> None:
    with writing(needs.engine) as session:
        if notices.raised(session, issue.publication_id, issue.id, one.kind):
            return
        sentence = one.sentence
        if one.kind.startswith("refused"):
            sentence = f"{sentence}: {_words(session, issue.id)}; check SPF, DKIM and the host"
        paused = one.pauses and pausing.pause_sending(session, issue.id, sentence, now)
        if paused:
            sentence += f"; it is paused: 'newsletter resume {issue.number}' goes on"
        notices.raise_(session, issue.publication_id, issue.id, one.kind, sentence, now)


def _words(session: Session, issue_id: int) -> str:
    """The latest of what such servers said."""
    query = (
        select(Row.answer)
        .join(Delivery, Delivery.id == Row.delivery_id)
        .where(Delivery.issue_id == issue_id, Row.outcome == Verdict.OURS.value)
        .order_by(Row.id.desc())
        .limit(1)
    )
    return session.scalar(query) or "they gave no reason"
