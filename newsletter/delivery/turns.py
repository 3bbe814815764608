"""A turn: one line works off one chunk, and hears what becomes of each message.

It is both the source of the messages (asked for the next while an answer is still out) and the
watch of what becomes of them. Between groups it commits; see groups. A kill at any point leaves
the mark, the recorder and the rows telling the truth together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy.orm import Session

from newsletter.core.clock import now
from newsletter.core.db import database_now, writing
from newsletter.core.errors import (
    DatabaseAway,
    InputError,
    NewsletterError,
    ProviderError,
    Retry,
)
from newsletter.core.log import logger
from newsletter.delivery import claiming, groups, outcomes, pausing, recording
from newsletter.delivery.claiming import Claim
from newsletter.delivery.crew import Crew, Withdrawn, elapsed
from newsletter.delivery.flight import Noted, Strip
from newsletter.delivery.groups import Asked, Group, Lost, Ready
from newsletter.delivery.outcomes import Outcome
from newsletter.delivery.recording import Result
from newsletter.delivery.retries import line_pause
from newsletter.editorial.states import Status
from newsletter.providers.base import Connection, Envelope, NotConnected
from subscribers import spool

LONGEST = 200
"""Messages of one group: more would save nothing and double what a power cut leaves in doubt."""
FIRST = 50
GROUP_SECONDS = 0.5
"""How old the last commit may get while messages leave: within it a pause is heard."""
FRESH_SECONDS = 0.8
"""A look at a reader older than this is repeated right before the message leaves."""
_LONGEST_REST = 60.0

_log = logger("delivery.sending")


class Turn:
    """One chunk in one line's hands; `run` returns how long the line had better rest."""

    def __init__(
        self,
        crew: Crew,
        mine: Claim,
        strip: Strip,
        lines: Callable[[str], Connection],
        want: int = FIRST,
    ) -> None:
        self._crew = crew
        self._mine = mine
        self._strip = strip
        self._lines = lines
        self._ready: deque[Ready] = deque()
        self._asked: dict[int, Ready] = {}
        """Handed to the line and not yet answered."""
        self._left: set[int] = set()
        """Of these: the last bytes are on their way."""
        self._results: list[Result] = []
        self._heard: set[str] = set()
        self._after = mine.first_id - 1
        self._mark = self._after
        self.want = want
        """How many messages leave in a moment, as this line has seen it."""
        self._given = 0
        self.following: Claim | None = None
        """Claimed in the very commit that ended this one."""
        self._committed_at = self._looked_at = elapsed()
        self._content: str | None = None
        self._is_last = False
        self._halted: str | None = None
        self._rest = 0.0

    def run(self) -> float:
        """Send until the chunk is done, or nothing more may be sent now."""
        try:
            while self._filled():
                self._carry(self._ready[0].provider)
            self._end()
        except Lost:
            self._lost()
        return self._rest

    def finish(self) -> None:
        """Write down what was heard before `run` was broken off, and hand the chunk back."""
        self._halted = self._halted or "broken off"
        try:
            self._end()
        except Lost:
            self._lost()

    def _carry(self, provider: str) -> None:
        try:
            self._lines(provider).carry(self._letters(provider), self)
        except NotConnected as error:
            self._unreachable(provider, error)
        except Withdrawn as withdrawn:
            self._withdrawn(withdrawn)

    # The source of the messages.

    def _letters(self, provider: str) -> Iterator[Envelope]:
        while self._filled() and self._ready[0].provider == provider:
            one = self._ready.popleft()
            self._after = one.delivery_id
            self._given += 1
            envelope = self._made(one)
            if envelope is not None:
                self._asked[one.delivery_id] = one
                yield envelope

    def _filled(self) -> bool:
        """Whether there is a next message, after a commit where one is due."""
        while not self._is_over():
            old = elapsed() - self._committed_at > GROUP_SECONDS
            if self._ready and not old:
                return True
            if self._is_last and not self._ready:
                return False
            self._advance()
        return False

    def _is_over(self) -> bool:
        return self._halted is not None or self._crew.stop.is_set()

    def _advance(self) -> None:
        """Commit, and be told who is next."""
        asked = Asked(
            after=self._after,
            want=self._wanted(),
            mark=self._mark,
            granted={one.delivery_id: one.provider for one in self._ready},
            noted=spool.noted(self._crew.needs.settings.home, self._mine.publication_id),
            keyed=self._crew.keyed,
            heard=frozenset(self._heard) if self._crew.has_a_choice else (),
        )
        group = self._written(lambda session: self._next(session, asked))
        self._ready = deque(group.ready)
        self._content, self._is_last = group.content_hash, group.is_last
        self._mark = max([self._mark, *(one.delivery_id for one in group.ready)])
        if group.status != Status.SENDING:
            self._halted = group.status
        elif group.rest and not group.ready:
            self._pace(group.rest)

    def _next(self, session: Session, asked: Asked) -> Group:
        return groups.advance(
            session,
            self._mine,
            self._crew.owner,
            self._results,
            asked,
            sealer=self._crew.needs.sealer,
            traffic=self._crew.traffic,
            lease_seconds=self._crew.needs.settings.delivery.lease_seconds,
        )

    def _wanted(self) -> int:
        """As many as leave in a moment, by what left in the last one."""
        passed = max(elapsed() - self._committed_at, 0.01)
        if self._given:
            self.want = min(LONGEST, max(5, int(self._given / passed * GROUP_SECONDS * 1.5)))
        self._given = 0
        return max(self.want, len(self._ready))

    def _pace(self, seconds: float) -> None:
        if self._crew.patient:
            self._crew.wait(min(seconds, 1.0))
        else:
            self._halted = "paced"

    def _made(self, one: Ready) -> Envelope | None:
        """The message; None when it cannot be made, which is then written down."""
        try:
            sheet = self._crew.press.sheet(self._mine.issue_id, one.edition, self._content)
            as_it_is = self._crew.needs.providers[one.provider].takes_return_path
            return sheet.envelope(
                delivery_id=one.delivery_id,
                address=one.address,
                public_id=one.public_id,
                date=now(),
                text_only=one.text_only,
                discreet=one.discreet,
                own_return_path=as_it_is,
                signed=as_it_is,
            )
        except DatabaseAway:
            raise
        except InputError as error:
            if error.field != "to":
                self._stop_issue(str(error))
                return None
            self._note(one, outcomes.address_refused(error.message))
            if self._crew.streak.is_too_long():
                self._stop_issue(f"one address after the other cannot be written to: {error}")
        except NewsletterError as error:
            self._stop_issue(str(error))
        return None

    # The watch.

    def leaving(self, envelope: Envelope) -> None:
        """The last look; then it is noted where a kill cannot take it away."""
        number = envelope.delivery_id
        if self._crew.lease.is_over:
            self._halted = "the lease may be over"
        if self._is_over():
            raise Withdrawn(None)
        if elapsed() - self._looked_at > FRESH_SECONDS:
            groups.look_again(self._crew.needs, self._mine, self._crew.owner, self._asked[number])
        self._strip.leaving(number)
        if self._crew.abandoned.is_set():
            self._strip.answered(number, Noted.NOT_TAKEN)
            raise Withdrawn(None)
        self._left.add(number)

    def taken(self, envelope: Envelope, answer: str) -> None:
        """The provider said yes."""
        one = self._answered(envelope, Noted.TAKEN)
        self._crew.streak.broken()
        self._note(one, outcomes.accepted(answer, one.address.text))

    def failed(self, envelope: Envelope, error: ProviderError) -> None:
        """The provider did not."""
        unknown = error.retry is Retry.UNKNOWN
        one = self._answered(envelope, Noted.LEAVING if unknown else Noted.NOT_TAKEN)
        error = outcomes.cleared(error, one.address.text)
        first_try = one.attempts == 0
        halts = error.halts or (error.ours and first_try and self._crew.streak.is_ours())
        waits = halts and error.retry is Retry.LATER
        self._note(one, outcomes.waiting(error) if waits else self._judged(one, error))
        _log.warning("not_taken", delivery=one.delivery_id, cause=str(error))
        if halts:
            self._give_up_on(one.provider, str(error))
        elif outcomes.counts_against_server(error, first_try=first_try):
            self._count(one.provider, str(error))
        if error.wait_seconds and not error.recipient:
            self._rest = min(error.wait_seconds, _LONGEST_REST)
            self._halted = self._halted or "asked to wait"

    def _answered(self, envelope: Envelope, noted: Noted) -> Ready:
        number = envelope.delivery_id
        if number in self._left:
            self._left.discard(number)
            self._strip.answered(number, noted)
        one = self._asked.pop(number)
        self._heard.add(one.provider)
        return one

    def _note(self, one: Ready, outcome: Outcome) -> None:
        row = Result(one.delivery_id, one.subscriber_id, one.attempts, outcome, one.provider)
        self._results.append(row)

    def _judged(self, one: Ready, error: ProviderError) -> Outcome:
        return outcomes.judged(
            error,
            delivery_id=one.delivery_id,
            attempt=one.attempts + 1,
            now=now(),
            deadline=self._mine.deadline(self._crew.needs.settings.delivery.retry_hours),
        )

    # When it does not go on.

    def _unreachable(self, provider: str, error: NotConnected) -> None:
        """Nobody is blamed for a line that is not there: the claims go back with the cause."""
        first = next(iter(self._asked.values()), None)
        if first is not None:
            self._note(self._asked.pop(first.delivery_id), outcomes.waiting(error))
        self._take_back()
        _log.warning("not_connected", provider=provider, cause=str(error))
        if error.halts or self._crew.has_a_choice:
            self._give_up_on(provider, str(error))
        else:
            self._count(provider, str(error))
            self._rest = line_pause(self._crew.streak.errors)
            self._halted = self._halted or "not connected"

    def _withdrawn(self, withdrawn: Withdrawn) -> None:
        if withdrawn.reason is None or withdrawn.number is None:
            self._halted = self._halted or "withdrawn"
        else:
            one = self._asked.pop(withdrawn.number)
            self._note(one, outcomes.withheld(withdrawn.reason))
        self._take_back()

    def _take_back(self) -> None:
        """What was asked for and has not left is ready again, in its order."""
        self._ready.extendleft(reversed(self._asked.values()))
        self._asked.clear()
        if self._ready:
            self._after = min(self._after, self._ready[0].delivery_id - 1)

    def _count(self, provider: str, cause: str) -> None:
        if self._crew.streak.is_too_long():
            limit = self._crew.needs.settings.delivery.pause_after_errors
            self._stop_issue(f"{limit} errors one after the other, the last: {cause}")

    def _give_up_on(self, provider: str, reason: str) -> None:
        """Use another provider for a while, or pause the issue where there is no other."""
        if not self._crew.has_a_choice:
            self._stop_issue(reason)
            return
        with writing(self._crew.needs.engine) as session:
            self._crew.traffic.down(session, provider, reason, database_now(session))
        self._count(provider, reason)
        self._ready = deque(one for one in self._ready if one.provider != provider)
        self._is_last = False

    def _stop_issue(self, reason: str) -> None:
        """The issue pauses until somebody mended the cause, and the editors hear of it."""
        self._halted = reason
        mine = self._mine
        with writing(self._crew.needs.engine) as session:
            pausing.give_notice(session, mine.publication_id, mine.issue_id, reason, now())
        _log.error("issue_paused", issue=mine.issue_id, reason=reason)

    # The database.

    def _end(self) -> None:
        """Write down the rest, and hand the chunk back."""

        lease = self._crew.needs.settings.delivery.lease_seconds

        def done(session: Session) -> Claim | None:
            status = claiming.status_of(session, self._mine.issue_id)
            if not claiming.hold(session, self._mine, self._crew.owner, 1):
                raise Lost
            recording.record(session, self._mine, self._results, status)
            claiming.release(session, self._mine, self._crew.owner, status)
            if self._halted is not None or not self._crew.patient or self._crew.stop.is_set():
                return None
            following = claiming.claim(session, self._crew.owner, lease_seconds=lease)
            if following is not None:
                take(following.chunk_id)
            return following

        with self._crew.taking() as take:
            self.following = self._written(done)
        self._crew.held.discard(self._mine.chunk_id)

    def _lost(self) -> None:
        """Answers heard meanwhile settle the doubts that others had to write, and so does that a
        message was never let go."""
        _log.warning("chunk_lost", chunk=self._mine.chunk_id, answers=len(self._results))
        let_go = (*self._asked.values(), *self._ready)
        never = [one for one in let_go if one.delivery_id not in self._left]
        again = [
            Result(one.delivery_id, one.subscriber_id, one.attempts, outcomes.not_begun(), None)
            for one in never
        ]
        with writing(self._crew.needs.engine) as session:
            recording.record_late(session, self._crew.owner, [*self._results, *again])
        self._crew.held.discard(self._mine.chunk_id)

    def _written(self, deed: Callable[[Session], Any]) -> Any:
        """Commit the deed; then the answers are safe, and the lease and the look are fresh."""
        asked_at = elapsed()
        done = self._crew.commit(deed)
        self._results = []
        self._heard.clear()
        self._strip.written(sorted(self._left))
        self._crew.lease.renewed(asked_at)
        self._committed_at = self._looked_at = elapsed()
        return done
