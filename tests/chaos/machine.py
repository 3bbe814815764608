"""What a proof does to the machine: small disks that fill, mounts that forbid writing, clocks
that are set. Everything is put back, whatever happens."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FAKETIME = Path("/usr/lib")


class CannotHere(Exception):
    """This machine or this user cannot do it; the proof is reported as skipped."""


def require_root() -> None:
    """Mounts and network namespaces belong to root."""
    if os.geteuid() != 0:
        raise CannotHere("only root may mount a small disk or make a network namespace")


def run(*command: str | Path) -> None:
    """CannotHere with the program's own words when it fails."""
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise CannotHere(f"{' '.join(str(word) for word in command)}: {said}")


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own at `place`."""
    require_root()
    place.mkdir(parents=True)
    run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", place)
    try:
        yield place
    finally:
        run("umount", "--lazy", place)
        place.rmdir()


def fill(place: Path) -> Path:
    """Take all the room of this disk; the file to be deleted again."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return ballast


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """Nothing under `place` can be written by whoever opens it now."""
    require_root()
    run("mount", "--bind", place, place)
    try:
        run("mount", "-o", "remount,bind,ro", place)
        yield
    finally:
        run("umount", "--lazy", place)


class SetClock:
    """A clock for whole processes that can be set while they run."""

    def __init__(self, base: Path) -> None:
        found = sorted(_FAKETIME.glob("*/faketime/libfaketime.so.1"))
        if not found:
            raise CannotHere("needs 'libfaketime.so.1' (Debian package faketime)")
        self._file = base / "clock.txt"
        self.set("+0")
        self._file.chmod(0o644)
        self.environment = {
            **os.environ,
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, offset: str) -> None:
        """`-1h`, `+1h`: against the true time."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset}\n", encoding="ascii")
        new.chmod(0o644)
        new.replace(self._file)


def emptied(place: Path) -> Path:
    """A directory with nothing in it."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place
