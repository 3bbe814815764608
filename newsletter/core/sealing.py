"""Sealed addresses: AES-256-GCM under a data key, and a blind index that finds them again.

A sealed value is `kid ‖ 0 ‖ nonce12 ‖ ciphertext ‖ tag16`; about 50 bytes more than the text.
Nonces are random: good for 2³² values under one key (NIST SP 800-38D §8.3). The blind index is
the HMAC-SHA256 of the normalised address under a secret that never rotates.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from newsletter.core.errors import ConfigurationError
from newsletter.core.keyring import Keyring, Rings, derive

_NONCE = 12


@dataclass(frozen=True, slots=True)
class Sealed:
    """A closed text and the row of the key that closed it: both are stored, or neither."""

    key_id: int
    value: bytes


class _Boxes:
    """What one ring opens and closes with."""

    def __init__(self, ring: Keyring) -> None:
        self.ring = ring
        keys = (*ring.retired, *ring.seals)
        self.boxes = {key.kid.encode(): AESGCM(key.secret) for key in keys}
        self.key_id, self.front = ring.seals[0].id, ring.seals[0].kid.encode() + b"\0"
        self.newest = self.boxes[self.front[:-1]]

    def seal(self, texts: Sequence[str]) -> list[bytes]:
        nonces = os.urandom(_NONCE * len(texts))  # one call: a third of the time of a short text
        encrypt, front, values = self.newest.encrypt, self.front, []
        for place, text in enumerate(texts):
            nonce = nonces[place * _NONCE : (place + 1) * _NONCE]
            values.append(front + nonce + encrypt(nonce, text.encode(), None))
        return values


class Sealer:
    """Closes and opens addresses, and finds them again without opening any; for all threads."""

    def __init__(self, rings: Rings) -> None:
        self._rings = rings
        self._held = _Boxes(rings.current())
        self._index = derive(self._held.ring.index, "index")

    def _boxes(self, ring: Keyring) -> _Boxes:
        held = self._held
        if held.ring is not ring:
            held = self._held = _Boxes(ring)
        return held

    def _current(self) -> _Boxes:
        return self._boxes(self._rings.current())

    @property
    def key_id(self) -> int:
        """The row of the key that closes at this instant; `sealed` gives both together."""
        return self._current().key_id

    def renew(self) -> None:
        """Look for newer keys now: the database has refused the one we closed with."""
        self._rings.renewed()

    def seal(self, text: str) -> bytes:
        """The text, closed under the newest key."""
        return self._current().seal([text])[0]

    def seal_many(self, texts: Sequence[str]) -> list[bytes]:
        """Many at once, all under one key; who stores them takes `sealed_many`."""
        return self._current().seal(texts)

    def sealed(self, text: str) -> Sealed:
        """The text, closed, and the key's row, at one instant."""
        return self.sealed_many([text])[0]

    def sealed_many(self, texts: Sequence[str]) -> list[Sealed]:
        """Many at once, all under one key."""
        boxes = self._current()
        return [Sealed(boxes.key_id, value) for value in boxes.seal(texts)]

    def open(self, sealed: bytes) -> str:
        """The text again; ConfigurationError when no key of ours closed it."""
        return self.open_many([sealed])[0]

    def open_many(self, values: Sequence[bytes]) -> list[str]:
        """Many at once. A key that another process made since is fetched from the database."""
        boxes, texts = self._current().boxes, []
        for value in values:
            kid, _, rest = bytes(value).partition(b"\0")
            if kid not in boxes:
                boxes = self._boxes(self._rings.renewed()).boxes
            try:
                text = boxes[kid].decrypt(rest[:_NONCE], rest[_NONCE:], None)
            except (KeyError, InvalidTag, ValueError) as err:
                raise ConfigurationError(
                    "a sealed address cannot be opened with the keys of this database; put back "
                    "the database and the key that belong together"
                ) from err
            texts.append(text.decode())
        return texts

    def blind_index(self, normalised: str) -> bytes:
        """The same 32 bytes for the same address, meaningless without the key."""
        return hmac.digest(self._index, normalised.encode(), "sha256")

    def mark(self, label: str, normalised: str) -> bytes:
        """16 bytes that tell an address again for one other use, and lead back to nothing."""
        return hmac.digest(derive(self._index, label), normalised.encode(), "sha256")[:16]
