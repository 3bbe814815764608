"""Signed forms: a page is ours, not too old, not answered faster than a person can, used once.

`base64url(stage1 ‖ ready8 ‖ nonce12).base64url(HMAC-SHA256[:16])`, bound to one publication.
It holds nothing about who asked for the page, so nothing has to be kept until it comes back.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

VALID_SECONDS = 2 * 3600
_KEPT = 100_000
_SHAPE = re.compile(r"([A-Za-z0-9_-]{28})\.([A-Za-z0-9_-]{22})")


class Stage(IntEnum):
    """Which press a form stands for."""

    FIRST = 1
    WAITED = 2
    """The second press of those whose browser proved no work."""


@dataclass(frozen=True, slots=True)
class FormToken:
    """A genuine token: it counts from `ready_at` on (Unix seconds), for two hours, once."""

    text: str
    stage: Stage
    ready_at: float
    nonce: bytes


class FormTokens:
    """Makes and reads the tokens of forms; `clock` gives Unix seconds."""

    def __init__(self, secret: bytes, clock: Callable[[], float] = time.time) -> None:
        self._secret = secret
        self._clock = clock

    def issue(self, slug: str, stage: Stage, wait: float) -> FormToken:
        """A fresh token for a form of this publication, ready in `wait` seconds."""
        ready_at = int((self._clock() + wait) * 1000)
        nonce = secrets.token_bytes(12)
        body = bytes([stage]) + ready_at.to_bytes(8) + nonce
        text = f"{_b64(body)}.{_b64(self._mac(slug, body))}"
        return FormToken(text, stage, ready_at / 1000, nonce)

    def read(self, slug: str, text: str) -> FormToken | None:
        """The token, or None when it is not ours, of another publication, or too old."""
        match = _SHAPE.fullmatch(text)
        if match is None:
            return None
        body, mac = _unb64(match[1]), _unb64(match[2])
        if not hmac.compare_digest(mac, self._mac(slug, body)):
            return None
        ready_at = int.from_bytes(body[1:9]) / 1000
        if self._clock() > ready_at + VALID_SECONDS:
            return None
        return FormToken(text, Stage(body[0]), ready_at, body[9:])

    def left(self, token: FormToken) -> float:
        """How many seconds it is too early; 0 when it counts."""
        return max(0.0, token.ready_at - self._clock())

    def _mac(self, slug: str, body: bytes) -> bytes:
        said = b"newsletter-form-v1|" + slug.encode() + b"\0" + body
        return hmac.digest(self._secret, said, "sha256")[:16]


class Spent:
    """Which tokens were used, and for what, as long as they could come again. In memory only.

    What a form said is kept as a hash under a key of this process: enough to know a form that
    is sent twice, which gets the same answer again, from one that was changed in between.
    Bounded; the oldest go first. For one thread: the loop that answers.
    """

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._key = secrets.token_bytes(32)
        self._said: OrderedDict[bytes, bytes] = OrderedDict()

    def use(self, token: FormToken, said: str) -> str:
        """`first`, `again` (with the same words) or `other` (with different ones)."""
        digest = hashlib.blake2b(said.encode(), key=self._key, digest_size=16).digest()
        before = self._said.get(token.nonce)
        if before is not None:
            return "again" if before == digest else "other"
        self._said[token.nonce] = digest
        while len(self._said) > self._kept:
            self._said.popitem(last=False)
        return "first"

    def give_back(self, token: FormToken) -> None:
        """It was not used after all, because what it was for failed."""
        self._said.pop(token.nonce, None)


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
