"""What the tests need of the machine: found, or skipped by name; with CI=true a skip fails."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

PATIENCE = 300.0
"""Seconds that a test waits for what must come: a machine that does other work too is slow, and
what never comes fails all the same."""

_PLACES = ("/usr/sbin", "/usr/bin", "/usr/local/bin")
_FONTS = (
    "/usr/share/fonts/truetype/padauk/Padauk-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansMyanmar-Regular.ttf",
)


def _postgres_places() -> list[str]:
    return [str(p) for p in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]


def require(program: str, package: str) -> str:
    """The path of a program; without it the test is skipped by name, or fails with CI=true."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *_PLACES, *_postgres_places()])
    found = shutil.which(program, path=path)
    if not found:
        _go_without(f"needs '{program}' (Debian package {package})")
    return found


def require_font() -> None:
    """A font with Myanmar script; without it what a browser measures is boxes, not Burmese."""
    lister = shutil.which("fc-list")
    listed = (
        lister and subprocess.run([lister, ":lang=my"], capture_output=True, check=False).stdout
    )
    if not listed and not any(Path(place).exists() for place in _FONTS):
        _go_without("needs a font with Myanmar script (Debian package fonts-sil-padauk)")


def _go_without(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; on CI nothing may be skipped for want of a package")
    pytest.skip(reason)
