"""The flight recorder: which messages were leaving when a worker was killed.

The database knows what may leave (the mark); here stands what really did since the last
commit. A small file mapped into memory: a store into it costs no system call and outlives the
process, however that dies, because the page belongs to the kernel. It does not outlive the
machine, so the file names the boot it was written in and is believed in no other. A lock on it
(flock), which the kernel gives up with the process, tells the living from the dead.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import struct
import threading
from enum import IntEnum
from pathlib import Path

_MAGIC = b"flight 1"
_HEAD = struct.Struct("<8s36sIQQ")
_STRIP = 8192
_COUNT = struct.Struct("<q")
_ENTRY = struct.Struct("<qq")
LONGEST = _STRIP // _ENTRY.size - 1
"""Entries of a strip: more messages than one group may hold."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Noted(IntEnum):
    """What is known of a message that began to leave."""

    LEAVING = 1
    """Its last bytes were about to leave, and no answer was heard: nobody knows."""
    TAKEN = 2
    NOT_TAKEN = 3
    """The provider said no, or later, or the line broke before the last bytes."""


class Strip:
    """One line's part of the recorder; used by that line's thread alone."""

    def __init__(self, memory: mmap.mmap, offset: int) -> None:
        self._memory = memory
        self._offset = offset
        self._entries: list[int] = []

    def leaving(self, delivery_id: int) -> None:
        """Its last bytes are about to leave; noted before they do."""
        place = len(self._entries)
        if place >= LONGEST:
            raise RuntimeError("more messages left than one group may hold")
        self._entries.append(delivery_id)
        self._put(place, delivery_id, Noted.LEAVING)
        _COUNT.pack_into(self._memory, self._offset, place + 1)

    def answered(self, delivery_id: int, noted: Noted) -> None:
        """The answer was heard; the newest of that number is meant."""
        place = len(self._entries) - 1
        while place >= 0 and self._entries[place] != delivery_id:
            place -= 1
        if place >= 0:
            self._put(place, delivery_id, noted)

    def written(self, still_out: list[int]) -> None:
        """All answers are in the database now; only these messages are still out."""
        for place, delivery_id in enumerate(still_out):
            self._put(place, delivery_id, Noted.LEAVING)
        _COUNT.pack_into(self._memory, self._offset, len(still_out))
        self._entries = list(still_out)

    def _put(self, place: int, delivery_id: int, noted: Noted) -> None:
        at = self._offset + _ENTRY.size * (place + 1)
        _ENTRY.pack_into(self._memory, at, delivery_id, noted)


class Recorder:
    """The file of one worker: a strip for each of its lines."""

    def __init__(self, home: Path, owner: str, lines: int) -> None:
        """Make and lock the file; OSError when the disk refuses."""
        self._path = _path(home, owner)
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            size = _STRIP * (lines + 1)
            # Written and not only stretched: a full disk must refuse here, where it can be said,
            # and not at a store into memory, which would kill the process.
            if os.write(self._file, b"\0" * size) != size:
                raise OSError(errno.ENOSPC, f"there is no room for {self._path}")
            self._memory = mmap.mmap(self._file, size)
        except BaseException:
            os.close(self._file)
            raise
        _HEAD.pack_into(self._memory, 0, _MAGIC, _boot(), lines, *_place(self._file))
        self._lock = threading.Lock()
        self._given = 0
        self._lines = lines

    def strip(self) -> Strip:
        """The next line's strip."""
        with self._lock:
            self._given += 1
            if self._given > self._lines:
                raise RuntimeError("more lines than the recorder has strips for")
            return Strip(self._memory, _STRIP * self._given)

    def read(self) -> dict[int, Noted]:
        """What stands in it now; nothing where the system knows no boots."""
        return _entries(self._memory[:], None) or {}

    def close(self, *, forget: bool) -> None:
        """Let go of the file; `forget` when nothing of it is needed any more."""
        if forget:
            with contextlib.suppress(OSError):
                self._path.unlink()
        # Said aloud: the mapping holds the file open, and its lock, as long as a line may use it.
        fcntl.flock(self._file, fcntl.LOCK_UN)
        os.close(self._file)


def of_the_dead(home: Path, owner: str) -> dict[int, Noted] | None:
    """What a worker that is certainly dead left behind; None when that cannot be known.

    That is: it lives (or is only frozen), it ran on another machine or before the last boot, or
    its file is damaged. Then the mark in the database decides.
    """
    try:
        handle = os.open(_path(home, owner), os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        data, place = os.pread(handle, 1 << 24, 0), _place(handle)
    except OSError:
        return None
    finally:
        os.close(handle)
    return _entries(data, place)


def owners(home: Path) -> list[str]:
    """The workers whose files lie in this home, alive or dead."""
    place = home / "flight"
    return sorted(path.name.replace("=", ":") for path in place.iterdir()) if place.is_dir() else []


def forget(home: Path, owner: str) -> None:
    """Remove a dead worker's file once everything of it is settled; never a living one's."""
    if of_the_dead(home, owner) is not None or not _is_locked(home, owner):
        with contextlib.suppress(OSError):
            _path(home, owner).unlink()


def _is_locked(home: Path, owner: str) -> bool:
    try:
        handle = os.open(_path(home, owner), os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _path(home: Path, owner: str) -> Path:
    return home / "flight" / owner.replace(":", "=").replace("/", "_")


def _boot() -> bytes:
    try:
        return _BOOT.read_bytes().strip()[:36]
    except OSError:
        return b""


def _place(handle: int) -> tuple[int, int]:
    """Which file it is: of a copied home the recorder is not the one that the worker wrote."""
    found = os.fstat(handle)
    return found.st_dev, found.st_ino


def _entries(data: bytes, place: tuple[int, int] | None) -> dict[int, Noted] | None:
    if len(data) < _STRIP:
        return None
    magic, boot, lines, *written = _HEAD.unpack_from(data)
    if place is not None and tuple(written) != place:
        return None
    boot = boot.rstrip(b"\0")
    if magic != _MAGIC or not boot or boot != _boot() or len(data) < _STRIP * (lines + 1):
        return None
    found: dict[int, Noted] = {}
    for line in range(1, lines + 1):
        (count,) = _COUNT.unpack_from(data, _STRIP * line)
        for entry in range(min(max(count, 0), LONGEST)):
            delivery_id, noted = _ENTRY.unpack_from(data, _STRIP * line + _ENTRY.size * (entry + 1))
            found[delivery_id] = Noted(noted) if noted in (1, 2, 3) else Noted.LEAVING
    return found
