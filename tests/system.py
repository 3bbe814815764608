"""What the tests need of the machine: found, or skipped by name; with CI=true a skip fails."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

_PLACES = ("/usr/sbin", "/usr/bin", "/usr/local/bin")


def _postgres_places() -> list[str]:
    return [str(p) for p in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]


def require(program: str, package: str) -> str:
    """The path of a program; without it the test is skipped by name, or fails with CI=true."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *_PLACES, *_postgres_places()])
    found = shutil.which(program, path=path)
    if found:
        return found
    reason = f"needs '{program}' (Debian package {package})"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; on CI nothing may be skipped for want of a package")
    pytest.skip(reason)
