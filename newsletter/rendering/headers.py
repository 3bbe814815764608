"""Our own header writer, because Python's cannot be trusted with them.

On 3.11 and 3.12 it lets a header be injected through an encoded-word, drops the quotes of long
display names, and writes a long List-Unsubscribe as encoded-words, which receivers then ignore
(RFC 2369 §2, RFC 2047 §5). Here a header is written once, folded only where white space stands,
List-* is never encoded, and encoded-words (≤ 75 characters, in lines ≤ 76) hold whole syllables
whose base64 needs no padding before the last word, because GMime stops reading at padding.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import quote

from newsletter.core.errors import InputError
from newsletter.language.syllables import syllables

NAMES = frozenset(
    {
        *("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "MIME-Version", "List-Id"),
        *("List-Unsubscribe", "List-Unsubscribe-Post", "Content-Language", "Content-Type"),
        *("Content-Transfer-Encoding", "Content-ID", "Content-Disposition", "Auto-Submitted"),
        *("List-Owner", "Feedback-ID"),
    }
)
_LINE = 78
_WORD = 75
_OCTETS = 998
"""RFC 5322 §2.1.1: no line may be longer, without its CRLF."""
_NAME_LIMIT = 200
_URI_LIMIT = 900
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ufeff\ud800-\udfff]"
)
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_PLAIN_Q = re.compile(rb"[A-Za-z0-9!*+/-]")
_ADDRESS = re.compile(r"[^\s<>()\[\]:;,\\\"@\x00-\x1f\x7f-\x9f]+@[A-Za-z0-9.-]+")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_URI = re.compile(r"(?:https?|mailto):[\x21-\x3b\x3d\x3f-\x7e]+")
_LINK = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]*")
_LIST_ID = re.compile(r"[A-Za-z0-9.-]{1,255}")
_FEEDBACK = re.compile(r"[A-Za-z0-9._+-]{1,60}")
_TOKEN = re.compile(r"[A-Za-z0-9!#$&+.^_`{|}~-]+")
"""RFC 2045 §5.1, without the characters that RFC 2231 gives a meaning."""
_BREAKS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n )|(?<!\r)\n")


def checked(text: str, field: str) -> str:
    """The text, if it may stand in a header; InputError names the field that holds worse.

    Line breaks, control characters and bidi overrides could forge another header or another
    sender; `=?` would be read as an encoded-word by whoever decodes.
    """
    if _FORBIDDEN.search(text):
        raise InputError(field, "it holds a line break or control character; take it out")
    if "=?" in text:
        raise InputError(field, "it holds '=?', which mail programs read as a code; take it out")
    return text


def field(name: str, value: str) -> str:
    """A finished header line of a name we know, without its CRLF."""
    if name not in NAMES:
        raise InputError(name, "this is no header that we write")
    if _BREAKS.search(value):
        raise InputError(name, "its value holds a line break")
    return _line(name, value)


def _line(name: str, value: str) -> str:
    """A header line whose value matched an expression that no line break does."""
    return f"{name}: {value}"


def unstructured(name: str, text: str) -> str:
    """A header of free text such as Subject (RFC 5322 §2.2.1); ASCII stays as it is."""
    checked(text, name.lower())
    if text.isascii() and max(map(len, text.split(" "))) < _OCTETS - len(name) - 3:
        return field(name, _folded(text, len(name) + 2))
    return field(name, _encoded(text, len(name) + 2))


def mailbox(name: str, display: str, address: str) -> str:
    """From, To or Reply-To with one address and perhaps a name (RFC 5322 §3.4)."""
    if not _ADDRESS.fullmatch(address) or "=?" in address:
        raise InputError(name.lower(), "this is no address that a header may hold")
    if not display:
        return _line(name, address)
    checked(display, f"name in {name}")
    if len(display) > _NAME_LIMIT:
        raise InputError(
            f"name in {name}", f"it is {len(display)} characters long; {_NAME_LIMIT} are the most"
        )
    phrase = _phrase(display, len(name) + 2)
    last = len(phrase.rpartition("\r\n")[2]) + (0 if "\r\n" in phrase else len(name) + 2)
    gap = " " if last + len(address) + 3 <= _LINE - 2 else "\r\n "
    return field(name, f"{phrase}{gap}<{address}>")


def _phrase(display: str, used: int) -> str:
    if not display.isascii():
        return _encoded(display, used)
    if _ATOMS.fullmatch(display) and display == " ".join(display.split()):
        return _folded(display, used)
    escaped = re.sub(r'(["\\])', r"\\\1", display)
    return f'"{escaped}"'


def date(moment: datetime) -> str:
    """RFC 5322 §3.3, with a numeric zone."""
    return _date_of_second(moment.replace(microsecond=0))


@lru_cache(maxsize=64)
def _date_of_second(moment: datetime) -> str:
    # Thousands of messages leave within one.
    return field("Date", format_datetime(moment))


def message_id(identifier: str) -> str:
    """Message-ID from its text without the angle brackets."""
    if not _MESSAGE_ID.fullmatch(identifier):
        raise InputError("message_id", "this is no Message-ID")
    return _line("Message-ID", f"<{identifier}>")


def list_id(description: str, identifier: str) -> str:
    """`List-Id: Name <slug.domain>` (RFC 2919); a name that is not plain ASCII is left out."""
    if not _LIST_ID.fullmatch(identifier):
        raise InputError("list_id", "a list is known by letters, digits, dots and hyphens")
    plain = checked(description, "list name").strip()
    if not plain or len(plain) > 60 or not _ATOMS.fullmatch(plain):
        return field("List-Id", f"<{identifier}>")
    return field("List-Id", f"{plain} <{identifier}>")


def list_unsubscribe(uris: Sequence[str]) -> str:
    """RFC 8058 §3.1 and RFC 2369 §2: each URI in brackets, folded only between them."""
    for uri in uris:
        if not _URI.fullmatch(uri):
            raise InputError("List-Unsubscribe", "a link in it is no plain ASCII address")
        if len(uri) > _URI_LIMIT:
            raise InputError("List-Unsubscribe", f"a link in it is longer than {_URI_LIMIT}")
    return _line("List-Unsubscribe", "<" + ">,\r\n <".join(uris) + ">")


def list_owner(address: str) -> str:
    """Whom a reader may write to about the list (RFC 2369 §3.5)."""
    if not _ADDRESS.fullmatch(address) or "=?" in address:
        raise InputError("List-Owner", "this is no address that a header may hold")
    return field("List-Owner", f"<mailto:{quote(address, safe='@')}>")


def feedback_id(*parts: str) -> str:
    """`Feedback-ID: a:b:c:SenderId`, by which Gmail sums up complaints of a mailing.

    The last part is the sender's and has 5 to 15 characters; nothing in it may be a reader's.
    """
    if len(parts) > 4 or not 5 <= len(parts[-1]) <= 15:
        raise InputError("Feedback-ID", "it has at most four parts, the last of 5 to 15 characters")
    if not all(map(_FEEDBACK.fullmatch, parts)):
        raise InputError(
            "Feedback-ID", "a part of it holds more than letters, digits, '.', '_', '-'"
        )
    return field("Feedback-ID", ":".join(parts))


def parameter(name: str, value: str) -> str:
    """`name=value` of a Content-Type or Content-Disposition, such as a file's name.

    Never an encoded-word, which RFC 2047 §5 forbids there: RFC 2231 §4 for what is not ASCII.
    """
    checked(value, name)
    if _TOKEN.fullmatch(value):
        return f"{name}={value}"
    if value.isascii():
        escaped = re.sub(r'(["\\])', r"\\\1", value)
        return f'{name}="{escaped}"'
    return f"{name}*=utf-8''{quote(value, safe='')}"


def link(uri: str, name: str) -> str:
    """The address, if it is plain ASCII without blanks and brackets; InputError names the field."""
    if not _LINK.fullmatch(uri):
        raise InputError(name, "the link is no plain ASCII address")
    return uri


def _folded(text: str, used: int) -> str:
    lines, room = [""], _LINE - used
    for word in re.split(r"(?= )", text):
        if len(lines[-1]) + len(word) > room and lines[-1].strip() and word.strip():
            lines.append("")
            room = _LINE
        lines[-1] += word
    return "\r\n".join(lines)


def _encoded(text: str, used: int) -> str:
    """Encoded-words, the first one shorter by what stands before it on the line."""
    pieces = [part for whole in syllables(text) for part in _small(whole)]
    words: list[str] = []
    while pieces:
        room = min(_WORD, _WORD + 1 - used) if not words else _WORD
        word, taken = _next_word(pieces, room)
        words.append(word)
        del pieces[:taken]
    return "\r\n ".join(words)


def _small(syllable: str) -> list[str]:
    """A syllable, or its characters when a nonsense one would not fit into a word."""
    return [syllable] if len(syllable.encode()) <= 15 else list(syllable)


def _next_word(pieces: list[str], room: int) -> tuple[str, int]:
    limit = (room - 12) // 4 * 3
    size, best = 0, 0
    for index, piece in enumerate(pieces, 1):
        size += len(piece.encode())
        if size > limit:
            break
        if size % 3 == 0 or index == len(pieces):
            best = index
    if best:
        payload = base64.b64encode("".join(pieces[:best]).encode()).decode()
        return f"=?utf-8?b?{payload}?=", best
    return _quoted_word(pieces, room)


def _quoted_word(pieces: list[str], room: int) -> tuple[str, int]:
    payload = ""
    taken = 0
    for piece in pieces:
        added = "".join(_q(byte) for byte in piece.encode())
        if taken and len(payload) + len(added) > room - 12:
            break
        payload += added
        taken += 1
    return f"=?utf-8?q?{payload}?=", taken


def _q(byte: int) -> str:
    # RFC 2047 §5 (3): in a phrase only these may stand for themselves
    if byte == 0x20:
        return "_"
    return chr(byte) if _PLAIN_Q.match(bytes([byte])) else f"={byte:02X}"
