"""One door for files that nobody else may read: there whole or not at all, also at a power cut."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file of mode 600 that takes this name when the block ends well; OSError otherwise.

    After an error of any kind nothing is left behind, and a file that was there is untouched.
    """
    made = path.with_name(f".{path.name[:80]}.{secrets.token_hex(4)}.part")
    try:
        with open(made, "xb", opener=own) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(made, path)
        sync(path.parent)
    finally:
        made.unlink(missing_ok=True)


def own(path: str, flags: int) -> int:
    """An opener: readable by its owner only, from the first instant."""
    return os.open(path, flags, 0o600)


def sync(directory: Path) -> None:
    """A new name is only sure to be there after a power cut once its directory is synced."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
