"""The key file in the home: the master key, readable by its owner only.

Version 2 holds nothing else. Version 1 held the data keys themselves and is adopted once
(core/keychain.py). Two master keys stand in it only while one takes over from the other.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from errno import ENOSPC
from pathlib import Path
from typing import Any

from newsletter.core.database_errors import FULL
from newsletter.core.errors import ConfigurationError
from newsletter.core.keyring import Key, Keyring, derive
from newsletter.core.private_files import replacing

_KID = re.compile(r"[a-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What stands in the file: master keys, the newest first, and the data keys of version 1."""

    masters: tuple[bytes, ...] = field(repr=False)
    legacy: Keyring | None = None
    document: dict[str, Any] = field(default_factory=dict, repr=False)
    """A file of version 1 as it was read: until it is adopted, its program must understand it."""

    @classmethod
    def load(cls, path: Path) -> KeyFile:
        """The secrets in a key file; ConfigurationError when it is missing or damaged."""
        try:
            document = json.loads(path.read_text(encoding="ascii"))
            version = document["version"]
            masters = tuple(map(_secret, document.get("masters", ())))
            legacy = _legacy(path, document) if version == 1 else None
        except FileNotFoundError as err:
            raise ConfigurationError(
                f"the key file {path} is missing; put it back from its backup: without it the "
                "addresses in the database cannot be read by anybody"
            ) from err
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
            raise _damaged(path) from err
        if version not in {1, 2}:
            raise ConfigurationError(
                f"the key file {path} was made by a newer version of this program; install that"
            )
        if not masters and legacy is None:
            raise _damaged(path)
        return cls(masters, legacy, document if version == 1 else {})

    def save(self, path: Path) -> None:
        """Put it in place of what is there, mode 600, whole or not at all, also at a power cut."""
        kept = self.document or {"version": 2}
        document = {**kept, "masters": [base64.b64encode(one).decode() for one in self.masters]}
        try:
            with replacing(path) as file:
                file.write(json.dumps(document, indent=1).encode("ascii"))
        except OSError as err:
            reason = FULL.format(path.parent) if err.errno == ENOSPC else f"{path}: {err.strerror}"
            raise ConfigurationError(reason) from err


def make(path: Path) -> None:
    """A new master key, where there is no file yet."""
    if not path.exists():
        KeyFile((secrets.token_bytes(32),)).save(path)


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Nobody else makes or changes the key file of this home meanwhile."""
    handle = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _damaged(path: Path) -> ConfigurationError:
    return ConfigurationError(f"the key file {path} is damaged; put it back from its backup")


def _secret(text: str) -> bytes:
    value = base64.b64decode(text, validate=True)
    if len(value) != 32:
        raise ValueError("a key has 32 bytes")
    return value


def _legacy(path: Path, document: dict[str, Any]) -> Keyring:
    """The data keys of version 1, where one secret stood for seal and token, told by a label."""
    index = _secret(document["index"])
    keys = [(entry["kid"], _secret(entry["key"])) for entry in document["keys"]]
    if not keys:
        raise ValueError("no key")
    _require_names(path, [kid for kid, _ in keys])
    seals, tokens = (
        tuple(Key(0, kid, derive(secret, use)) for kid, secret in keys) for use in ("seal", "token")
    )
    return Keyring(index, seals, tokens)


def _require_names(path: Path, kids: list[object]) -> None:
    """Links carry the name of their key: one that they cannot carry would sign dead links."""
    fit = all(isinstance(kid, str) and _KID.fullmatch(kid) for kid in kids)
    if not fit or len(set(kids)) < len(kids):
        raise ConfigurationError(
            f"the key file {path}: each kid must be 1 to 8 characters of a-z and 0-9 and stand "
            "only once; give the new key such a name"
        )
