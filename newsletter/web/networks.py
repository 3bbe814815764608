"""How often a client network signed somebody up this hour. In memory; no address is kept.

Counted by network, because a single address is cheap to change: IPv4 /24, IPv6 /64 (what one
household or server is given). What is kept is a hash under a key that dies with the process.
"""

from __future__ import annotations

import hashlib
import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

_HOUR = 3600
_KEPT = 50_000


class Networks:
    """Counts within hours of each network; the oldest are forgotten first when there are many.

    `clock` gives seconds that never go back. For one thread: the loop that answers.
    """

    def __init__(
        self, per_hour: int, clock: Callable[[], float] = time.monotonic, kept: int = _KEPT
    ) -> None:
        self._per_hour = per_hour
        self._clock = clock
        self._kept = kept
        self._key = secrets.token_bytes(32)
        self._counts: OrderedDict[bytes, tuple[int, float]] = OrderedDict()

    def wait(self, host: str) -> int:
        """Seconds until this client may sign up again; 0 while it may."""
        count, since = self._counts.get(self._mark(host), (0, 0.0))
        left = since + _HOUR - self._clock()
        return math.ceil(left) if count >= self._per_hour and left > 0 else 0

    def count(self, host: str) -> None:
        """One more sign-up from this client's network."""
        mark, at = self._mark(host), self._clock()
        self._forget(at)
        count, since = self._counts.get(mark, (0, at))
        self._counts[mark] = (count + 1, since)

    def _forget(self, at: float) -> None:
        """Entries stand in the order in which their hours began."""
        while self._counts:
            mark, (_, since) = next(iter(self._counts.items()))
            if since + _HOUR > at and len(self._counts) < self._kept:
                return
            del self._counts[mark]

    def _mark(self, host: str) -> bytes:
        return hashlib.blake2b(network(host), key=self._key, digest_size=8).digest()


def network(host: str) -> bytes:
    """The first bytes of an address that its whole network shares; all that is none is one."""
    try:
        found: IPv4Address | IPv6Address = ip_address(host)
    except ValueError:
        return b""
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return found.packed[:8]
        found = found.ipv4_mapped  # ::ffff:192.0.2.1, as a socket for both kinds sees IPv4
    return found.packed[:3]
