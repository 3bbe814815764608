"""A ready message taken apart again, for providers whose APIs want fields instead of MIME.

Nothing is changed on the way but the line ends, which JSON carries as a single LF. Which header
fields go along is a closed list: what the providers make themselves stays behind.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from email.utils import parseaddr
from quopri import decodestring

_CARRIED = re.compile(
    r"message-id|list-[a-z-]+|feedback-id|auto-submitted|precedence|x-auto-response-suppress"
)
_WORD = re.compile(r"=\?([^?*\s]+)(?:\*[^?]*)?\?([bBqQ])\?([^?\s]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(?==\?)")
_FOLD = re.compile(r"\r?\n(?=[ \t])")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A name and an address; `phrase` is the name as it stood in the header, pure ASCII."""

    name: str
    address: str
    phrase: str


@dataclass(frozen=True, slots=True)
class Inline:
    """A picture inside the message, shown where the HTML names its `identifier`."""

    identifier: str
    media_type: str
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Parts:
    """What a message is made of; `html` is empty when the reader asked for text alone."""

    subject: str
    sender: Mailbox
    reply_to: str
    text: str
    html: str
    inlines: tuple[Inline, ...]
    headers: Mapping[str, str]
    """Those that go along as they are; ASCII, one line each."""

    @property
    def message_id(self) -> str:
        """Without its angle brackets; the same at every attempt."""
        return next(
            (v.strip("<>") for name, v in self.headers.items() if name.lower() == "message-id"), ""
        )

    def holds(self, mark: re.Pattern[str]) -> bool:
        """Whether a provider's template engine would find something in it to replace."""
        texts = (self.subject, self.sender.name, self.reply_to, self.text, self.html)
        return any(mark.search(one) for one in (*texts, *self.headers.values()))


def taken_apart(data: bytes) -> Parts:
    """The parts of a message that we ourselves have put together."""
    message = message_from_bytes(data, policy=policy.compat32)
    bodies: dict[str, str] = {"text/plain": "", "text/html": ""}
    inlines: list[Inline] = []
    for part in message.walk():
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        if kind in bodies and part.get("Content-ID") is None:
            bodies[kind] = _text(part)
        else:
            inlines.append(_inline(part))
    return Parts(
        subject=decoded(_raw(message, "Subject")),
        sender=_mailbox(_raw(message, "From")),
        reply_to=parseaddr(_raw(message, "Reply-To"))[1],
        text=bodies["text/plain"],
        html=bodies["text/html"],
        inlines=tuple(inlines),
        headers={
            name: _unfolded(str(value))
            for name, value in message.raw_items()
            if _CARRIED.fullmatch(name.lower())
        },
    )


def decoded(raw: str) -> str:
    """A header's text with its encoded-words read (RFC 2047 §6.2: blanks between two vanish)."""
    return _WORD.sub(_read_word, _BETWEEN_WORDS.sub(r"\1", _unfolded(raw)))


def _read_word(found: re.Match[str]) -> str:
    charset, encoding, payload = found.groups()
    if encoding in "bB":
        raw = base64.b64decode(payload)
    else:
        raw = decodestring(payload.encode("ascii"), header=True)
    return raw.decode(charset)


def _unfolded(raw: str) -> str:
    return _FOLD.sub("", raw).strip()


def _raw(message: Message, name: str) -> str:
    return _unfolded(str(message.get(name, "")))


def _mailbox(raw: str) -> Mailbox:
    phrase, address = parseaddr(raw)
    return Mailbox(decoded(phrase), address, phrase)


def _bytes(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _text(part: Message) -> str:
    return _bytes(part).decode("utf-8").replace("\r\n", "\n")


def _inline(part: Message) -> Inline:
    return Inline(
        identifier=_raw(part, "Content-ID").strip("<>"),
        media_type=part.get_content_type(),
        name=part.get_filename() or "image",
        data=_bytes(part),
    )
