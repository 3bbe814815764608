"""A private file is there whole, synced with its directory, or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from newsletter.cli.private_files import private_file
from newsletter.core import key_file
from newsletter.core.private_files import replacing


def test_the_name_is_synced_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a backup that was reported as whole may be gone after a power cut."""
    synced: list[str] = []
    real = os.fsync

    def noting(handle: int) -> None:
        mode = os.fstat(handle).st_mode
        synced.append("directory" if stat.S_ISDIR(mode) else "file")
        real(handle)

    monkeypatch.setattr(os, "fsync", noting)
    with private_file(tmp_path / "weekly.age") as file:
        file.write(b"x")
    assert synced == ["file", "directory"]
    key_file.make(tmp_path / "keys.json")
    assert synced == ["file", "directory"] * 2
    assert (tmp_path / "weekly.age").stat().st_mode & 0o777 == 0o600


def test_a_fault_in_between_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("before")
    with pytest.raises(RuntimeError), replacing(tmp_path / "one") as file:
        file.write(b"half")
        raise RuntimeError
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("one", "before")]
