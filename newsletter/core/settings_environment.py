"""Settings from the environment: each variable of ours as a file would have it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from newsletter.core.errors import InputError
from newsletter.core.language_codes import canonical

PREFIX = "NEWSLETTER_"
_NOT_SETTINGS = {"NEWSLETTER_HOME"}
_NAMED = {"languages": "CODE", "providers": "NAME"}
"""Sections of several entries, and what stands in a variable for the entry's name."""


def from_environment(environ: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """Each variable of ours with the settings it makes, as a file would have them."""
    found = []
    for name, value in sorted(environ.items()):
        if not name.startswith(PREFIX) or name in _NOT_SETTINGS:
            continue
        section, *inner = name.removeprefix(PREFIX).lower().split("__")
        key = inner.pop() if inner else ""
        if section in ("routes", "pacing"):
            raise InputError(name, f"write {section} into newsletter.toml; no variable can hold it")
        if not key or len(inner) != (section in _NAMED):
            entry = f"{section.upper()}__{_NAMED[section]}" if section in _NAMED else "SECTION"
            raise InputError(name, f"write a setting as NEWSLETTER_{entry}__KEY")
        if key.endswith("_file"):
            key, value = key.removesuffix("_file"), _read_secret(name, value)  # noqa: PLW2901
            if section == "keys":  # as 'keys wrap' reads the same file
                value = value.partition("\n")[0].rstrip()  # noqa: PLW2901
        values: dict[str, Any] = {key: value}
        found.append((name, {section: {_entry(name, *inner): values} if inner else values}))
    return found


def _entry(name: str, text: str) -> str:
    """The language or provider a variable names; a shell allows no hyphen: PT_BR is pt-BR."""
    if name.startswith(f"{PREFIX}PROVIDERS"):
        return text.replace("_", "-")
    try:
        return canonical(text)
    except ValueError as err:
        raise InputError(name, str(err)) from err


def _read_secret(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as err:
        raise InputError(name, f"the file {path} is no text in UTF-8") from err
    except OSError as err:
        raise InputError(name, f"the file {path} cannot be read: {err.strerror}") from err
