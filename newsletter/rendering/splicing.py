"""Parts encoded once, and spliced for each recipient so that encoded lines stay whole.

What differs between recipients is a link or two; only the encoded lines that hold them are made
anew, and all else is joined as it lies there. A *layout* is the list of a part's pieces: runs
that never change, and between them places for lines that do.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

from newsletter.rendering.dkim import BodyHash
from newsletter.rendering.mime import (
    BASE64_LINE,
    base64_lines,
    canonical,
    quoted_printable,
    smaller_encoding,
)

_ENCODED_LINE = 76


class Layout(Protocol):
    """One part for values of certain lengths."""

    runs: list[bytes]
    """The pieces, with nothing where a line belongs that differs. The one after it begins with
    that line's CRLF."""
    places: list[int]
    """Where those lines belong, in order."""

    def fill(self, pieces: list[bytes], start: int, values: Sequence[bytes]) -> None:
        """Put the lines with these values into a copy of the runs that begins at `start`."""


class Body:
    """Parts one after the other, for values of certain lengths; safe between threads."""

    def __init__(
        self, parts: Sequence[bytes | SplicedText], values: Sequence[Sequence[bytes]]
    ) -> None:
        groups = iter(values)
        self._runs: list[bytes] = []
        self._places: list[int] = []
        self._layouts: list[tuple[Layout, int]] = []
        for part in parts:
            start = len(self._runs)
            if isinstance(part, bytes):
                self._runs.append(part)
                continue
            layout = part.layout(tuple(map(len, next(groups))))
            self._layouts.append((layout, start))
            self._runs += layout.runs
            self._places += [start + at for at in layout.places]

    def filled(self, values: Sequence[Sequence[bytes]]) -> list[bytes]:
        """The body in pieces, with these values in it: a group for each text part."""
        pieces = self._runs.copy()
        for (layout, start), group in zip(self._layouts, values, strict=True):
            layout.fill(pieces, start, group)
        return pieces

    def hashed(self, pieces: Sequence[bytes]) -> bytes:
        """The hash that DKIM signs, of a body that `filled` gave."""
        return self._hash.of(pieces)

    @cached_property
    def _hash(self) -> BodyHash:
        return BodyHash(self._runs, self._places)


class SplicedText:
    """One text part with placeholders; safe between threads."""

    def __init__(self, text: str, placeholders: Sequence[str], encoding: str = "") -> None:
        raw = canonical(text)
        self.encoding = encoding or smaller_encoding(raw)
        self._pieces = _split(raw, placeholders)
        quoted = self.encoding == "quoted-printable"
        self._quoted = _Quoted(self._pieces) if quoted else None

    def layout(self, sizes: tuple[int, ...]) -> Layout:
        """The layout for values of these lengths, in the order of the placeholders.

        Its last piece ends with a CRLF, which belongs to the boundary after it (RFC 2046 §5.1.1).
        """
        return self._quoted or _Based(self._pieces, sizes)

    def encoded(self, values: Sequence[bytes] = ()) -> bytes:
        """The part's body with each placeholder replaced."""
        return b"".join(Body([self], [values]).filled([values]))


def _split(raw: bytes, placeholders: Sequence[str]) -> list[bytes | int]:
    """Bytes, and numbers of placeholders where they stood."""
    numbers = {name.encode(): number for number, name in enumerate(placeholders)}
    if not numbers:
        return [raw]
    pattern = b"(" + b"|".join(map(re.escape, numbers)) + b")"
    return [
        numbers[part] if index % 2 else part for index, part in enumerate(re.split(pattern, raw))
    ]


class _Quoted:
    """Each value stands on a line of its own between soft line breaks."""

    def __init__(self, pieces: Sequence[bytes | int]) -> None:
        self.runs: list[bytes] = []
        self._holes: list[tuple[int, int]] = []
        before = b""
        for piece in pieces:
            if isinstance(piece, int):
                self._holes.append((len(self.runs), piece))
                self.runs.append(b"")
                before = b"\r\n"
                continue
            encoded = before + quoted_printable(piece)
            is_whole = encoded.endswith(b"\r\n") or not encoded
            self.runs.append(encoded if is_whole else encoded + b"=\r\n")
        # What follows the last piece is the end, not a value.
        self.runs[-1] = encoded + b"\r\n"
        self.places = [at for at, _ in self._holes]

    def fill(self, pieces: list[bytes], start: int, values: Sequence[bytes]) -> None:
        """Encode each value once, wherever it stands."""
        lines = [quoted_printable(value) + b"=" for value in values]
        for at, number in self._holes:
            pieces[start + at] = lines[number]


class _Based:
    """Windows of whole lines around the values, all encoded at one go.

    A window begins and ends at a line boundary, so base64 of windows one after the other is the
    base64 of each.
    """

    def __init__(self, pieces: Sequence[bytes | int], sizes: Sequence[int]) -> None:
        self.runs: list[bytes] = []
        self.places: list[int] = []
        self._raw: list[bytes] = []
        self._holes: list[tuple[int, int]] = []
        self._cuts: list[tuple[int, int, int]] = []
        self._encoded = 0
        held = 0
        for piece in pieces:
            if isinstance(piece, int):
                self._holes.append((len(self._raw), piece))
                self._raw.append(b"")
                held += sizes[piece]
                continue
            missing = -held % BASE64_LINE
            whole = len(piece) - missing
            if whole < BASE64_LINE:
                self._raw.append(piece)
                held += len(piece)
                continue
            tail = len(piece) - whole % BASE64_LINE
            self._raw.append(piece[:missing])
            self._window(held + missing)
            self._run(base64_lines(piece[missing:tail]))
            self._raw.append(piece[tail:])
            held = len(piece) - tail
        self._window(held)

    def _window(self, size: int) -> None:
        """Places for the lines that so many raw bytes give."""
        end = self._encoded + (size + 2) // 3 * 4
        for begin in range(self._encoded, end, _ENCODED_LINE):
            self._cuts.append((len(self.runs), begin, min(end, begin + _ENCODED_LINE)))
            self.places.append(len(self.runs))
            self.runs += [b"", b"\r\n"]
        self._encoded = end

    def _run(self, encoded: bytes) -> None:
        if self.runs:
            self.runs[-1] += encoded
        else:
            self.runs.append(encoded)

    def fill(self, pieces: list[bytes], start: int, values: Sequence[bytes]) -> None:
        """Put the values into the windows, encode, and cut into lines."""
        raw = self._raw.copy()
        for at, number in self._holes:
            raw[at] = values[number]
        encoded = b2a_base64(b"".join(raw), newline=False)
        for at, begin, end in self._cuts:
            pieces[start + at] = encoded[begin:end]
