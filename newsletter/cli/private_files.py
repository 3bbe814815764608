"""Files that hold somebody's data: readable by their owner only, and there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from newsletter.core.private_files import replacing


@contextmanager
def private_file(path: Path, *, force: bool = False) -> Iterator[IO[bytes]]:
    """A new file of mode 600 that takes its name when the block ends well.

    InputError when the name is taken (unless `force`) or the directory cannot be written to;
    after an error of any kind nothing is left behind, and a file that was there is untouched.
    """
    from newsletter.core.errors import InputError

    require_free(path, force=force)
    try:
        with replacing(path) as file:
            yield file
    except OSError as err:
        reason = (err.strerror or "it cannot be written").lower()
        raise InputError(str(path), f"the file cannot be written: {reason}") from err


def require_free(path: Path, *, force: bool) -> None:
    """InputError when something of this name is there that may not be written over."""
    from newsletter.core.errors import InputError

    if path.is_dir():
        raise InputError(str(path), "this is a directory; name a file in it")
    if str(path) == "-":
        raise InputError("FILE", "this goes into a file of its own, never on the screen; name one")
    if not force and os.path.lexists(path):
        raise InputError(str(path), "there is a file of this name; name another or add --force")
