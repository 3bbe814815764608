"""Who works in a home just now: whatever runs long is there together, a move only alone.

Locks of the kernel (flock) end with their process, however that dies.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_RUNNING = "running.lock"
_OTHERS = ("serve.lock", "worker.lock")
"""Held by one process each, also by a `newsletter send` that works in a terminal."""


@contextmanager
def present(home: Path) -> Iterator[None]:
    """Be one of those who work here; NotAllowedNow while the newsletter is being moved."""
    from newsletter.core.errors import NotAllowedNow

    home.mkdir(parents=True, exist_ok=True, mode=0o700)  # a host may have all else elsewhere
    with _held(home / _RUNNING, fcntl.LOCK_SH) as ours:
        if not ours:
            raise NotAllowedNow(
                f"the newsletter in {home} is being moved to another database just now; start "
                "again when that is done"
            )
        yield


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Be the only one here, and let nobody begin; NotAllowedNow while anything runs."""
    from newsletter.core.errors import NotAllowedNow

    with ExitStack() as locks:
        for name in (_RUNNING, *_OTHERS):
            if not locks.enter_context(_held(home / name, fcntl.LOCK_EX)):
                raise NotAllowedNow(
                    f"something runs in {home} (serve, worker, scheduler, web or send); stop it "
                    "first, on every host that shares this home"
                )
        yield


@contextmanager
def _held(path: Path, how: int) -> Iterator[bool]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
