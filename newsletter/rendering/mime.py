"""Parts encoded once, and spliced for each recipient so that encoded lines stay whole.

Per part the smaller of quoted-printable and base64: the standard library judges by the first
lines and makes Burmese three times larger. Never 8bit: a relay that folds or re-encodes it
breaks DKIM. What differs between recipients is a link or two; only the encoded lines that hold
them are made anew.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_BASE64_LINE = 57
_QUOTED_LINE = 75
_PLAIN = b"\t" + bytes(byte for byte in range(0x20, 0x7F) if byte != 0x3D)
_NOT_PLAIN = re.compile(rb"[^\t\x20-\x3c\x3e-\x7e]")
_NEWLINE = re.compile(rb"\r\n|\r|\n")


def canonical(text: str) -> bytes:
    """Text as it lies in a message: UTF-8 with CRLF (RFC 2046 §4.1.1)."""
    return _NEWLINE.sub(b"\r\n", text.encode())


def quoted_printable(raw: bytes) -> bytes:
    """RFC 2045 §6.7, lines of at most 75; the end may be in the middle of a line.

    Not `binascii.b2a_qp`: with an escape at the edge it writes lines of 77.
    """
    return b"\r\n".join(_quoted_line(line) for line in raw.split(b"\r\n"))


def _quoted_line(line: bytes) -> bytes:
    escaped = _NOT_PLAIN.sub(lambda match: b"=%02X" % match[0][0], line)
    if escaped[-1:] in (b" ", b"\t"):
        escaped = escaped[:-1] + b"=%02X" % escaped[-1]
    if len(escaped) <= _QUOTED_LINE:
        return escaped
    lines, start = [], 0
    while len(escaped) - start > _QUOTED_LINE:
        end = start + _QUOTED_LINE - 1
        end -= next((back for back in (1, 2) if escaped[end - back] == 0x3D), 0)
        lines.append(escaped[start:end])
        start = end
    return b"=\r\n".join([*lines, escaped[start:]])


def base64_lines(raw: bytes) -> bytes:
    """RFC 2045 §6.8, lines of 76 ended by CRLF."""
    return base64.encodebytes(raw).replace(b"\n", b"\r\n")


def smaller_encoding(raw: bytes) -> str:
    """Which encoding makes these bytes shorter; they cross at about 15 % non-ASCII bytes."""
    escapes = len(raw.translate(None, delete=_PLAIN))
    line_breaks = raw.count(b"\r\n")
    quoted = len(raw) + 2 * (escapes - 2 * line_breaks)
    quoted += 3 * quoted // _QUOTED_LINE
    based = (len(raw) + 2) // 3 * 4
    return "quoted-printable" if quoted <= based + 2 * based // 76 else "base64"


@dataclass
class SplicedText:
    """One text part with placeholders; `encoded(values)` gives its bytes for one recipient."""

    text: str
    placeholders: Sequence[str]
    encoding: str = ""
    _pieces: list[bytes | str] = field(init=False)
    _layouts: dict[tuple[int, ...], list[bytes | list[bytes | str]]] = field(
        init=False, default_factory=dict
    )
    _quoted: list[bytes | str] = field(init=False)

    def __post_init__(self) -> None:
        raw = canonical(self.text)
        self._pieces = _split(raw, self.placeholders)
        if not self.encoding:
            self.encoding = smaller_encoding(raw)
        quoted = self.encoding == "quoted-printable"
        self._quoted = _quoted_layout(self._pieces) if quoted else []

    def encoded(self, values: Mapping[str, bytes]) -> bytes:
        """The part's body with each placeholder replaced.

        It ends with a CRLF that belongs to the boundary after it (RFC 2046 §5.1.1).
        """
        if self.encoding == "quoted-printable":
            return b"".join(
                piece if isinstance(piece, bytes) else _quoted_value(values[piece])
                for piece in self._quoted
            )
        lengths = tuple(len(values[name]) for name in self.placeholders)
        layout = self._layouts.get(lengths)
        if layout is None:
            # Links of an issue all have one length, so this happens once.
            sizes = dict(zip(self.placeholders, lengths, strict=True))
            layout = self._layouts[lengths] = _base64_layout(self._pieces, sizes)
        return b"".join(
            window if isinstance(window, bytes) else base64_lines(_filled(window, values))
            for window in layout
        )


def _split(raw: bytes, placeholders: Sequence[str]) -> list[bytes | str]:
    """Bytes, and names of placeholders where they stood."""
    pattern = b"|".join(re.escape(name.encode()) for name in placeholders)
    if not pattern:
        return [raw]
    return [
        part.decode() if index % 2 else part
        for index, part in enumerate(re.split(b"(" + pattern + b")", raw))
    ]


def _quoted_layout(pieces: Sequence[bytes | str]) -> list[bytes | str]:
    """Each run ends in a soft line break, so that what follows starts a line of its own."""
    layout: list[bytes | str] = []
    for index, piece in enumerate(pieces):
        if isinstance(piece, str):
            layout.append(piece)
            continue
        encoded = quoted_printable(piece)
        if index == len(pieces) - 1:
            layout.append(encoded + b"\r\n")
        else:
            whole = not encoded or encoded.endswith(b"\r\n")
            layout.append(encoded if whole else encoded + b"=\r\n")
    return layout


def _quoted_value(value: bytes) -> bytes:
    return quoted_printable(value) + b"=\r\n"


def _filled(window: Sequence[bytes | str], values: Mapping[str, bytes]) -> bytes:
    return b"".join(piece if isinstance(piece, bytes) else values[piece] for piece in window)


def _base64_layout(
    pieces: Sequence[bytes | str], sizes: Mapping[str, int]
) -> list[bytes | list[bytes | str]]:
    """Encoded constant runs, and windows of raw pieces that begin and end at a line boundary."""
    layout: list[bytes | list[bytes | str]] = []
    window: list[bytes | str] = []
    held = 0
    for piece in pieces:
        if isinstance(piece, str):
            window.append(piece)
            held += sizes[piece]
            continue
        missing = -held % _BASE64_LINE
        constant = len(piece) - missing
        if constant < _BASE64_LINE:
            window.append(piece)
            held += len(piece)
            continue
        tail = constant % _BASE64_LINE
        if window:
            layout.append([*window, piece[:missing]])
        layout.append(base64_lines(piece[missing : len(piece) - tail]))
        window, held = [piece[len(piece) - tail :]], tail
    if held:
        layout.append(window)
    return layout


def boundary(*contents: bytes) -> str:
    """A boundary that no part can hold: `=_` occurs in neither encoding (RFC 2045 §6.7)."""
    digest = hashlib.sha256(b"\0".join(contents)).hexdigest()
    return f"=_{digest[:28]}"
