"""This machine's clock, against those of others as they said it themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from newsletter.doctor.findings import Finding, Verdict

_NOTICED, _WRONG = timedelta(minutes=2), timedelta(minutes=30)
_RULE = "mails dated in the future or past are taken for spam, and slots fire at the wrong time"
_SOURCE = "RFC 5322 §3.6.1; RFC 9110 §6.6.1"


@dataclass(frozen=True)
class Witness:
    """What another machine said the time was, and when it was heard; `here` when it is this one."""

    who: str
    said: datetime
    heard: datetime
    here: bool = False


def heard(who: str, text: str, at: datetime, *, here: bool = False) -> Witness | None:
    """A witness by the Date header of an HTTP answer; None when that is no date."""
    try:
        said = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if said.tzinfo is None:
        said = said.replace(tzinfo=UTC)
    return Witness(who, said, at, here)


def judged(witnesses: Sequence[Witness]) -> Finding:
    """Whether the clock is right, by the witness that is nearest to it."""
    subject = "clock"
    if not witnesses:
        text = "nobody told the time"
        return Finding(subject, Verdict.UNKNOWN, text, rule=_RULE, source=_SOURCE)
    nearest = min(witnesses, key=lambda one: abs(one.said - one.heard))
    off = nearest.heard - nearest.said
    if abs(off) >= _NOTICED:
        way = "ahead of" if off > timedelta(0) else "behind"
        return Finding(
            subject,
            Verdict.BAD if abs(off) >= _WRONG else Verdict.WARNING,
            f"it is {round(abs(off) / timedelta(minutes=1))} minutes {way} that of {nearest.who}",
            "let this machine take its time from the network (NTP): timedatectl set-ntp true",
            _RULE,
            _SOURCE,
        )
    if all(one.here for one in witnesses):
        text = "only this machine itself was asked"
        return Finding(subject, Verdict.UNKNOWN, text, rule=_RULE, source=_SOURCE)
    text = f"it agrees with that of {nearest.who}"
    return Finding(subject, Verdict.GOOD, text, rule=_RULE, source=_SOURCE)
