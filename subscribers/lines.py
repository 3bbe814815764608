"""The lines of a text file of any size, each with its place; never the whole file in memory.

Files come from spreadsheets of any country: UTF-8 with or without a mark, UTF-16, and
Windows-1252 (and so Latin-1). A line ends with CR LF, LF, or CR alone (old Macintosh).
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import AnyStr, BinaryIO, NamedTuple

from newsletter.core.errors import InputError

LONGEST = 65_536
"""Bytes of one line; a longer one is no row of a list, whatever it is."""

_BLOCK = 262_144
_CONTROL = bytes(sorted({*range(9), *range(14, 32), 127}))
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_UNKNOWN_IN_1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_AS_CSV = "in the spreadsheet, save the list as CSV (UTF-8)"
_MAGIC = {
    b"PK\x03\x04": f"a workbook (xlsx, ods) or a zip file; {_AS_CSV}, or unpack the zip first",
    b"PK\x05\x06": "an empty zip file; take the CSV file itself",
    b"\x1f\x8b": "a packed file (gzip); unpack it first",
    b"BZh": "a packed file (bzip2); unpack it first",
    b"\xfd7zXZ": "a packed file (xz); unpack it first",
    b"\xd0\xcf\x11\xe0": f"a workbook of an old Excel (xls); {_AS_CSV}",
    b"%PDF": "a PDF; ask for the list as CSV",
    b"SQLite format 3": "a database; export the list as CSV",
}


class Line(NamedTuple):
    """A line with its ending, where it begins, and why it cannot be used ("" when it can)."""

    number: int
    """Counted from 1."""
    at: int
    """Bytes from the beginning of the file."""
    text: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """How a file is written, found by reading all of it once."""

    encoding: str
    begins: int
    """Bytes of the byte order mark."""
    size: int
    sha256: str
    notes: tuple[str, ...] = ()


def examine(source: BinaryIO, name: str) -> Script:
    """The encoding, size and hash of a file; InputError when it is no text or empty.

    A byte that is no UTF-8 shows at times a million rows down, so all of it is looked at. What
    is packed is never unpacked.
    """
    source.seek(0)
    head = source.read(_BLOCK)
    _require_text(head, name)
    encoding, begins = _guess(head)
    checker, digest = codecs.getincrementaldecoder(encoding)(), hashlib.sha256()
    size = rows = bad = 0
    unknown, block = False, head
    while block:
        digest.update(block)
        bad = bad or _first_bad(checker, block, rows)
        unknown = unknown or _UNKNOWN_IN_1252.search(block) is not None
        rows, size = rows + block.count(b"\n"), size + len(block)
        block = source.read(_BLOCK)
    bad = bad or _first_bad(checker, b"", rows, final=True)
    if bad and (begins or unknown or encoding != "utf-8"):
        raise InputError(
            f"{name}:{bad}", "the text is in no encoding known here; save the file as UTF-8"
        )
    notes = _notes(encoding, bad)
    return Script("cp1252" if bad else encoding, begins, size, digest.hexdigest(), notes)


def _first_bad(
    checker: codecs.IncrementalDecoder, block: bytes, rows: int, *, final: bool = False
) -> int:
    """The line of the first byte that cannot be read, or 0."""
    try:
        checker.decode(block, final)
    except UnicodeDecodeError as err:
        return rows + err.object[: err.start].count(b"\n") + 1
    return 0


def lines(source: BinaryIO, script: Script) -> Iterator[Line]:
    """All lines of an examined file. What is over-long or holds controls says so and is empty."""
    source.seek(script.begins)
    if script.encoding.startswith("utf-16"):
        decoder = codecs.getincrementaldecoder(script.encoding)()
        wide = (decoder.decode(block) for block in _blocks(source))
        found = _cut(wide, _LINE.findall, _wide, script.begins)
        for number, (at, text) in enumerate(found, 1):
            yield _checked(number, at, text)
        return
    narrow = _cut(_blocks(source), _split, len, script.begins)
    for number, (at, data) in enumerate(narrow, 1):
        yield _checked(number, at, None if data is None else data.decode(script.encoding))


def text_between(source: BinaryIO, script: Script, start: int, end: int) -> str:
    """The text between two places that `lines` named."""
    source.seek(start)
    return source.read(end - start).decode(script.encoding)


def _checked(number: int, at: int, text: str | None) -> Line:
    if text is None:
        size = LONGEST // 1024
        return Line(number, at, "", f"this line is longer than {size} kB; mend or delete it")
    if _CONTROLS.search(text):
        return Line(number, at, text, "control characters stand in this row; delete them")
    return Line(number, at, text)


def _cut(
    blocks: Iterable[AnyStr],
    cut: Callable[[AnyStr], list[AnyStr]],
    weight: Callable[[AnyStr], int],
    at: int,
) -> Iterator[tuple[int, AnyStr | None]]:
    """Each line with its place; None instead of one that is over-long, which is not kept."""
    carry: AnyStr | None = None
    dropped = 0
    for block in blocks:
        parts = cut(block if carry is None else carry + block)
        # A CR at the end may be the first half of CR LF.
        carry = None if not parts or parts[-1][-1:] in ("\n", b"\n") else parts.pop()
        for part in parts:
            size = dropped + weight(part)
            yield at, None if size > LONGEST else part
            at, dropped = at + size, 0
        if carry is not None and weight(carry) > LONGEST:
            dropped, carry = dropped + weight(carry), None
    if carry is not None or dropped:
        rest = 0 if carry is None else weight(carry)
        yield at, None if dropped + rest > LONGEST else carry


def _split(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def _wide(text: str) -> int:
    return len(text.encode("utf-16-le"))


def _blocks(source: BinaryIO) -> Iterator[bytes]:
    while block := source.read(_BLOCK):
        yield block


def _require_text(head: bytes, name: str) -> None:
    if not head.strip():
        raise InputError(name, "the file is empty; a list of addresses was expected")
    kind = next((said for magic, said in _MAGIC.items() if head.startswith(magic)), None)
    if kind is None and _guess(head)[0].startswith("utf-16"):
        return
    controls = len(head) - len(head.translate(None, _CONTROL))
    first = head.lstrip().splitlines()[0]
    if kind or controls * 20 > len(head) or len(first) > len(first.translate(None, _CONTROL)):
        raise InputError(name, "this is no text" + (f" but {kind}" if kind else f"; {_AS_CSV}"))


def _guess(head: bytes) -> tuple[str, int]:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8", 3
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", 2
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", 2
    even, odd, pairs = head[::2].count(0), head[1::2].count(0), len(head) // 2
    if pairs and max(even, odd) * 3 > pairs and min(even, odd) * 20 < pairs:
        return ("utf-16-le", 0) if odd > even else ("utf-16-be", 0)
    return "utf-8", 0


def _notes(encoding: str, bad: int) -> tuple[str, ...]:
    if bad:
        return (
            f"the file is not in UTF-8 (see line {bad}); it was read as Windows-1252 (Latin-1)",
        )
    if encoding.startswith("utf-16"):
        return ("the file is in UTF-16 and was read as such",)
    return ()
