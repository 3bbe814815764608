"""The return path of each message: where its bounce goes, and by which it is known again (VERP)."""

from __future__ import annotations

from newsletter.core.settings import Settings
from newsletter.delivery.message_ids import RETURN_PATH, unique


def return_path(
    settings: Settings, secret: bytes, delivery_id: int, *, address: str | None = None
) -> str:
    """The envelope's sender of one delivery, `bounces+TOKEN@example.org`; "" when none is set.

    `address` takes the place of the one in the settings: the discreet edition has its own, or
    none, and never the ordinary one.

    A token of its own kind, not the one of the Message-ID: whoever reads an answer to a message
    knows its Message-ID and still no return path. `secret` is the ring's `index`.
    """
    chosen = settings.bounces.address if address is None else address
    local, _, domain = chosen.rpartition("@")
    if not local:
        return ""
    return f"{local}+{unique(secret, delivery_id, RETURN_PATH)}@{domain}"
