"""The return path of each message: where its bounce goes, and by which it is known again (VERP)."""

from __future__ import annotations

from newsletter.core.settings import Settings
from newsletter.delivery.message_ids import RETURN_PATH, unique


def return_path(settings: Settings, secret: bytes, delivery_id: int) -> str:
    """The envelope's sender of one delivery, `bounces+TOKEN@example.org`; "" when none is set.

    A token of its own kind, not the one of the Message-ID: whoever reads an answer to a message
    knows its Message-ID and still no return path. `secret` is the ring's `index`.
    """
    local, _, domain = settings.bounces.address.rpartition("@")
    if not local:
        return ""
    return f"{local}+{unique(secret, delivery_id, RETURN_PATH)}@{domain}"
