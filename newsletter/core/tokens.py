"""Signed links: a token says who, for which publication and for what, and holds no address.

`v1.<kid>.<base64url(subject16 ‖ scope8 ‖ purpose1)>.<base64url(HMAC-SHA256[:16])>`
Only `[A-Za-z0-9._-]`, so no proxy re-encodes it. The newest key signs, all keys verify, and
unsubscribe and preference tokens never expire (RFC 8058 asks for an opaque hard-to-forge
part; a mail read in three years must still let its reader leave).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID

from newsletter.core.errors import TokenError
from newsletter.core.keyring import Keyring, Rings
from newsletter.core.macs import Mac

_SHAPE = re.compile(r"v1\.([a-z0-9]{1,8})\.([A-Za-z0-9_-]{34})\.([A-Za-z0-9_-]{22})")
TOKEN_IN_TEXT = re.compile(r"v1\.[a-z0-9]{1,8}\.[A-Za-z0-9_-]{34}\.[A-Za-z0-9_-]{22}")
"""Finds a token in a mail's subject or address."""
_SECONDS = 3.0
_LABEL = b"newsletter-token-v1|"
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Purpose(IntEnum):
    """What a token may be used for; one for another purpose is refused."""

    UNSUBSCRIBE = 1
    PREFERENCES = 2
    CONFIRM = 3
    """The press after a sign-up; its subject is the sign-up, not the reader."""
    TEST = 9
    """In a test message: opens the page, can do nothing."""


class Claim(NamedTuple):
    """What a genuine token says: the subscriber's and the publication's public ids."""

    subject: UUID
    scope: int
    purpose: Purpose


_MARKS = {purpose: bytes((purpose,)) for purpose in Purpose}


class _Pen:
    """What one ring signs with."""

    def __init__(self, ring: Keyring) -> None:
        self.ring = ring
        self.front = f"v1.{ring.tokens[0].kid}."
        self.mac = Mac(ring.tokens[0].secret)


class TokenSigner:
    """Makes and checks tokens: the newest key signs, all verify."""

    def __init__(self, rings: Rings) -> None:
        self._rings = rings
        self._held = _Pen(rings.current())

    def sign(self, claim: Claim) -> str:
        """The token of a claim, always of the same length under the same key."""
        return self.sign_each(claim.subject, claim.scope, (claim.purpose,))[0]

    def sign_each(self, subject: UUID, scope: int, purposes: Iterable[Purpose]) -> list[str]:
        """A token for each purpose, of the same subject and scope."""
        pen, ring = self._held, self._rings.current()
        if pen.ring is not ring:
            pen = self._held = _Pen(ring)
        whose = subject.bytes + scope.to_bytes(8)
        bodies = [whose + _MARKS[purpose] for purpose in purposes]
        return [
            f"{pen.front}{_b64(body)}.{_b64(pen.mac.of(_LABEL + body)[:16])}" for body in bodies
        ]

    def read(self, token: str, *purposes: Purpose) -> Claim:
        """What the token says; TokenError when it is altered, foreign or for another purpose."""
        match = _SHAPE.fullmatch(token)
        key = self._key(match[1]) if match else None
        if match is None or key is None:
            raise TokenError("this link is not complete or was not made here")
        body, mac = _unb64(match[2]), _unb64(match[3])
        if not hmac.compare_digest(mac, self._mac(key, body)):
            raise TokenError("this link is not complete or was not made here")
        return _claim(body, purposes)

    def _key(self, kid: str) -> bytes | None:
        """The key of this name, which another process may have made a moment ago.

        Anybody can invent names, so the database is not asked more often than every few seconds.
        """
        known = _named(self._rings.current(), kid)
        return known or _named(self._rings.renewed(_SECONDS), kid)

    @staticmethod
    def _mac(key: bytes, body: bytes) -> bytes:
        return hmac.digest(key, _LABEL + body, "sha256")[:16]


def _named(ring: Keyring, kid: str) -> bytes | None:
    return next((key.secret for key in ring.tokens if key.kid == kid), None)


def _claim(body: bytes, purposes: tuple[Purpose, ...]) -> Claim:
    try:
        purpose = Purpose(body[24])
    except ValueError:
        raise TokenError("this link is for something else") from None
    if purpose not in purposes:
        raise TokenError("this link is for something else")
    return Claim(UUID(bytes=body[:16]), int.from_bytes(body[16:24]), purpose)


def _b64(value: bytes) -> str:
    return binascii.b2a_base64(value, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


def _unb64(text: str) -> bytes:
    # 34 and 22 characters carry 4 spare bits each: a second spelling of the same bytes would
    # be a second valid token, so the text must be the one that encoding gives.
    try:
        value = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise TokenError("this link is not complete or was not made here") from None
    if _b64(value) != text:
        raise TokenError("this link is not complete or was not made here")
    return value
