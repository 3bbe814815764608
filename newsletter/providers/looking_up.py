"""Asking a provider whether it took a message, where its log can be asked by a mark of ours.

The answer settles what no answer to the message itself did. "Not taken" makes somebody send it
again, so it is said only when the log was seen whole, and at a time when the message must stand in
it: not so soon that it may not be written yet, not so late that it may be forgotten.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from newsletter.core.clock import now
from newsletter.core.provider_settings import Http
from newsletter.providers.base import Provider
from newsletter.providers.pooling import Pooled
from newsletter.providers.references import is_reference

if TYPE_CHECKING:
    from newsletter.core.http import Reply

_LONGEST = 2_000_000


class Finding(StrEnum):
    """What a provider's log says of one message."""

    TAKEN = "taken"
    NOT_TAKEN = "not_taken"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Found:
    """A finding, and in words why; holds no address."""

    finding: Finding
    answer: str = ""


@runtime_checkable
class LooksUp(Protocol):
    """A provider that can be asked; one that is no LooksUp cannot (SES, Resend, SMTP)."""

    def look_up(self, message_id: str, recipient: str, since: datetime) -> Found:
        """Whether this message was taken; never raises for what the other side does.

        `message_id` is ours, `since` is when the message was last about to leave. CANNOT_TELL also
        means that asking again an hour later may help.
        """


def who_looks_up(provider: Provider) -> LooksUp | None:
    """The one to ask about messages of this provider; None when it cannot be asked."""
    inner = provider.inner if isinstance(provider, Pooled) else provider
    return inner if isinstance(inner, LooksUp) else None


@dataclass(frozen=True, slots=True)
class Question:
    """One GET; `headers` hold the key."""

    url: str
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sought:
    """The message that is looked for: our Message-ID, its left half, whose it is, since when."""

    message_id: str
    reference: str
    recipient: str = field(repr=False)
    since: datetime


class AskedByLog(ABC):
    """`look_up` for an HttpProvider: it says what to ask, and reads the answer."""

    name: str
    log_is_whole_after: ClassVar[timedelta] = timedelta(hours=1)
    """By then the message stands in the log if it was taken."""
    log_is_kept_for: ClassVar[timedelta]
    """The shortest time for which any plan of theirs keeps it."""
    _http: Http

    @abstractmethod
    def question(self, sought: Sought) -> Question:
        """How to ask for the message."""

    @abstractmethod
    def finding(self, said: Mapping[str, Any], sought: Sought) -> Finding:
        """What the answer says: NOT_TAKEN when the log is there as a whole without the message."""

    def look_up(self, message_id: str, recipient: str, since: datetime) -> Found:
        """As LooksUp says it."""
        bare = message_id.strip("<>")
        reference = bare.partition("@")[0]
        if not is_reference(reference):
            return _cannot("the message has no mark of ours")
        # Only now: a worker that sends by SMTP has 5 MB less to carry.
        from newsletter.core.http import Client, Limits, NoAnswer  # noqa: PLC0415

        sought = Sought(bare, reference, recipient, since)
        http = self._http
        limits = Limits(http.connect_timeout, http.write_timeout, http.answer_timeout)
        client = Client(limits=limits, proxy=http.proxy)
        question = self.question(sought)
        try:
            reply = client.get(question.url, question.headers, longest=_LONGEST)
        except NoAnswer as err:
            return _cannot(f"{self.name} {err.cause}")
        finally:
            client.close()
        return self._understood(reply, sought, now())

    def _understood(self, reply: Reply, sought: Sought, at: datetime) -> Found:
        said = _object(reply.body)
        if reply.status != 200 or said is None:
            return _cannot(f"{self.name} answered {reply.status} without its log")
        finding = self.finding(said, sought)
        age = at - sought.since
        in_time = self.log_is_whole_after <= age <= self.log_is_kept_for
        if finding is Finding.NOT_TAKEN and not in_time:
            return _cannot(f"{self.name} does not know it, but its log need not hold it now")
        return Found(finding, f"{self.name}: {_WORDS[finding]}")


_WORDS = {
    Finding.TAKEN: "the message stands in its log",
    Finding.NOT_TAKEN: "the message does not stand in its log",
    Finding.CANNOT_TELL: "its log does not tell this message from others",
}


def _cannot(why: str) -> Found:
    return Found(Finding.CANNOT_TELL, why)


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def entries(said: Mapping[str, Any], name: str) -> list[Mapping[str, Any]] | None:
    """The list of this name; None when there is none, or something else stands in it."""
    found = said.get(name)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        return None
    return found
