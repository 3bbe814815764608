"""The data keys of an installation, opened: what closes addresses, signs links and finds again.

Each use has keys of its own. `index` never changes, because the blind index must stay
comparable; of the others the newest closes and signs, and all open and verify.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Key:
    """One secret of 32 bytes: its row, and the name that sealed values and links carry."""

    id: int
    kid: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Keyring:
    """All data keys at one instant, the newest first."""

    index: bytes = field(repr=False)
    seals: tuple[Key, ...]
    tokens: tuple[Key, ...]
    retired: tuple[Key, ...] = ()
    """Removed from the database since this process began; they open what it read before."""

    @classmethod
    def generate(cls) -> Keyring:
        """Fresh secrets for a new installation."""
        key, sign = (Key(0, "k1", secrets.token_bytes(32)) for _ in range(2))
        return cls(secrets.token_bytes(32), (key,), (sign,))

    def fingerprint(self) -> str:
        """Tells installations apart without saying anything of a key."""
        return hmac.new(self.index, b"fingerprint", hashlib.sha256).hexdigest()[:24]

    def derived(self, label: str) -> bytes:
        """32 bytes for one use of its own (`form`), the same for ever."""
        return derive(self.index, f"secret/{label}")

    def current(self) -> Keyring:
        """Itself: a ring in the hand is always the newest there is (see KeyChain)."""
        return self

    def renewed(self, seconds: float = 0) -> Keyring:
        """Itself."""
        return self


class Rings(Protocol):
    """Where the newest ring comes from: a Keyring, or a KeyChain that looks into the database."""

    def current(self) -> Keyring:
        """The ring as it stood a moment ago; costs nothing and never fails."""

    def renewed(self, seconds: float = 0) -> Keyring:
        """The ring, read again unless that was done within so many seconds."""


def derive(key: bytes, label: str) -> bytes:
    """A key for one use out of another, so that no secret serves two ends."""
    return hmac.digest(key, f"newsletter/{label}/v1".encode(), "sha256")
