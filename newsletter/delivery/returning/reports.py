"""Reports made for machines: delivery status (RFC 3464) and abuse (RFC 5965). Pure.

Judged by `Status` and not by `Action`: a message that was given up after days in a queue is
`failed` with 4.4.1 or 4.3.0, and the mailbox may be in best health.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from newsletter.core.log import redact
from newsletter.delivery.returning.mail import Fields, Mail, each_field, fields_of, first
from newsletter.providers.events import Kind

STATUS = re.compile(r"(?<![\d.])([245])\.[0-7]\.\d{1,3}(?![\d.]*\d)")
"""An enhanced status code (RFC 3463 §2): no piece of an IP address, and no version of Exim."""
_REPLY = re.compile(r"(?<![\d.])([45])\d\d(?=[ -])")
_STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")
_RECIPIENTS = 100
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a mail server says became of a message."""

    kind: Kind
    status: str = ""
    permanent: bool | None = None
    answer: str = field(default="", repr=False)
    recipient: str = field(default="", repr=False)

    @property
    def weight(self) -> int:
        """The larger the worse for the reader; a hard bounce is the worst."""
        if self.kind is Kind.BOUNCED:
            return {False: 3, None: 4, True: 5}[self.permanent]
        return {Kind.DELIVERED: 0, Kind.DEFERRED: 2}.get(self.kind, 1)


def delivery_status(mail: Mail) -> Verdict | None:
    """What a report on delivery says; None when the mail is none.

    Our messages have one recipient, so several in one report are those an alias stands for, and
    the mildest word counts: who got it under one of them is not to be barred for the others.
    """
    part = mail.part(*_STATUS_PARTS)
    if part is None:
        return None
    found = [_judged(group) for group in _groups(part.text)]
    return min(found, key=lambda one: one.weight, default=Verdict(Kind.OTHER))


def complaint(mail: Mail) -> tuple[Kind | None, Fields] | None:
    """What a feedback report says, and its fields; None when the mail is none.

    The kind is None for reports that are no reader's word about us (RFC 6591, RFC 6430).
    """
    part = mail.part("message/feedback-report")
    if part is None:
        return None
    fields = fields_of(part.text)
    told = first(fields, "feedback-type").strip().lower()
    return _FEEDBACK.get(told, Kind.OTHER), fields


_FEEDBACK: dict[str, Kind | None] = {
    "abuse": Kind.COMPLAINED,
    "fraud": Kind.COMPLAINED,
    "opt-out": Kind.UNSUBSCRIBED,
    "not-spam": None,
    "auth-failure": None,
}


def is_read_receipt(mail: Mail) -> bool:
    """Whether it says that somebody opened the message (RFC 8098), which nobody wants to know."""
    return any(part.kind.endswith("disposition-notification") for part in mail.parts)


def _groups(text: str) -> list[dict[str, str]]:
    """The fields of each recipient. Empty lines are not believed: servers put too many or none."""
    found: list[dict[str, str]] = []
    for name, value in each_field(text):
        if _begins(name, found[-1] if found else None) and len(found) < _RECIPIENTS:
            found.append({})
        if found:
            found[-1].setdefault(name, value)
    return found


def _begins(name: str, group: dict[str, str] | None) -> bool:
    if group is None:
        return name in ("original-recipient", "final-recipient", "action", "status")
    if name == "original-recipient":
        return "action" in group or "status" in group
    return name in ("final-recipient", "action", "status") and name in group


def _judged(group: dict[str, str]) -> Verdict:
    action = group.get("action", "").partition("(")[0].strip().lower()
    said = group.get("diagnostic-code", "")
    answer = re.sub(r"^\s*[\w-]+\s*;\s*", "", said)[:_LONGEST]
    status = _status(group.get("status", ""), answer)
    kind, permanent = _fate(action, _class(status, answer))
    recipients = [_mailbox(group.get(f"{which}-recipient", "")) for which in ("final", "original")]
    for one in recipients:
        answer = redact(answer, one)
    return Verdict(kind, status, permanent, answer, recipients[0] or recipients[1])


def _status(told: str, answer: str) -> str:
    """The code; where it says no more than its class, the finer one of the answer."""
    own, finer = STATUS.search(told), STATUS.search(answer)
    if own is None or (own[0].endswith(".0.0") and finer is not None and finer[1] == own[1]):
        own = finer or own
    return own[0] if own else ""


def _class(status: str, answer: str) -> str:
    """2, 4 or 5, or nothing where neither a code nor an answer says."""
    reply = _REPLY.search(answer)
    return status[:1] or (reply[1] if reply else "")


def _fate(action: str, digit: str) -> tuple[Kind, bool | None]:
    match action, digit:
        case ("delayed", "4" | "5" | "") | ("", "4"):
            return Kind.DEFERRED, None
        case ("failed", "4" | "5" | "") | ("", "5"):
            return Kind.BOUNCED, {"4": False, "5": True}.get(digit)
        case "delivered", "2" | "":
            return Kind.DELIVERED, None
    return Kind.OTHER, None


def _mailbox(value: str) -> str:
    """The address of `rfc822; reader@example.org`."""
    return value.partition(";")[2].strip().strip("<>")[:320]
