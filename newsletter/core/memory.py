"""Memory of a process with many threads: few heaps, so that what one gives back another can use."""

from __future__ import annotations

import contextlib
import ctypes

_M_ARENA_MAX = -8
"""mallopt(3)."""
_HEAPS = 2


def share_heaps() -> None:
    """Let the threads to come share two heaps, where glibc would make one for each.

    Twenty lines that each hold a message of 46 kB took 10 MB more. Elsewhere nothing is done.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS)
