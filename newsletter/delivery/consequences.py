"""What follows for a reader from one thing said of a message, as one word for the story.

Nothing here depends on what came before: told twice or late, the same has happened in the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.core.bounce_settings import Bounces
from newsletter.delivery import remembering
from newsletter.delivery.policy import Verdict
from newsletter.providers.events import Kind
from subscribers import reported
from subscribers.journal import Gone

WORDS = {
    "waiting": "not looked at yet",
    "unmatched": "of no message of ours",
    "delivered": "it arrived",
    "deferred": "the provider goes on trying",
    "ignored": "nothing follows from it",
    "hard": "the mailbox does not exist",
    "hard_suppressed": "the mailbox does not exist: the address is suppressed",
    "hard_released": "the mailbox did not exist; somebody released the address since",
    "soft": "it failed for now, which is remembered",
    "soft_suppressed": "it failed in several issues in a row: the address is suppressed",
    "no_host": "its domain has no server, which is remembered",
    "no_host_suppressed": "its domain has no server for the second time: the address is suppressed",
    "ours": "our network, sender or content was refused; not held against the reader",
    "eai": "the way there does not take such an address; not held against the reader",
    "complaint": "reported as spam",
    "complaint_ended": "reported as spam: the subscription ended, the address is suppressed",
    "complaint_outdated": "reported as spam, before the reader asked for mail again",
    "unsubscribed": "the reader left; the subscription had ended already",
    "unsubscribed_ended": "the reader left: the subscription ended",
    "unsubscribed_outdated": "the reader left, and asked for mail again since",
}
"""What each outcome of an event says, for editors."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One event about one message to one reader."""

    kind: str
    verdict: Verdict
    source: str
    at: datetime
    subscriber_id: int | None
    """None when the reader was erased."""
    publication_id: int | None
    issue_id: int | None
    """None for the mail of a sign-up."""


@dataclass(slots=True)
class Consequences:
    """Draws them one after the other, in one transaction."""

    session: Session
    settings: Bounces
    now: datetime
    remembered: set[int] = field(default_factory=set)
    """Readers of whom earlier failures are remembered."""
    gone: list[Gone] = field(default_factory=list)
    """Who left by it: for the journal, after the commit."""

    def draw(self, heard: Heard) -> str:
        """Do what follows; returns its word (WORDS)."""
        if heard.kind == Kind.DELIVERED:
            return self._delivered(heard)
        if heard.kind == Kind.BOUNCED and heard.verdict is not Verdict.NONE:
            return self._bounced(heard)
        if heard.kind == Kind.COMPLAINED:
            return self._complained(heard)
        if heard.kind == Kind.UNSUBSCRIBED:
            return self._unsubscribed(heard)
        return "deferred" if heard.kind == Kind.DEFERRED else "ignored"

    def _delivered(self, heard: Heard) -> str:
        if heard.subscriber_id in self.remembered:
            self._remember(heard)
        return "delivered"

    def _bounced(self, heard: Heard) -> str:
        verdict, reader = heard.verdict, heard.subscriber_id
        if verdict is Verdict.HARD and reader is not None:
            barred = reported.dead(self.session, reader, reported.HARD_BOUNCE, heard.at, self.now)
            return "hard_suppressed" if barred else "hard_released"
        if verdict in (Verdict.SOFT, Verdict.NO_HOST) and self._remember(heard):
            return f"{verdict}_suppressed"
        return verdict.value

    def _remember(self, heard: Heard) -> bool:
        if heard.subscriber_id is None or heard.issue_id is None:
            return False
        self.remembered.add(heard.subscriber_id)
        given_up = remembering.remember(self.session, heard.subscriber_id, self.settings, self.now)
        return given_up is not None

    def _complained(self, heard: Heard) -> str:
        if heard.subscriber_id is None or heard.publication_id is None:
            return "complaint"
        ended = reported.complained(
            self.session,
            heard.subscriber_id,
            heard.publication_id,
            wording=f"a message was reported as spam; told by {heard.source}",
            at=heard.at,
            now=self.now,
        )
        return self._ended("complaint", ended, again="complaint_ended")

    def _unsubscribed(self, heard: Heard) -> str:
        if heard.subscriber_id is None or heard.publication_id is None:
            return "unsubscribed"
        by_mail = heard.source == "mailbox"
        ended = reported.unsubscribed(
            self.session,
            heard.subscriber_id,
            heard.publication_id,
            how="mail" if by_mail else "provider",
            wording=f"left by a mail or at the provider; told by {heard.source}",
            at=heard.at,
            now=self.now,
        )
        return self._ended("unsubscribed", ended, again="unsubscribed")

    def _ended(self, word: str, ended: reported.Ended, *, again: str) -> str:
        if ended.gone is not None:
            self.gone.append(ended.gone)
            return f"{word}_ended"
        return f"{word}_outdated" if ended.outcome == "came_back" else again
