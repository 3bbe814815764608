"""Where the files that ship beside the code lie, in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped(kind: str) -> Path:
    """The directory `templates` or `config` that came with this program."""
    inside_wheel = _PACKAGE / f"_{kind}"
    return inside_wheel if inside_wheel.is_dir() else _PACKAGE.parent / kind
