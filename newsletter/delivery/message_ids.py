"""The Message-ID of a delivery: the same at every attempt, and found again without the message.

Its left half is sealed and not hashed, so that an answer that quotes it (a bounce, a provider's
event) leads back to the delivery, and nobody can make one up or learn how many there are.
"""

from __future__ import annotations

import hmac
import re
from functools import lru_cache

from newsletter.core.macs import Mac

_LEFT = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
MESSAGE, RETURN_PATH = b"message-id", b"return-path"
"""What a name is made for; one kind is never taken for another."""


def of_delivery(secret: bytes, delivery_id: int, sender_address: str) -> str:
    """The id without its angle brackets, for finding the message in a mail server's log.

    RFC 5322 §3.6.4 asks only that it is unique.
    """
    return with_domain(unique(secret, delivery_id), sender_address)


def unique(secret: bytes, delivery_id: int, use: bytes = MESSAGE) -> str:
    """The left half, before the @: 8 bytes that vouch for the number, then the number under them.

    A synthetic nonce as in RFC 5297: the code of the number is the nonce that hides it.
    """
    number = delivery_id.to_bytes(8)
    code = _code(secret, b"code", use, number)
    return (code + _xor(number, _code(secret, b"pad", use, code))).hex()


def delivery_of(secret: bytes, text: str, use: bytes = MESSAGE) -> int | None:
    """The delivery named by the first genuine left half in a text; None when there is none."""
    for found in _LEFT.finditer(text):
        raw = bytes.fromhex(found[0])
        number = _xor(raw[8:], _code(secret, b"pad", use, raw[:8]))
        if hmac.compare_digest(_code(secret, b"code", use, number), raw[:8]):
            return int.from_bytes(number)
    return None


def with_domain(left: str, sender_address: str) -> str:
    """The whole id, in the sender's own domain."""
    return f"{left[:32]}@{sender_address.rpartition('@')[2]}"


def _code(secret: bytes, role: bytes, use: bytes, data: bytes) -> bytes:
    return _mac(secret).of(b"%b/%b/%b" % (use, role, data))[:8]


@lru_cache(maxsize=4)
def _mac(secret: bytes) -> Mac:
    return Mac(secret)


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one) ^ int.from_bytes(other)).to_bytes(8)
