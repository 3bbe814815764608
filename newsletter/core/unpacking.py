"""Unpacking what came packed over HTTP, as far as there is room: a bomb fills nothing. Pure."""

from __future__ import annotations

import zlib

_ANY_HEADER = zlib.MAX_WBITS | 32
_NO_HEADER = -zlib.MAX_WBITS
"""What some servers mean by "deflate" (RFC 9110 §8.4.1.2)."""
_MOST_MEMBERS = 100


class NotPacked(Exception):
    """The bytes are not packed in the way that was said."""


def unpacked(body: bytes, encoding: str, longest: int) -> bytes:
    """The first `longest` bytes of a body under this Content-Encoding, which may be cut off.

    Raises NotPacked for bytes that are no such thing, and for what nobody asked for (`br`, twice
    packed).
    """
    named = encoding.strip().lower()
    if named in ("", "identity"):
        return body[:longest]
    if named not in ("gzip", "x-gzip", "deflate"):
        raise NotPacked(encoding)
    try:
        return _members(body, _ANY_HEADER, longest)
    except zlib.error:
        pass
    try:
        return _members(body, _NO_HEADER, longest)
    except zlib.error:
        raise NotPacked(encoding) from None


def _members(body: bytes, window: int, longest: int) -> bytes:
    """A gzip file may consist of several one after the other (RFC 1952 §2.2)."""
    found = bytearray()
    for _ in range(_MOST_MEMBERS):
        opener = zlib.decompressobj(window)
        try:
            found += opener.decompress(body, longest - len(found))
        except zlib.error:
            if found:  # padding after the last one
                break
            raise
        body = opener.unused_data
        if not body or len(found) >= longest:
            break
    return bytes(found)
