"""The files of a home that belong into a backup: what they are, and how they come back.

Never the key file, and never a key or passphrase that stands in newsletter.toml.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from newsletter.core.errors import InputError
from newsletter.core.private_files import own, sync
from newsletter.safekeeping.blanking import blanked
from newsletter.safekeeping.snapshot import Member

SETTINGS = "newsletter.toml"
SETTINGS_ASIDE = "newsletter.toml.from-backup"
DIRECTORIES = ("media", "templates", "locale", "spool")
MASTER_KEYS = (("keys", "passphrase"), ("keys", "key"))

_PIECE = 1 << 16


@contextmanager
def opened(home: Path, place: str) -> Iterator[Iterator[Member]]:
    """The files under one of the directories, one after the other; none when it is not there.

    A file that vanishes meanwhile (a wish to leave that was just applied) is left out.
    """
    found = sorted((home / place).rglob("*"))
    yield _members(home, [p for p in found if p.is_file() and not p.name.startswith(".")])


def settings(home: Path) -> Member | None:
    """newsletter.toml without the master key; None when there is none."""
    path = home / SETTINGS
    if not path.is_file():
        return None
    data = blanked(path.read_text(encoding="utf-8-sig"), MASTER_KEYS, str(path)).encode()
    return Member(SETTINGS, len(data), BytesIO(data))


def _members(home: Path, paths: list[Path]) -> Iterator[Member]:
    for path in paths:
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                yield Member(path.relative_to(home).as_posix(), size, file)
        except FileNotFoundError:
            continue


def detached(member: Member) -> Member:
    """A file as it goes into another home: its settings no longer name the first one's database.

    Settings in which that cannot be taken out come back under another name, to be looked at.
    """
    if member.name != SETTINGS:
        return member
    text = member.source.read().decode()
    try:
        name, data = SETTINGS, blanked(text, [("database", "url")], SETTINGS).encode()
    except InputError:
        name, data = SETTINGS_ASIDE, text.encode()
    return Member(name, len(data), BytesIO(data))


def store(home: Path, member: Member) -> Path:
    """Write one file back, readable by its owner only; InputError for a path that is not ours."""
    path = home / _safe(member.name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(path, "xb", opener=own) as file:
        _copy(member.source, file)
        file.flush()
        os.fsync(file.fileno())
    sync(path.parent)
    return path


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    ours = name in (SETTINGS, SETTINGS_ASIDE) or (
        len(path.parts) > 1 and path.parts[0] in DIRECTORIES
    )
    if not ours or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise InputError("file", f"'{name}' does not belong into a home; this is no backup of ours")
    return path


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    while piece := source.read(_PIECE):
        target.write(piece)
