"""Files that hold somebody's data: readable by their owner only, and there whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def private_file(path: Path, *, force: bool = False) -> Iterator[IO[bytes]]:
    """A new file of mode 600 that takes its name when the block ends well.

    InputError when the name is taken (unless `force`) or the directory cannot be written to;
    after an error of any kind nothing is left behind, and a file that was there is untouched.
    """
    from newsletter.core.errors import InputError

    require_free(path, force=force)
    made = path.with_name(f".{path.name[:80]}.{secrets.token_hex(4)}.part")
    try:
        with open(made, "xb", opener=_own) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(made, path)
    except OSError as err:
        reason = (err.strerror or "it cannot be written").lower()
        raise InputError(str(path), f"the file cannot be written: {reason}") from err
    finally:
        made.unlink(missing_ok=True)


def require_free(path: Path, *, force: bool) -> None:
    """InputError when something of this name is there that may not be written over."""
    from newsletter.core.errors import InputError

    if path.is_dir():
        raise InputError(str(path), "this is a directory; name a file in it")
    if not force and os.path.lexists(path):
        raise InputError(str(path), "there is a file of this name; name another or add --force")


def _own(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
