"""Taking secrets out of newsletter.toml, and everything else left as it was written."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from typing import Any

from newsletter.core.errors import InputError

_SECTION = re.compile(r"\s*\[\s*(?P<name>[^\[\]]+?)\s*\]\s*(#.*)?$")
_KEY = re.compile(r"(?P<start>\s*(?P<name>[\w.\"'-]+(\s*\.\s*[\w\"'-]+)*)\s*=)\s*(?P<value>.*)$")


def blanked(text: str, settings: Iterable[tuple[str, str]], place: str) -> str:
    """The file with these (section, key) set to "".

    InputError when one is written in a way that cannot be taken out line by line.
    """
    wanted = set(settings)
    section, lines = "", []
    for line in text.splitlines(keepends=True):
        body = line.rstrip("\r\n")
        heading, entry = _SECTION.match(body), _KEY.match(body)
        if heading:
            section = _plain(heading["name"])
        elif entry and _full(section, entry["name"]) in wanted and _one_line(entry["value"]):
            line = f'{entry["start"]} ""{line[len(body) :]}'  # noqa: PLW2901
        lines.append(line)
    return _checked("".join(lines), wanted, place)


def _full(section: str, name: str) -> tuple[str, str]:
    first, _, last = f"{section}.{_plain(name)}".strip(".").rpartition(".")
    return first, last


def _plain(name: str) -> str:
    return re.sub(r"[\s\"']", "", name)


def _one_line(value: str) -> bool:
    return not value.startswith(('"""', "'''", "{", "["))


def _checked(text: str, wanted: set[tuple[str, str]], place: str) -> str:
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise InputError(place, f"this is not valid TOML: {err}") from err
    for section, key in sorted(wanted):
        if isinstance(document.get(section), dict) and document[section].get(key):
            raise InputError(
                place,
                f"write {key} as a line of its own under [{section}] (or, better, in a file that "
                f"NEWSLETTER_{section.upper()}__{key.upper()}_FILE names), so that it can be "
                "taken out",
            )
    return text
