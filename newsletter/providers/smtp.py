"""The SMTP provider: lines that are kept open over many messages, and honest about each one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from newsletter.core.errors import ProviderError, Retry
from newsletter.core.settings import Smtp
from newsletter.providers.base import Envelope, Watch
from newsletter.providers.carrying import one_by_one
from newsletter.providers.smtp_answers import (
    Broken,
    Refused,
    Reply,
    Stage,
    judge_broken,
    judge_refused,
)
from newsletter.providers.smtp_dialogue import Dialogue, has_bare_line_ends, stuffed
from newsletter.providers.smtp_opening import open_dialogue


class SmtpProvider:
    """One server, as the settings name it; `connect()` may be called from many threads."""

    name = "smtp"
    takes_return_path = True
    repeats_safely_for = None

    def __init__(self, settings: Smtp) -> None:
        self._settings = settings

    def connect(self) -> SmtpConnection:
        """An open line; NotConnected says in one sentence why there is none."""
        return SmtpConnection(self._settings)


class SmtpConnection:
    """One line of one thread; opens itself anew after `max_per_connection` or a hang-up."""

    def __init__(self, settings: Smtp) -> None:
        self._settings = settings
        self._place = f"{settings.host}:{settings.port}"
        self._carried = 0
        self._line: Dialogue | None = open_dialogue(settings)

    def submit(self, envelope: Envelope, before_body: Callable[[], None]) -> str:
        """Hand over one message, lock-step, and return the server's answer.

        A line that was kept open and turns out dead at MAIL (idle limits, 421) is opened anew
        once: nothing had been said about this message yet.
        """
        if has_bare_line_ends(envelope.data):
            raise ProviderError(
                f"delivery {envelope.delivery_id} holds a bare line end; report this",
                retry=Retry.LATER,
                halts=True,
            )
        recipient = envelope.recipient.text
        try:
            return self._twice_if_stale(envelope, before_body).shown(recipient)
        except Refused as refused:
            self._after(refused)
            raise judge_refused(refused, self._place, recipient) from None
        except Broken as broken:
            self._drop()
            raise judge_broken(broken, self._place) from None

    def carry(self, envelopes: Iterator[Envelope], watch: Watch) -> None:
        """One after the other, lock-step."""
        one_by_one(self, envelopes, watch)

    def close(self) -> None:
        """Say QUIT and hang up."""
        line, self._line = self._line, None
        if line is not None:
            line.quit()

    def _twice_if_stale(self, envelope: Envelope, before_body: Callable[[], None]) -> Reply:
        kept = self._line is not None and self._carried > 0
        try:
            return self._once(envelope, before_body)
        except (Broken, Refused) as err:
            closed = isinstance(err, Broken) or err.reply.code == 421
            if not (kept and closed and err.stage is Stage.MAIL):
                raise
        self._drop()
        return self._once(envelope, before_body)

    def _once(self, envelope: Envelope, before_body: Callable[[], None]) -> Reply:
        line = self._open()
        mail, rcpt = _commands(envelope, line, self._place)
        self._carried += 1
        try:
            return line.transact(mail, rcpt, stuffed(envelope.data), before_body)
        except (Refused, Broken):
            raise
        except BaseException:
            # Raised by before_body: the server waits for a body, and a hang-up takes it back.
            self._drop()
            raise

    def _open(self) -> Dialogue:
        if self._line is not None and self._carried >= self._settings.max_per_connection:
            self.close()
        if self._line is None:
            self._carried = 0
            self._line = open_dialogue(self._settings)
        return self._line

    def _after(self, refused: Refused) -> None:
        """Keep the line if it can be kept: after the dot it is clean, before it RSET cleans."""
        if self._line is None or (refused.stage is Stage.DOT and not refused.ends_connection):
            return
        if refused.ends_connection or not self._line.reset():
            self._drop()

    def _drop(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.drop()


def _commands(envelope: Envelope, line: Dialogue, place: str) -> tuple[bytes, bytes]:
    """MAIL and RCPT. SMTPUTF8 (RFC 6531) only when an address needs it; SIZE when offered."""
    options = ""
    if envelope.recipient.needs_smtputf8 or not envelope.sender.isascii():
        if "smtputf8" not in line.features:
            raise _needs_smtputf8(envelope, place)
        options += " SMTPUTF8"
    if "size" in line.features:
        _require_size(len(envelope.data), line.features["size"], place)
        options += f" SIZE={len(envelope.data)}"
    mail = f"MAIL FROM:<{envelope.sender}>{options}"
    return mail.encode(), f"RCPT TO:<{envelope.recipient.text}>".encode()


def _needs_smtputf8(envelope: Envelope, place: str) -> ProviderError:
    if envelope.sender.isascii():
        return ProviderError(
            f"{place} cannot write to an address with letters beyond ASCII (needs SMTPUTF8)",
            retry=Retry.NEVER,
            answer="needs SMTPUTF8, which the server does not offer",
            recipient=True,
        )
    return ProviderError(
        f"{place} cannot carry a sender with letters beyond ASCII (needs SMTPUTF8); set another "
        "sender.address for the publication",
        retry=Retry.LATER,
        halts=True,
    )


def _require_size(size: int, offered: str, place: str) -> None:
    """RFC 1870: a limit of 0, or none, means that the server names no limit."""
    limit = int(offered) if offered.strip().isdigit() else 0
    if 0 < limit < size:
        raise ProviderError(
            f"{place} takes messages up to {limit // 1000} kB and this issue has "
            f"{size // 1000} kB; take out or shrink the image",
            retry=Retry.LATER,
            halts=True,
        )
