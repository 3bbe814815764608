"""A mail taken apart within bounds: any bytes give parts, at a cost that grows with their size.

Not by the parser of the standard library: its time and its recursion grow with what a stranger
nests into one mail, and some broken headers make it raise. What is kept is what reports are made
of: fields, the tree of multiparts a few levels deep, and transfer encodings.
"""

from __future__ import annotations

import base64
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.header import decode_header, make_header
from itertools import islice

from newsletter.core.mailbox_lines import LIMIT

HEADER = 64_000
"""Bytes of a header that are looked at."""
_VALUE = 4_000
_DEPTH, _PARTS = 4, 40
_FIELD = re.compile(r"([!-9;-~]+)[ \t]*:[ \t]*(.*)", re.DOTALL)
_PARAMETER = re.compile(r';\s*([\w-]+)\s*=\s*(?:"([^"]*)"|([^;\s"]+))')
_TEXT_CHARSET = re.compile(
    r"(us-)?ascii|utf-?(8|16(le|be)?)|iso-8859-\d{1,2}|windows-125\d|koi8-[ru]|"
    r"gb(2312|k|18030)|big5|shift_jis|euc-(jp|kr)|iso-2022-jp"
)
"""Others are read as UTF-8: some codecs of Python take the square of the time, or are no texts."""

Fields = dict[str, list[str]]
"""Values by name in lower case, unfolded, in the order in which they stand."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a mail, or all of it; the body is without its transfer encoding."""

    kind: str
    """The content type in lower case, such as text/plain."""
    parameters: dict[str, str]
    fields: Fields
    body: bytes

    @property
    def text(self) -> str:
        """The body as text, whatever it is said to be."""
        charset = self.parameters.get("charset", "").lower()
        return decoded(self.body, charset if _TEXT_CHARSET.fullmatch(charset) else "utf-8")


@dataclass(frozen=True, slots=True)
class Mail:
    """The header of a mail, and its parts that are no multiparts themselves."""

    fields: Fields
    parts: tuple[Part, ...]
    """In their order; what is inside a returned mail stays inside it."""

    def part(self, *kinds: str) -> Part | None:
        """The first part of one of these kinds."""
        return next((part for part in self.parts if part.kind in kinds), None)


def opened(data: bytes) -> Mail:
    """The mail of these bytes, with or without the line that an mbox puts before it."""
    data = data[:LIMIT].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if data.startswith((b"From ", b">From ")):
        data = data.partition(b"\n")[2]
    whole = _part(data)
    return Mail(whole.fields, tuple(islice(_leaves(whole, 0), _PARTS)))


def fields_of(text: str) -> Fields:
    """The fields of a header as text: up to the first empty line."""
    found: Fields = {}
    for name, value in each_field(text.lstrip("\n").partition("\n\n")[0][:HEADER]):
        found.setdefault(name, []).append(value)
    return found


def each_field(text: str) -> Iterator[tuple[str, str]]:
    """Each field in its order, unfolded; lines that are none are passed over."""
    for line in re.sub(r"\n[ \t]+", " ", text).split("\n"):
        if match := _FIELD.fullmatch(line):
            yield match[1].lower(), match[2].strip()[:_VALUE]


def first(fields: Fields, name: str) -> str:
    """The first value of this name, or nothing."""
    return next(iter(fields.get(name, ())), "")


def words(value: str) -> str:
    """A header's value with its encoded words read (RFC 2047); as it stands where it is broken."""
    try:
        return str(make_header(decode_header(value)))
    except Exception:  # noqa: BLE001  (foreign codecs may raise anything, and only words are lost)
        return value


def decoded(data: bytes, charset: str = "utf-8") -> str:
    """Text of these bytes; what does not fit the charset is replaced."""
    try:
        return data.decode(charset)
    except (UnicodeError, LookupError):
        return data.decode("utf-8", "replace")


def _part(data: bytes) -> Part:
    if data.startswith(b"\n"):
        head, body = b"", data[1:]
    else:
        head, _, body = data.partition(b"\n\n")
    fields = fields_of(decoded(head[:HEADER]))
    told = first(fields, "content-type")
    kind = told.partition(";")[0].strip().lower() or "text/plain"
    found = {m[1].lower(): m[2] or m[3] or "" for m in _PARAMETER.finditer(told)}
    encoding = first(fields, "content-transfer-encoding").lower()
    return Part(kind, found, fields, _plain(body, encoding))


def _plain(body: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
        whole = len(letters) - (len(letters) % 4 == 1)
        return base64.b64decode(letters[:whole] + b"=" * (-whole % 4)).replace(b"\r\n", b"\n")
    if encoding == "quoted-printable":
        return quopri.decodestring(body).replace(b"\r\n", b"\n")
    return body


def _leaves(part: Part, depth: int) -> Iterator[Part]:
    boundary = part.parameters.get("boundary", "")
    if not part.kind.startswith("multipart/") or not boundary:
        yield part
    elif depth < _DEPTH:
        for piece in _pieces(part.body, boundary.encode()):
            yield from _leaves(_part(piece), depth + 1)


def _pieces(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """What stands between the delimiters (RFC 2046 §5.1.1); the last may want its end."""
    line = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]*$\n?", re.MULTILINE)
    start: int | None = None
    for found in islice(line.finditer(body), _PARTS):
        if start is not None:
            yield body[start : found.start()].removesuffix(b"\n")
        start = None if found[1] else found.end()
        if found[1]:
            return
    if start is not None:
        yield body[start:]
