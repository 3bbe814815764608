"""What an SMTP answer, or its absence, means for one message. Pure.

The whole truth depends on the stage: before the last byte of the body nothing can have been
taken; after the final dot only an answer tells (RFC 5321 §4.2.5, RFC 1047).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from newsletter.core.errors import ProviderError, Retry
from newsletter.core.log import redact

_ENHANCED = re.compile(r"^\s*([245]\.\d{1,3}\.\d{1,3})(?=\s|$)")
_OURS = re.compile(
    r"relaying|relay (?:access|not|is)|(?:not|cannot|unable to) relay|rcpthosts|#5\.7\.\d"
    r"|authentication|authenticate|not logged in",
    re.IGNORECASE,
)
"""How servers without enhanced codes say that we may not send through them."""
_LONGEST_ANSWER = 500


class Stage(StrEnum):
    """How far a message had come."""

    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BODY = "the message"
    DOT = "the end of the message"
    """The last bytes may have left: from here on silence means unknown."""


class Reply(NamedTuple):
    """One answer: its code and its lines without the code."""

    code: int
    text: str

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463) such as 5.1.1, or nothing."""
        found = _ENHANCED.match(self.text)
        return found[1] if found else ""

    @classmethod
    def of(cls, said: bytes) -> Reply:
        """From the words of one line."""
        return cls(int(said[:3]), said[4:].decode("utf-8", "replace"))

    def shown(self, recipient: str = "") -> str:
        """For the ledger: one line, bounded, without any address or the reader's own name."""
        text = redact(" ".join(f"{self.code} {self.text}".split()), recipient)
        if not text.isprintable():
            text = "".join(c for c in text if c.isprintable())
        return text[:_LONGEST_ANSWER]


class Refused(Exception):
    """The server said no at this stage."""

    def __init__(self, stage: Stage, reply: Reply) -> None:
        self.stage, self.reply = stage, reply
        super().__init__(stage, reply.code)

    @property
    def ends_connection(self) -> bool:
        """421 closes; 503 says that both sides disagree where they are; a body cannot be undone."""
        return self.reply.code in (421, 503) or self.stage is Stage.BODY


class Broken(Exception):
    """No usable answer came at this stage: the line was lost, silent, or spoke no SMTP."""

    def __init__(self, stage: Stage, cause: str) -> None:
        self.stage, self.cause = stage, cause
        super().__init__(stage, cause)


def judge(failure: Refused | Broken, place: str, recipient: str) -> ProviderError:
    """What a failure means for its message."""
    if isinstance(failure, Broken):
        return judge_broken(failure, place)
    return judge_refused(failure, place, recipient)


def judge_broken(broken: Broken, place: str) -> ProviderError:
    """A missing answer: before the dot the message was not taken, after it nobody knows."""
    if broken.stage is Stage.DOT:
        return ProviderError(
            f"{place} {broken.cause} after the whole message was handed over; it may have been "
            "taken, so it is not sent again by itself",
            retry=Retry.UNKNOWN,
            answer=f"no answer: {broken.cause}",
        )
    return ProviderError(
        f"{place} {broken.cause} at {broken.stage}; nothing was taken, it is tried again",
        retry=Retry.LATER,
        answer=f"no answer: {broken.cause}",
    )


def judge_refused(refused: Refused, place: str, recipient: str) -> ProviderError:
    """What a refusal means: later, never, or that the whole issue must wait (`halts`)."""
    stage, reply = refused.stage, refused.reply
    answer = reply.shown(recipient)
    if reply.code < 500 or reply.code == 503:
        return ProviderError(
            f"{place} put a message off at {stage} ({answer})",
            retry=Retry.LATER,
            answer=answer,
            recipient=stage is Stage.RCPT and reply.code not in (421, 503),
        )
    if reply.code in (530, 535) or stage is Stage.MAIL:
        sentence = _why_all(reply, place, answer)
        return ProviderError(sentence, retry=Retry.LATER, answer=answer, halts=True)
    if _is_ours(reply):
        sentence = (
            f"{place} does not take our mail at {stage} ({answer}); check smtp.host, the login, "
            "sender.address and, with the server's operator, whether you may send through it"
        )
        return ProviderError(sentence, retry=Retry.LATER, answer=answer, ours=True)
    return ProviderError(
        f"{place} refused a message at {stage} ({answer})",
        retry=Retry.NEVER,
        answer=answer,
        recipient=_blames_address(stage, reply),
    )


def _why_all(reply: Reply, place: str, answer: str) -> str:
    """Nobody's address has been named yet: whatever is wrong is wrong for everybody."""
    if reply.code == 530 and "tls" in reply.text.lower():
        return f"{place} wants TLS ({answer}); set smtp.security to starttls or tls"
    if reply.code in (530, 535):
        return f"{place} wants a login ({answer}); set smtp.username and smtp.password"
    if reply.code == 552 or reply.enhanced == "5.3.4":
        return f"{place} refuses the message as too large ({answer}); take out or shrink the image"
    return (
        f"{place} refuses the sender of this publication ({answer}); check its sender.address "
        "and whether this login may write under it"
    )


def _is_ours(reply: Reply) -> bool:
    """5.7.x is about who we are or what we write, never about the reader (RFC 3463 §3.8)."""
    if reply.enhanced:
        return reply.enhanced.startswith("5.7.")
    return _OURS.search(redact(reply.text)) is not None


def _blames_address(stage: Stage, reply: Reply) -> bool:
    """5.1.7 and 5.1.8 speak of the sender; without an enhanced code only RCPT is about one."""
    if reply.enhanced:
        ours = reply.enhanced in ("5.1.7", "5.1.8")
        return reply.enhanced.startswith(("5.1.", "5.2.")) and not ours
    return stage is Stage.RCPT and reply.code in (501, 550, 551, 553)
