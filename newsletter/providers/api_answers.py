"""What an HTTP answer, or its absence, means for one message. Pure.

A message is one request, so the status speaks of it alone. The rule behind all of them: LATER and
NEVER only when it certainly was not taken. A 5xx after the body may come from a gateway in front
of a machine that took it, and a 2xx without the provider's own id may come from anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from newsletter.core.errors import ProviderError, Retry
from newsletter.core.http import Reply
from newsletter.providers.hints import wait_seconds
from newsletter.providers.quoting import quoted


class Verdict(StrEnum):
    """What became of a message that was not plainly taken."""

    LATER = "put a message off"
    RECIPIENT = "does not accept the recipient of a message"
    OURS = "refuses what we send"
    """The reader is blameless: our content, or what we wrote around it."""
    HALTS = "does not take mail from us"
    TOO_LARGE = "refuses a message as too large"
    UNKNOWN = "may or may not have taken a message"


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer says: the id of a message that was taken, or a code and words."""

    identifier: str = ""
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Who answered, for sentences; `secrets` never stand in one."""

    name: str
    host: str
    secrets: tuple[str, ...]
    section: str
    """Where its settings stand."""


def by_status(status: int) -> Verdict:
    """The verdict of a status alone, for a provider that says nothing better."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return Verdict.OURS if 400 <= status < 500 else Verdict.UNKNOWN


_BY_STATUS = {
    # Moved: our address for it is wrong. 303 would mean that it was processed.
    **dict.fromkeys((301, 302, 307, 308), Verdict.HALTS),
    # No login, no credit, not allowed, no such account or domain.
    **dict.fromkeys((401, 402, 403, 404, 405, 407), Verdict.HALTS),
    # 408: an incomplete request. 420: SparkPost's plan limit. 425: before TLS was sure.
    **dict.fromkeys((408, 420, 425, 429), Verdict.LATER),
    # Another request with the same key: that one may have been taken.
    409: Verdict.UNKNOWN,
    413: Verdict.TOO_LARGE,
}


def judged(
    verdict: Verdict, reply: Reply, told: Told, *, place: Place, recipient: str, now: datetime
) -> ProviderError:
    """The error that tells the delivery room the whole truth of this answer."""
    answer = _answer(reply.status, told, place, recipient)
    sentence = f"{place.name} ({place.host}) {verdict} ({answer}){_advice(verdict, place)}"
    hint = verdict in (Verdict.LATER, Verdict.UNKNOWN)
    return ProviderError(
        sentence,
        retry=_RETRY.get(verdict, Retry.LATER),
        answer=answer,
        halts=verdict is Verdict.HALTS,
        recipient=verdict is Verdict.RECIPIENT,
        ours=verdict in (Verdict.OURS, Verdict.TOO_LARGE),
        wait_seconds=wait_seconds(reply.headers, now) if hint else None,
    )


def silent(cause: str, place: Place) -> ProviderError:
    """No answer after the body had begun to leave: nobody knows."""
    return ProviderError(
        f"{place.name} ({place.host}) {cause} after a message was on its way; it may have been "
        "taken, so it is not sent again by itself",
        retry=Retry.UNKNOWN,
        answer=f"no answer: {cause}",
    )


def accepted(reply: Reply, told: Told, place: Place) -> str:
    """The yes, with the provider's id of the message so that it can be found there."""
    identifier = told.identifier.strip("<>").partition("@")[0]
    return quoted(f"{reply.status} accepted as {identifier}", secrets=place.secrets)


_RETRY = {
    Verdict.RECIPIENT: Retry.NEVER,
    Verdict.TOO_LARGE: Retry.NEVER,
    Verdict.UNKNOWN: Retry.UNKNOWN,
}


def _answer(status: int, told: Told, place: Place, recipient: str) -> str:
    words = told.message or "without a word that could be read"
    text = f"{status} {told.code}: {words}" if told.code else f"{status} {words}"
    return quoted(text, recipient=recipient, secrets=place.secrets)


def _advice(verdict: Verdict, place: Place) -> str:
    match verdict:
        case Verdict.HALTS:
            return f"; check [{place.section}] in the settings, and the account there"
        case Verdict.OURS:
            return "; nobody is blamed for it, look at the sender and the content"
        case Verdict.TOO_LARGE:
            return "; take out or shrink the image"
        case Verdict.UNKNOWN:
            return "; it is not sent again by itself"
        case _:
            return ""
