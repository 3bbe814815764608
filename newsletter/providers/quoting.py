"""A provider's own words, fit for the ledger: one line, bounded, nobody's address, no key of ours.

Providers repeat what they were sent: the address in every spelling, and for a signature that does
not match the whole signed header, session token and all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from newsletter.core.log import redact

_LONGEST = 500
_LEAST = 3
"""Shorter pieces of an address also stand in ordinary words."""


def quoted(text: str, *, recipient: str = "", secrets: Iterable[str] = ()) -> str:
    """`text` on one line, at most 500 characters, without addresses, reader's name or secrets."""
    line = " ".join(text.split())
    for secret in filter(None, secrets):
        line = line.replace(secret, "[key]")
    local = recipient.rpartition("@")[0]
    for spelling in (quote(recipient, safe=""), quote(local, safe="")):  # before its parts
        if len(spelling) >= _LEAST:
            line = re.sub(re.escape(spelling), "[address]", line, flags=re.IGNORECASE)
    line = redact(line, recipient)
    return "".join(c for c in line if c.isprintable())[:_LONGEST]
