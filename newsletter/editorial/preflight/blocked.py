"""Sites known to be blocked where readers live: a list that people keep, never one we fetch."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from newsletter.core.errors import InputError
from newsletter.core.resources import shipped

_FILE = "blocked-sites.toml"
_KEYS = {"host", "country", "source", "seen"}


@dataclass(frozen=True, slots=True)
class BlockedSite:
    """A host with all names below it, the country (ISO 3166), who saw it there, and when."""

    host: str
    country: str
    source: str
    seen: str


def load(home: Path) -> dict[str, BlockedSite]:
    """The shipped list and the home's own, by host; the home's entry wins.

    InputError names the file and the entry that is not as it should be.
    """
    found = _read(shipped("config") / _FILE)
    own = home / _FILE
    return {**found, **_read(own)} if own.is_file() else found


def known(url: str, sites: Mapping[str, BlockedSite]) -> BlockedSite | None:
    """The entry that says that this address is blocked somewhere; None: not known."""
    try:
        labels = (urlsplit(url).hostname or "").split(".")
    except ValueError:
        return None
    hosts = (".".join(labels[start:]) for start in range(len(labels)))
    return next((sites[host] for host in hosts if host in sites), None)


def _read(path: Path) -> dict[str, BlockedSite]:
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise InputError(str(path), f"this is no valid TOML: {err}; mend the file") from err
    entries = written.get("sites", [])
    return {site.host: site for site in _sites(entries, path)}


def _sites(entries: Iterable[object], path: Path) -> list[BlockedSite]:
    found = []
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict) or set(entry) != _KEYS:
            wanted = ", ".join(sorted(_KEYS))
            raise InputError(str(path), f"entry {number} of [[sites]] must have {wanted}")
        values = {key: str(value).strip() for key, value in entry.items()}
        values["host"] = values["host"].lower().removeprefix("www.")
        found.append(BlockedSite(**values))
    return found
