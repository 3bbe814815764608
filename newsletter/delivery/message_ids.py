"""The Message-ID of a delivery: the same at every attempt, and found again without the message."""

from __future__ import annotations

import hashlib
import hmac


def of_delivery(secret: bytes, delivery_id: int, sender_address: str) -> str:
    """The id without its angle brackets, for finding the message in a mail server's log.

    A keyed hash, so that nobody learns from it how many messages there are (RFC 5322 §3.6.4
    asks only that it is unique).
    """
    return with_domain(unique(secret, delivery_id), sender_address)


def unique(secret: bytes, delivery_id: int) -> str:
    """The left half, before the @."""
    return hmac.new(secret, b"message-id/%d" % delivery_id, hashlib.sha256).hexdigest()[:32]


def with_domain(left: str, sender_address: str) -> str:
    """The whole id, in the sender's own domain."""
    return f"{left[:32]}@{sender_address.rpartition('@')[2]}"
