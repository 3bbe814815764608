"""Files that may hold addresses or keys, overwritten and removed; secrets taken out of settings."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from newsletter.core.errors import InputError
from newsletter.safekeeping.blanking import blanked
from newsletter.safekeeping.home_files import SETTINGS

SECRETS = (("smtp", "password"), ("keys", "passphrase"), ("keys", "key"))
"""Settings that are taken out of newsletter.toml."""

_DIRECTORIES = ("logs", "spool")
_LISTS = ("*.csv", "*.csv.*", "*.age", "*.gpg", "*.eml", "*.part", "keys*.json*")
"""What may hold addresses or keys, wherever in the home it lies."""
_OURS = frozenset({"media", "templates", "locale"})
_PIECE = 1 << 20


def shred_files(home: Path) -> None:
    """Overwrite and remove what may hold addresses or keys: the master key, logs, lists."""
    for path in sorted(doomed(home)):
        _shred(path)
    for name in _DIRECTORIES:
        for directory in sorted((home / name).rglob("*"), reverse=True):
            with suppress(OSError):
                directory.rmdir()
        with suppress(OSError):
            (home / name).rmdir()


def forget_passwords(home: Path) -> str | None:
    """Take the secrets out of newsletter.toml; a sentence when somebody has to do it by hand."""
    path = home / SETTINGS
    if not path.is_file():
        return None
    try:
        before = path.read_text(encoding="utf-8-sig")
        after = blanked(before, SECRETS, str(path))
    except (InputError, UnicodeDecodeError, OSError) as err:
        return f"{path}: take the passwords out by hand ({err})"
    if after != before:
        fresh = path.with_name(f".{SETTINGS}.{secrets.token_hex(4)}")
        with open(fresh, "x", encoding="utf-8", opener=_own) as file:
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        _overwrite(path)
        fresh.replace(path)
    return None


def doomed(home: Path) -> Iterator[Path]:
    """What `shred_files` takes: logs, spool, keys, lists, exports, backups."""
    found = {path for name in _DIRECTORIES for path in (home / name).rglob("*")}
    for directory in (home, *(path for path in home.glob("*") if path.is_dir())):
        if directory.name not in _OURS:
            found |= {path for pattern in _LISTS for path in directory.glob(pattern)}
    yield from (path for path in found if path.is_file() or path.is_symlink())


def _shred(path: Path) -> None:
    with suppress(FileNotFoundError):
        if not path.is_symlink():
            _overwrite(path)
        path.unlink()


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        left = os.fstat(file.fileno()).st_size
        while left > 0:
            left -= file.write(secrets.token_bytes(min(left, _PIECE)))
        file.flush()
        os.fsync(file.fileno())


def _own(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
