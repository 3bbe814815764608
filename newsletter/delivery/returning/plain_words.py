"""Bounces written for people: qmail, old Exim, Sendmail and Exchange. Pure.

Only the code is taken from them, and where a permanent failure is meant without one, that.
Whom it is about, the token says; what the text says of addresses counts for nothing.
"""

from __future__ import annotations

import re

from newsletter.delivery.returning.mail import HEADER, Fields, Mail, each_field
from newsletter.delivery.returning.naming import original_of
from newsletter.delivery.returning.reports import STATUS, Verdict
from newsletter.providers.events import Kind

_COPY = re.compile(
    r"^(---+ ?(below this line is|this is) (a|the) copy|---+ ?(a )?copy of (the|your)|"
    r"\s*---+ ?(original message|undelivered message|returned message|unsent message|"
    r"message header follows|message headers follow|the body of the message|original headers)|"
    r"return-path:|received:)",
    re.IGNORECASE | re.MULTILINE,
)
_DELAYED = re.compile(
    r"transient non-fatal|not yet been delivered|has(n't| not) been delivered|still trying|"
    r"will (continue|keep|be) (to try|trying|retried)|no action is required on your part|"
    r"you do not need to resend|this is a warning message only|delivery .{0,40}delayed",
    re.IGNORECASE,
)
_PERMANENT = re.compile(
    r"permanent (fatal )?error|i've given up|giving up|permanently rejected|fatal error",
    re.IGNORECASE,
)
_REPLY = re.compile(r"(?<![\d.\w])([45])[0-5]\d(?=[ -])[^\n]*")
_LOOKED_AT = 20_000
_LONGEST = 500


def verdict(mail: Mail) -> Verdict:
    """What such a mail says; OTHER when no code and no known phrase stands in it."""
    text = _own_words(mail)
    status, answer = _code(text)
    digit = status[:1] or _reply_class(answer)
    if digit == "2":
        status, digit = "", ""
    if _DELAYED.search(text) and digit != "5":
        return Verdict(Kind.DEFERRED, status, None, answer)
    if not digit and not _PERMANENT.search(text):
        return Verdict(Kind.OTHER)
    return Verdict(Kind.BOUNCED, status, digit != "4", answer)


def original(mail: Mail) -> Fields:
    """The returned message: in a part of its own, or as most of these programs put it, below."""
    if attached := original_of(mail):
        return attached
    text = _text(mail)
    copy = _COPY.search(text)
    found: Fields = {}
    for name, value in each_field(text[copy.start() :][:HEADER] if copy else ""):
        found.setdefault(name, []).append(value)
    return found


def _own_words(mail: Mail) -> str:
    text = _text(mail)
    found = _COPY.search(text)
    return text[: found.start() if found else len(text)][:_LOOKED_AT]


def _text(mail: Mail) -> str:
    part = mail.part("text/plain", "text/html", "text/enriched")
    return part.text[:200_000] if part else ""


def _code(text: str) -> tuple[str, str]:
    """The first enhanced code with its line; else the first line with a reply code."""
    if found := STATUS.search(text):
        start = text.rfind("\n", 0, found.start()) + 1
        end = text.find("\n", found.end())
        return found[0], text[start : end if end > 0 else None].strip()[:_LONGEST]
    reply = _REPLY.search(text)
    return "", reply[0].strip()[:_LONGEST] if reply else ""


def _reply_class(answer: str) -> str:
    found = _REPLY.search(answer)
    return found[1] if found else ""
