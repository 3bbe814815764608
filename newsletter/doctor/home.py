"""The home of all state: whose it is, its key file, and room on its disk."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from newsletter.core.database_errors import NO_ROOM
from newsletter.core.errors import NewsletterError
from newsletter.core.key_file import KeyFile
from newsletter.core.settings import Settings
from newsletter.doctor.findings import Finding, Verdict

_LITTLE = 200_000_000
"""Bytes under which a weekly's database, its journal and the log get cramped."""


def looked_at(home: Path) -> Iterator[Finding]:
    """Whether it is there, can be written, and is closed to others."""
    if not home.is_dir():
        remedy = "run 'newsletter init'"
        yield Finding("home", Verdict.BAD, f"{home} is not there", remedy)
        return
    if not os.access(home, os.W_OK | os.X_OK):
        text = f"{home} cannot be written by this user"
        remedy = f"chown or chmod {home}, or mount its disk for writing"
        yield Finding("home", Verdict.BAD, text, remedy)
        return
    paths = (home, *home.glob("keys*.json"), home / "newsletter.db")
    open_to = [path for path in paths if path.exists() and is_open(path)]
    if any(path.suffix == ".json" for path in open_to) or home in open_to:
        remedy = f"chmod go= {' '.join(map(str, open_to))}"
        rule = "whoever reads key and database reads the addresses of all readers"
        yield Finding("home", Verdict.WARNING, "other users can look into it", remedy, rule)
    else:
        yield Finding("home", Verdict.GOOD, f"{home} belongs to this user alone")


def is_open(path: Path) -> bool:
    """Whether anybody but its owner may do anything with a file."""
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def key_file(path: Path) -> Iterator[Finding]:
    """Whether the key file is whole."""
    try:
        KeyFile.load(path)
    except NewsletterError as err:
        yield Finding("key", Verdict.BAD, str(err))
    else:
        yield Finding("key", Verdict.GOOD, "present and whole")


def key_apart(settings: Settings) -> Iterator[Finding]:
    """A key that lies beside what it closes goes away with it, whoever takes the disk."""
    if settings.keys.passphrase or settings.keys.key or not settings.key_path.exists():
        return
    beside = not settings.database.url
    text = "it lies beside the database" if beside else "it lies on another machine than the data"
    yield Finding(
        "place of the key",
        Verdict.GOOD,
        text,
        "whoever takes the whole disk can read the addresses; 'newsletter keys wrap' closes the "
        "keys by a passphrase or by a file outside the home"
        if beside
        else "",
        "the key and what it closes belong apart",
        "docs/decisions/keys.md",
    )


def disk(home: Path) -> Iterator[Finding]:
    """Whether there is room."""
    free = shutil.disk_usage(home).free
    text = f"{free / 1e9:.1f} GB free"
    if free < NO_ROOM:
        remedy = "make room and look again"
        yield Finding("disk", Verdict.BAD, f"the disk is full ({home})", remedy)
    elif free < _LITTLE:
        yield Finding("disk", Verdict.WARNING, text, "make room: a full disk stops the sending")
    else:
        yield Finding("disk", Verdict.GOOD, text)
