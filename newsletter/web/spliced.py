"""A page compressed once, into which each answer only splices what is new in it.

Deflate (RFC 1951) lets finished pieces stand beside uncompressed ones: a full flush ends on a
whole byte and refers to nothing before it, and a stored block carries its bytes as they are.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
"""Of a gzip file without name or time (RFC 1952 §2.3)."""
_END = b"\x03\x00"
"""A last, empty block."""


class Spliced:
    """A page with places; every place of `places` stands in it once, in this order."""

    def __init__(self, page: str, places: Sequence[str]) -> None:
        self._parts = [part.encode() for part in _cut(page, places)]
        self._packed = [_packed(part) for part in self._parts]

    def plain(self, *values: str) -> bytes:
        """The page with these ASCII values in its places."""
        pieces = [self._parts[0]]
        for value, part in zip(values, self._parts[1:], strict=True):
            pieces += (value.encode("ascii"), part)
        return b"".join(pieces)

    def gzipped(self, *values: str) -> bytes:
        """The same as a gzip file."""
        pieces = [_HEAD, self._packed[0]]
        for value, packed in zip(values, self._packed[1:], strict=True):
            pieces += (_stored(value.encode("ascii")), packed)
        whole = self.plain(*values)
        size = len(whole) & 0xFFFFFFFF
        pieces += (_END, zlib.crc32(whole).to_bytes(4, "little"), size.to_bytes(4, "little"))
        return b"".join(pieces)


def _cut(page: str, places: Sequence[str]) -> list[str]:
    parts = []
    for place in places:
        part, _, page = page.partition(place)
        parts.append(part)
    return [*parts, page]


def _packed(part: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH)


def _stored(value: bytes) -> bytes:
    length = len(value)
    return b"\0" + length.to_bytes(2, "little") + (length ^ 0xFFFF).to_bytes(2, "little") + value
