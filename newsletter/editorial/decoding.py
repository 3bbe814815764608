"""From the bytes of a file to text, or a clear refusal.

Accepted: UTF-8 with or without a byte order mark, any line ends, and UTF-8 into which
Windows-1252 punctuation was pasted (Windows-1252 puts its quotation marks at bytes 80–9F, which
no UTF-8 text holds by themselves). Letters of other encodings are never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from newsletter.core.errors import InputError

LARGEST = 512 * 1024
_PUNCTUATION = {
    byte: bytes([byte]).decode("cp1252")
    for byte in (0x82, 0x84, 0x85, 0x8B, *range(0x91, 0x98), 0x9B, 0xA0, 0xAB, 0xB7, 0xBB)
}
_SIGNATURES = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a Word document or another packed file"),
    (b"\xd0\xcf\x11\xe0", "an old Word document"),
    (b"{\\rtf", "a rich text document"),
)
_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\x00", b"MM\x00*", b"BM")
_STRAY = re.compile("[\udc80-\udcff]")
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_REMEDY = "save it as plain text in UTF-8 and import it again"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file as text with lines ended by LF, and what had to be said about it."""

    text: str
    notes: list[str]


def decode(data: bytes, name: str) -> Decoded:
    """The text of a file; InputError with the file, the line and the remedy if it is none."""
    _refuse_what_is_no_text(data, name)
    notes: list[str] = []
    body = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text, places = _mend(body, name)
        notes.append(_said(name, places))
    return Decoded(text.replace("\r\n", "\n").replace("\r", "\n"), notes)


def _refuse_what_is_no_text(data: bytes, name: str) -> None:
    if not data.removeprefix(b"\xef\xbb\xbf").strip():
        raise InputError(name, "the file is empty; there is nothing to import")
    if len(data) > LARGEST:
        raise InputError(name, f"the file is {len(data) // 1024} kB large; no post is that long")
    if data.startswith(_IMAGES) and _CONTROLS.search(data[:64]):
        raise InputError(
            name,
            f"this is an image, not text; name it inside an issue file as image = {_toml(name)}",
        )
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            raise InputError(name, f"this is {kind}, not text; {_REMEDY}")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(name, f"the file is written in UTF-16; {_REMEDY}")
    if _CONTROLS.search(data):
        raise InputError(name, f"this is a binary file, not text; {_REMEDY}")


def _toml(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _mend(body: bytes, name: str) -> tuple[str, list[int]]:
    """Read what UTF-8 refuses; only Windows-1252 punctuation is taken."""
    text = body.decode("utf-8", "surrogateescape")  # a stray byte XX becomes U+DCXX
    lines = []
    for match in _STRAY.finditer(text):
        line, byte = text.count("\n", 0, match.start()) + 1, ord(match[0]) - 0xDC00
        if byte not in _PUNCTUATION:
            raise _foreign(name, line, byte)
        lines.append(line)
    return _STRAY.sub(lambda m: _PUNCTUATION[ord(m[0]) - 0xDC00], text), lines


def _foreign(name: str, line: int, byte: int) -> InputError:
    return InputError(
        f"{name}:{line}",
        f"the byte {byte:02X} is not UTF-8 (the file may be Latin-1 or Windows-1252); {_REMEDY}",
    )


def _said(name: str, lines: list[int]) -> str:
    distinct = sorted(set(lines))
    shown = ", ".join(str(line) for line in distinct[:8]) + (" …" if len(distinct) > 8 else "")
    word = "line" if len(distinct) == 1 else "lines"
    return (
        f"{name}: {len(lines)} quotation marks or dashes in Windows-1252 were read as such "
        f"({word} {shown})"
    )
