"""Reads one mail that came to the bounce address or the leave address. Pure, and never raises.

What a mail claims counts only for the delivery that a genuine token of ours names: the one in the
address to which it came (the return path), or the Message-ID of the message that came back with
it. Where our messages have return paths of their own the latter alone is not enough: it stands in
every answer that a reader writes to anybody (docs/decisions/returned-mail.md).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

from newsletter.core.log import redact
from newsletter.core.tokens import TOKEN_IN_TEXT
from newsletter.delivery.returning import automatic, naming, plain_words, reports
from newsletter.delivery.returning.mail import HEADER, Fields, Mail, first, opened
from newsletter.delivery.returning.naming import Named
from newsletter.delivery.returning.reports import Verdict
from newsletter.providers.events import Event, Kind
from subscribers.mailto import token_in_mail

KEPT = 32_000
"""Bytes of a mail that nobody understood, for somebody to look at."""
_LEAVE_LINE = re.compile(rf"^[ \t]*leave[ \t]+({TOKEN_IN_TEXT.pattern})[ \t]*$", re.M)


@dataclass(frozen=True, slots=True)
class Returned:
    """What one mail says to us."""

    ours: bool = False
    """It came to a genuine address of ours, or returns a genuine message: dealt with hereby."""
    event: Event | None = None
    leave: str | None = None
    """The token, still to be verified, of somebody who asks by mail to leave."""


def read(data: bytes, secret: bytes, *, by_path: bool) -> Returned:
    """What a mail says; nothing when it is an automatic answer, or none of our business.

    `secret` is the ring's `index`; `by_path` says that messages go out with return paths of their
    own (`bounces.address` is set).
    """
    found = opened(data)
    path = naming.received_path(found.fields, secret)
    desk = _Desk(found, data, secret, by_path=by_path)
    if (report := _report(desk, path)) is not None:
        return report
    if (wish := _wish(data, found)) is not None:
        return Returned(leave=wish)
    if automatic.from_a_server(found.fields) and automatic.tells_of_failure(found.fields):
        return desk.bounce(path, plain_words.original(found), plain_words.verdict(found))
    if path is None or automatic.is_automatic(found.fields):
        return Returned(ours=path is not None)
    return Returned(ours=True, event=desk.event(Named(path), Verdict(Kind.OTHER)))


def _report(desk: _Desk, path: int | None) -> Returned | None:
    """What a mail made for machines says; None when it is no such mail."""
    if (abuse := reports.complaint(desk.mail)) is not None:
        return desk.complaint(path, *abuse)
    if (verdict := reports.delivery_status(desk.mail)) is not None:
        return desk.bounce(path, naming.original_of(desk.mail), verdict)
    return Returned(ours=path is not None) if reports.is_read_receipt(desk.mail) else None


@dataclass(frozen=True, slots=True)
class _Desk:
    """One mail while it is judged."""

    mail: Mail
    data: bytes
    secret: bytes
    by_path: bool

    def bounce(self, path: int | None, original: Fields, verdict: Verdict) -> Returned:
        """A report on delivery, from a mail server only: reports have no sender (RFC 3464 §2)."""
        if not automatic.from_a_server(self.mail.fields):
            verdict = Verdict(Kind.OTHER)
        # Servers name a mailbox without its domain too; our own message says which it was.
        reader = first(original, "to").partition("<")[2].partition(">")[0] or first(original, "to")
        verdict = replace(verdict, answer=redact(verdict.answer, reader))
        return self._about(Named(path, naming.message_named(original, self.secret)), verdict)

    def complaint(self, path: int | None, kind: Kind | None, report: Fields) -> Returned:
        """A feedback report. It comes to an address that was agreed on, so the returned message
        names the delivery: by the return path that it was sent with (RFC 5965 §3.2)."""
        original = naming.original_of(self.mail)
        told = [*original.get("return-path", ()), *report.get("original-mail-from", ())]
        message = naming.message_named(original, self.secret)
        if path is None:
            path = naming.path_named(told, self.secret)
        named = Named(path, message)
        if kind is None:
            return Returned(ours=path is not None or message is not None)
        recipient = first(report, "original-rcpt-to").strip("<>")
        answer = first(report, "feedback-type")[:40]
        return self._about(named, Verdict(kind, answer=answer, recipient=recipient))

    def _about(self, named: Named, verdict: Verdict) -> Returned:
        if named.path is None and named.message is None:
            return Returned()
        if named.contradicts or (self.by_path and named.path is None):
            verdict = Verdict(Kind.OTHER)
        return Returned(ours=True, event=self.event(named, verdict))

    def event(self, named: Named, verdict: Verdict) -> Event:
        """What follows for the delivery that is named."""
        references = named.references(self.secret)
        return Event(
            kind=verdict.kind,
            key=self._key(references),
            at=_date(first(self.mail.fields, "date")),
            references=references,
            recipient=verdict.recipient,
            status=verdict.status,
            answer=verdict.answer,
            permanent=verdict.permanent,
            raw=self.data[:KEPT] if verdict.kind is Kind.OTHER else b"",
        )

    def _key(self, references: tuple[str, ...]) -> str:
        """The same for the same mail however it came here, and by which way again."""
        told = self.mail.part("message/delivery-status", "message/global-delivery-status")
        bodies = [told] if told else self.mail.parts[:1]
        own = first(self.mail.fields, "message-id")
        pieces = [*references, own, *(hashlib.sha256(one.body).hexdigest() for one in bodies)]
        return hashlib.sha256("\n".join(pieces).encode("utf-8", "replace")).hexdigest()


def _wish(data: bytes, found: Mail) -> str | None:
    """The token of a wish to leave: in the header, or alone on a line as the subject has it.

    Anywhere else in the text it is a link that was quoted, and asks for nothing.
    """
    if (token := token_in_mail(data[:HEADER])) is not None:
        return token
    text = _text(found)
    match = None if automatic.is_automatic(found.fields) else _LEAVE_LINE.search(text)
    return match[1] if match else None


def _text(found: Mail) -> str:
    """The beginning of what was written."""
    part = found.part("text/plain")
    return part.text[:20_000] if part else ""


def _date(value: str) -> datetime | None:
    """When it was written; None when it does not say, or names no day of our time."""
    try:
        parts = parsedate_tz(value[:100])
        if parts is None or not 2000 <= parts[0] <= 2200:
            return None
        return datetime(*parts[:6], tzinfo=UTC) - timedelta(seconds=parts[9] or 0)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
