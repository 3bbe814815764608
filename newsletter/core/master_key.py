"""The master key: it wraps the data keys that lie in the database, and never lies there itself.

It comes from a passphrase, from a setting (environment, or a file the environment names), or
from the key file in the home. How a database is wrapped stands in `installation.wrapping`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from newsletter.core.errors import ConfigurationError
from newsletter.core.key_file import KeyFile
from newsletter.core.settings import Settings

By = Literal["file", "environment", "passphrase"]
SHORTEST = 12
"""Characters of a passphrase."""
FOREIGN = (
    "{} does not belong to this database; put back the one that was made with it "
    "(nothing was read or written)"
)
_NONCE = 12
_COST = {"n": 2**15, "r": 8, "p": 3}
"""scrypt at 32 MB and a quarter of a second (OWASP Password Storage Cheat Sheet)."""


@dataclass(frozen=True, slots=True)
class Master:
    """One master key, and by which way it came."""

    secret: bytes = field(repr=False)
    by: By
    scrypt: dict[str, Any] = field(default_factory=dict)
    """Salt and cost, for a passphrase."""

    def fingerprint(self) -> str:
        """Tells master keys apart without saying anything of them."""
        return hmac.digest(self.secret, b"newsletter/master", "sha256").hex()[:24]

    def wrapping(self) -> dict[str, Any]:
        """What the database may know: how, under which, and the salt."""
        return {"by": self.by, "master": self.fingerprint(), **self.scrypt}

    def wrap(self, use: str, kid: str, secret: bytes) -> bytes:
        """A data key, closed; use and name are bound to it, so that rows cannot be swapped."""
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self.secret).encrypt(nonce, secret, _bound(use, kid))

    def unwrap(self, use: str, kid: str, wrapped: bytes) -> bytes:
        """The data key again; ConfigurationError when this master key did not close it."""
        box = AESGCM(self.secret)
        try:
            return box.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], _bound(use, kid))
        except (InvalidTag, ValueError) as err:
            raise ConfigurationError(
                f"the data key '{use} {kid}' in the database is damaged; put back the database "
                "from its backup"
            ) from err


def _bound(use: str, kid: str) -> bytes:
    return f"newsletter/data-key/{use}/{kid}".encode()


def for_new(settings: Settings) -> Master:
    """What a new database is wrapped by: a passphrase or key that is set, else the key file.

    The file must be there already. ConfigurationError when passphrase and key are both set.
    """
    keys = settings.keys
    if keys.passphrase and keys.key:
        raise ConfigurationError(
            "both passphrase and key are set under [keys]; take one of them out"
        )
    if keys.passphrase:
        return from_passphrase(keys.passphrase)
    if keys.key:
        return from_text(keys.key)
    return Master(KeyFile.load(settings.key_path).masters[0], "file")


def matching(settings: Settings, wrapping: dict[str, Any]) -> Master:
    """The master key of a database that is wrapped so.

    ConfigurationError when it is missing, damaged or another one.
    """
    by, wanted = wrapping["by"], wrapping["master"]
    if by == "file":
        made = [Master(secret, "file") for secret in KeyFile.load(settings.key_path).masters]
        place = "the key file"
    elif by == "environment":
        made = [from_text(_required(settings.keys.key, "key", "a key from the environment"))]
        place = "the key under [keys]"
    else:
        text = _required(settings.keys.passphrase, "passphrase", "a passphrase")
        made = [_stretched(text, {k: wrapping[k] for k in ("salt", "n", "r", "p")})]
        place = "the passphrase under [keys]"
    for master in made:
        if hmac.compare_digest(master.fingerprint(), wanted):
            return master
    raise ConfigurationError(FOREIGN.format(place))


def _required(value: str, name: str, what: str) -> str:
    if value:
        return value
    variable = f"NEWSLETTER_KEYS__{name.upper()}"
    raise ConfigurationError(
        f"the keys of this database are wrapped by {what}, and none is set; set {variable}_FILE "
        f"to the file that holds it (or {variable})"
    )


def from_passphrase(text: str) -> Master:
    """A master key out of a passphrase and a new salt; ConfigurationError when it is short."""
    if len(text) < SHORTEST:
        raise ConfigurationError(
            f"the passphrase has fewer than {SHORTEST} characters; take several words"
        )
    return _stretched(text, {"salt": secrets.token_hex(16), **_COST})


def _stretched(text: str, scrypt: dict[str, Any]) -> Master:
    n, r, p = scrypt["n"], scrypt["r"], scrypt["p"]
    salt, room = bytes.fromhex(scrypt["salt"]), 256 * n * r
    secret = hashlib.scrypt(text.encode(), salt=salt, n=n, r=r, p=p, maxmem=room, dklen=32)
    return Master(secret, "passphrase", scrypt)


def from_text(text: str) -> Master:
    """A master key from 32 bytes in base64; ConfigurationError for anything else."""
    try:
        secret = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != 32:
        raise ConfigurationError(
            "a master key is 32 bytes in base64; 'openssl rand -base64 32' makes one"
        )
    return Master(secret, "environment")
