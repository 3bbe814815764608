"""Writing one setting into newsletter.toml, and everything else left as it was written."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from newsletter.core.errors import InputError

_SECTION = re.compile(r"\s*\[\s*(?P<name>[^\[\]]+?)\s*\]\s*(#.*)?$")
_REMARK = re.compile(r"""=\s*(?:"(?:[^"\\]|\\.)*"|'[^']*')(?P<remark>\s*#.*)$""")


def line(key: str, value: str) -> str:
    """The setting as it stands in the file, under its section."""
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"


def with_setting(text: str, section: str, key: str, value: str) -> str:
    """The file with this setting in place of the former one, or added; remarks are kept.

    InputError when the file is written in a way in which that cannot be done line by line.
    """
    lines = text.splitlines(keepends=True)
    ending = "\r\n" if "\r\n" in text else "\n"
    found = _replaced(lines, section, key, value)
    if found is None:
        found = _added(lines, section, line(key, value) + ending, ending)
    made = "".join(found)
    _require_only(text, made, section, key, value)
    return made


def _replaced(lines: list[str], section: str, key: str, value: str) -> list[str] | None:
    here = ""
    entry = re.compile(rf"\s*{re.escape(key)}\s*=")
    for place, each in enumerate(lines):
        body = each.rstrip("\r\n")
        heading = _SECTION.match(body)
        here = heading["name"] if heading else here
        if not heading and here == section and entry.match(body):
            remark = _REMARK.search(body)
            kept = (remark["remark"] if remark else "") + each[len(body) :]
            return [*lines[:place], line(key, value) + kept, *lines[place + 1 :]]
    return None


def _added(lines: list[str], section: str, made: str, ending: str) -> list[str]:
    for place, each in enumerate(lines):
        heading = _SECTION.match(each.rstrip("\r\n"))
        if heading and heading["name"] == section:
            above = each if each.endswith(("\n", "\r")) else each + ending
            return [*lines[:place], above, made, *lines[place + 1 :]]
    gap = [] if not lines or lines[-1].endswith(("\n", "\r")) else [ending]
    return [*lines, *gap, f"[{section}]{ending}", made]


def _require_only(before: str, after: str, section: str, key: str, value: str) -> None:
    """That this setting and nothing else is another one now."""
    wanted = _read(before)
    there = wanted.setdefault(section, {})
    if isinstance(there, dict):
        there[key] = value
    try:
        done = _read(after) == wanted
    except InputError:
        done = False
    if not done:
        raise InputError(
            "newsletter.toml",
            f"{key} under [{section}] is written in a way that cannot be changed line by line; put "
            f"it on a line of its own below [{section}] first",
        )


def _read(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise InputError("newsletter.toml", f"this is not valid TOML: {err}") from err
