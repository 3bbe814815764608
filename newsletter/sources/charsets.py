"""Bytes of the web as text: what they say of themselves is often wrong. Pure.

Bytes that are valid UTF-8 and not plain ASCII are UTF-8, whatever header, XML declaration or meta
say: other encodings hit its grammar by chance only in the shortest texts. Else what was declared
counts, in the order of the HTML standard (§13.2.3), and at last windows-1252.
"""

from __future__ import annotations

import codecs
import re

_IN_HEADER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_IN_TEXT = re.compile(
    rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})"
    rb"|<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})",
    re.IGNORECASE,
)
_LOOKED_AT = 4096
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MEANT = {"iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "us-ascii": "cp1252"}
"""Labels that mean windows-1252 on the web (Encoding Standard §4.2)."""
_TEXT_CODECS = re.compile(
    r"utf-?8|utf-?16(-?[lb]e)?|(windows-|cp)?125\d|(windows-|cp)?874|iso-?8859-\d+|koi8-[ru]"
    r"|gb(k|2312|18030)|big5|shift[_-]jis|euc-(jp|kr)|iso-2022-jp|tis-620|macintosh",
    re.IGNORECASE,
)
_BROKEN_SHARE = 10
"""One broken sequence in so many sound ones is damage, more of them another encoding."""


def decoded(data: bytes, content_type: str = "") -> str:
    """The text of these bytes, with U+FFFD for what is none; never raises."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    wide = _wide(data)
    if wide:
        return data.decode(wide, "replace")
    if _mostly_utf8(data):
        return data.decode("utf-8", "replace")
    named = declared(data, content_type)
    return data.decode(named or "cp1252", "replace")


def declared(data: bytes, content_type: str) -> str:
    """The encoding that header or text name, as Python knows it; "" for none we take."""
    header = _IN_HEADER.search(content_type)
    found = _IN_TEXT.search(data[:_LOOKED_AT])
    names = [header[1]] if header else []
    names += [(found[1] or found[2]).decode("ascii", "replace")] if found else []
    for name in names:
        meant = _MEANT.get(name.lower(), name.lower())
        if _TEXT_CODECS.fullmatch(meant) and not meant.startswith(("utf-16", "utf16")):
            return _known(meant)
    return ""


def _known(name: str) -> str:
    bare = f"cp{name.removeprefix('windows-')}" if name.startswith("windows-") else name
    try:
        return codecs.lookup(bare).name
    except LookupError:
        return ""


def _wide(data: bytes) -> str:
    """UTF-16 without a mark, seen by the zeros in the first letters of its markup."""
    start = data[:64]
    if start.count(0) < len(start) // 4 or len(start) < 4:
        return ""
    return "utf-16-le" if start[1::2].count(0) >= start[::2].count(0) else "utf-16-be"


def _mostly_utf8(data: bytes) -> bool:
    try:
        # Not final: it may be cut in the midst of a letter.
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        beyond = sum(1 for letter in text if letter > "\x7f") - broken
        return beyond >= broken * _BROKEN_SHARE
    return True
