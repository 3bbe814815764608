"""Mails in files: one by itself, an mbox, a Maildir, a directory; read one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from newsletter.cli.context import open_file
from newsletter.core.mailbox_lines import LIMIT

_LINE = 100_000


def mails_in(place: Path) -> Iterator[bytes]:
    """Each mail in a file or a directory; InputError when it cannot be read.

    In a directory each file is one mail (or an mbox), in a Maildir those in `new` and `cur`.
    """
    if not place.is_dir():
        with open_file(place) as file:
            yield from _mails_of(file)
        return
    rooms = [room for room in (place / "new", place / "cur") if room.is_dir()] or [place]
    for room in rooms:
        # A file that a mail program moves away meanwhile is not there any more, and no fault.
        for entry in sorted(os.scandir(room), key=lambda one: one.name):
            if entry.is_file() and not entry.name.startswith("."):
                yield from _mail_at(Path(entry.path))


def _mail_at(path: Path) -> Iterator[bytes]:
    if path.exists():
        with open_file(path) as file:
            yield from _mails_of(file)


def _mails_of(file: BinaryIO) -> Iterator[bytes]:
    """The mails of an mbox, each behind a line that begins with `From ` after an empty one; of
    any other file, the one that it is."""
    kept: list[bytes] = []
    size, many, after_empty = 0, False, True
    while line := file.readline(_LINE):
        begins = after_empty and line.startswith(b"From ")
        if begins and kept and many:
            yield b"".join(kept)
            kept, size = [], 0
        many = many or (begins and not kept)
        if size < LIMIT:
            kept.append(line)
            size += len(line)
        after_empty = line in (b"\n", b"\r\n")
    if kept:
        yield b"".join(kept)
