"""Our mark of one message: the left half of its Message-ID, which names the delivery to us alone.

It goes along as the provider's own metadata, because some write another Message-ID over ours
(SES). It is sealed (delivery/message_ids.py), so it tells the provider nothing about anybody, and
nothing that the Message-ID did not.
"""

from __future__ import annotations

import re

NAME = "delivery"
"""Under which it stands in metadata, tags and variables."""
_SHAPE = re.compile(r"[0-9a-f]{32}")
_HEADER = re.compile(rb"^message-id:\s*<([0-9a-f]{32})@", re.IGNORECASE | re.MULTILINE)


def is_reference(text: str) -> bool:
    """Whether it has the shape of such a mark."""
    return _SHAPE.fullmatch(text) is not None


def reference_of(data: bytes) -> str:
    """The mark of a message in wire form; empty when it has none."""
    found = _HEADER.search(data[: data.find(b"\r\n\r\n") + 2])
    return found[1].decode() if found else ""
