"""Sealed addresses: AES-256-GCM under a key that is not in the database, and a blind index.

The key file lies in the home beside the database, readable by its owner only, and belongs in
a different backup. Keys are a list: the newest seals, all open. The index secret never
rotates, because the blind index (HMAC-SHA256 of the normalised address) must stay comparable.
A fingerprint of the index secret stands in the database, so that a lost or foreign key file
is noticed before anything is read or written with it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from newsletter.core.errors import ConfigurationError

_NONCE = 12
_KID = re.compile(r"[a-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class Keyring:
    """The secrets of one installation: `keys` newest first as (kid, 32 bytes), and `index`."""

    index: bytes
    keys: tuple[tuple[str, bytes], ...]

    @classmethod
    def generate(cls) -> Keyring:
        """Fresh secrets for a new installation."""
        return cls(secrets.token_bytes(32), (("k1", secrets.token_bytes(32)),))

    def fingerprint(self) -> str:
        """Tells key files apart without saying anything of the key."""
        return hmac.new(self.index, b"fingerprint", hashlib.sha256).hexdigest()[:24]

    def derived(self, label: str) -> list[tuple[str, bytes]]:
        """The keys for one use (`seal`, `token`), so that no secret serves two ends."""
        return [(kid, _derive(key, label)) for kid, key in self.keys]

    def save(self, path: Path) -> None:
        """Write the file for the first time, mode 600; an existing file is never replaced."""
        document = {
            "version": 1,
            "index": base64.b64encode(self.index).decode(),
            "keys": [{"kid": k, "key": base64.b64encode(v).decode()} for k, v in self.keys],
        }
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            json.dump(document, file, indent=1)
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def load(cls, path: Path) -> Keyring:
        """The secrets in a key file; ConfigurationError when it is missing or damaged."""
        try:
            document = json.loads(path.read_text(encoding="ascii"))
            keys = tuple((k["kid"], base64.b64decode(k["key"])) for k in document["keys"])
            ring = cls(base64.b64decode(document["index"]), keys)
        except FileNotFoundError as err:
            raise ConfigurationError(
                f"the key file {path} is missing; put it back from its backup: without it the "
                "addresses in the database cannot be read by anybody"
            ) from err
        except (OSError, ValueError, KeyError, TypeError) as err:
            raise ConfigurationError(
                f"the key file {path} is damaged; put it back from its backup"
            ) from err
        if not keys or any(len(key) != 32 for _, key in (*keys, ("", ring.index))):
            raise ConfigurationError(f"the key file {path} is damaged; put it back from its backup")
        _require_names(path, [kid for kid, _ in keys])
        return ring


def _require_names(path: Path, kids: list[object]) -> None:
    """Links carry the name of their key: one that they cannot carry would sign dead links."""
    fit = all(isinstance(kid, str) and _KID.fullmatch(kid) for kid in kids)
    if not fit or len(set(kids)) < len(kids):
        raise ConfigurationError(
            f"the key file {path}: each kid must be 1 to 8 characters of a-z and 0-9 and stand "
            "only once; give the new key such a name"
        )


def _derive(key: bytes, label: str) -> bytes:
    return hmac.new(key, f"newsletter/{label}/v1".encode(), hashlib.sha256).digest()


class Sealer:
    """Closes and opens addresses, and finds them again without opening any.

    A sealed value is `kid ‖ 0 ‖ nonce12 ‖ ciphertext ‖ tag16`; about 50 bytes more than the text.
    """

    def __init__(self, ring: Keyring) -> None:
        derived = ring.derived("seal")
        self._boxes = {kid: AESGCM(key) for kid, key in derived}
        self._newest = derived[0][0]
        self._index = _derive(ring.index, "index")

    def seal(self, text: str) -> bytes:
        """The text, closed under the newest key."""
        nonce = os.urandom(_NONCE)
        kid = self._newest
        return kid.encode() + b"\0" + nonce + self._boxes[kid].encrypt(nonce, text.encode(), None)

    def open(self, sealed: bytes) -> str:
        """The text again; ConfigurationError when no key of ours closed it."""
        kid, _, rest = bytes(sealed).partition(b"\0")
        box = self._boxes.get(kid.decode("ascii", "replace"))
        try:
            if box is None:
                raise InvalidTag
            return box.decrypt(rest[:_NONCE], rest[_NONCE:], None).decode()
        except InvalidTag as err:
            raise ConfigurationError(
                "a sealed address cannot be opened with this key file; put the right one back"
            ) from err

    def blind_index(self, normalised: str) -> bytes:
        """The same 32 bytes for the same address, meaningless without the key."""
        return hmac.new(self._index, normalised.encode(), hashlib.sha256).digest()
