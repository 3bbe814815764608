"""One message made ready for one line: its commands, its bytes, and what cannot go at all. Pure."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping

from newsletter.core.errors import ProviderError, Retry
from newsletter.providers.base import Envelope

_DOT_AHEAD = re.compile(rb"\n\.")
_FEW = 64
_LF = 10


class Letter:
    """An envelope as this line takes it: MAIL and RCPT, and the message ending with CRLF."""

    __slots__ = ("body", "envelope", "mail", "rcpt")

    def __init__(self, envelope: Envelope, features: Mapping[str, str], place: str) -> None:
        """ProviderError when it cannot go over this line, before anything was said about it."""
        data = envelope.data
        if not envelope.ready and has_bare_line_ends(data):
            raise ProviderError(
                f"delivery {envelope.delivery_id} holds a bare line end; report this",
                retry=Retry.LATER,
                halts=True,
            )
        self.envelope = envelope
        options = _options(envelope, features, place)
        self.mail = f"MAIL FROM:<{envelope.sender}>{options}\r\n".encode()
        self.rcpt = f"RCPT TO:<{envelope.recipient.text}>\r\n".encode()
        self.body = data if data.endswith(b"\r\n") else data + b"\r\n"

    @property
    def stuffed(self) -> bytes:
        """The body as DATA wants it."""
        return self.body if self.envelope.ready else stuffed(self.body)


class Pile:
    """Envelopes yet to go: what was taken too early can be put back on top."""

    def __init__(self, envelopes: Iterator[Envelope]) -> None:
        self._envelopes = envelopes
        self._top: list[Envelope] = []
        self._ended = False

    def take(self) -> Envelope | None:
        """The next one; raises what the iterator raises."""
        if self._top:
            return self._top.pop()
        if self._ended:
            return None
        envelope = next(self._envelopes, None)
        self._ended = envelope is None
        return envelope

    def is_empty(self) -> bool:
        """Nothing is left; may ask the iterator."""
        envelope = self.take()
        if envelope is not None:
            self.put_back(envelope)
        return envelope is None

    def put_back(self, envelope: Envelope) -> None:
        """It comes next again."""
        self._top.append(envelope)


def _options(envelope: Envelope, features: Mapping[str, str], place: str) -> str:
    """SMTPUTF8 (RFC 6531) only when an address needs it; SIZE when offered."""
    options = ""
    if not envelope.sender.isascii() or envelope.recipient.needs_smtputf8:
        if "smtputf8" not in features:
            raise _needs_smtputf8(envelope, place)
        options = " SMTPUTF8"
    if "size" in features:
        size = len(envelope.data)
        _require_size(size, features["size"], place)
        options += f" SIZE={size}"
    return options


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


def stuffed(data: bytes) -> bytes:
    """The message as DATA wants it: leading dots doubled (RFC 5321 §4.5.2)."""
    if not _has_leading_dot(data):
        return data
    doubled = data.replace(b"\r\n.", b"\r\n..")
    return b"." + doubled if data.startswith(b".") else doubled


def _has_leading_dot(data: bytes) -> bool:
    """`find` for one byte goes at the speed of memory, and our press leaves few dots to look at."""
    at = data.find(b".")
    for _ in range(_FEW):
        if at < 0:
            return False
        if not at or data[at - 1] == _LF:
            return True
        at = data.find(b".", at + 1)
    return at >= 0 and _DOT_AHEAD.search(data, at - 1) is not None


def has_bare_line_ends(data: bytes) -> bool:
    """A lone CR or LF: some servers take it for a line end, which lets mail be smuggled.

    The standard library's newline decoder notes which kinds of line ends it met: one pass, four
    times faster than three counts, and this looks at every byte that leaves.
    """
    judge = io.IncrementalNewlineDecoder(None, translate=False)
    judge.decode(data.decode("latin-1"), final=True)
    return judge.newlines not in (None, "\r\n")
