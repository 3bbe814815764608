"""Memory of a process that lives long with many threads: few heaps, and little to look through."""

from __future__ import annotations

import contextlib
import ctypes
import gc

_M_ARENA_MAX = -8
"""mallopt(3)."""
_HEAPS = 2
_YOUNG = 20_000


def settle() -> None:
    """To be called once everything is loaded and before the threads begin.

    Their heaps are two, where glibc would make one for each: twenty lines that each hold a message
    of 46 kB took 10 MB more. And what is loaded is never looked through for garbage again, nor the
    rest after every 700 objects: that took half of the processor's time while an issue was sent.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
