"""How the parts of a message are encoded: safe on any wire, and no larger than they must be.

Per part the smaller of quoted-printable and base64: the standard library judges by the first
lines and makes Burmese three times larger. Never 8bit: a relay that folds or re-encodes it
breaks DKIM. No encoded line begins with a dot or with "From ", so that neither SMTP
(RFC 5321 §4.5.2) nor a mailbox file has to change what was signed (RFC 2049 §3).
"""

from __future__ import annotations

import base64
import hashlib
import re

BASE64_LINE = 57
"""Raw bytes in an encoded line of 76."""
_QUOTED_LINE = 75
_AT_RISK = re.compile(rb"\.|From ")
"""What a line must not begin with."""
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
    return b"\r\n".join(map(_quoted_line, raw.split(b"\r\n")))


def _quoted_line(line: bytes) -> bytes:
    escaped = _NOT_PLAIN.sub(_escape, line)
    if escaped[-1:] in (b" ", b"\t"):
        escaped = escaped[:-1] + b"=%02X" % escaped[-1]
    if len(escaped) < _QUOTED_LINE - 1:
        return _harmless(escaped)
    lines, start = [], 0
    while len(escaped) - start > (room := _QUOTED_LINE - 2 * _is_at_risk(escaped, start)):
        end = start + room - 1
        end -= next((back for back in (1, 2) if escaped[end - back] == 0x3D), 0)
        lines.append(_harmless(escaped[start:end]))
        start = end
    return b"=\r\n".join([*lines, _harmless(escaped[start:])])


def _escape(found: re.Match[bytes]) -> bytes:
    return b"=%02X" % found[0][0]


def _is_at_risk(line: bytes, start: int = 0) -> bool:
    return _AT_RISK.match(line, start) is not None


def _harmless(line: bytes) -> bytes:
    return b"=%02X" % line[0] + line[1:] if _is_at_risk(line) else line


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


def boundary(*contents: bytes) -> str:
    """A boundary that no part can hold: `=_` occurs in neither encoding (RFC 2045 §6.7)."""
    digest = hashlib.sha256(b"\0".join(contents)).hexdigest()
    return f"=_{digest[:28]}"
