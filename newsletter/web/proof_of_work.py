"""Work that a browser proves instead of a riddle a person solves (the idea of ALTCHA).

The page gives SHA-256(token ‖ n) for a secret n, and the browser counts until it finds n: about
a second of a phone's time, nothing for one reader, a lot for who wants ten thousand. No third
party takes part. n follows from the token under our key, so nothing is kept until it comes back.
"""

from __future__ import annotations

import hashlib
import hmac

from newsletter.web.form_tokens import FormToken


class Work:
    """Sets and checks work for forms; `most` is the largest number to count to."""

    def __init__(self, secret: bytes, most: int) -> None:
        self._secret = secret
        self.most = most

    def challenge(self, token: FormToken) -> str:
        """What the browser must hit, in hex: SHA-256 of the token's text and n in decimal."""
        return hashlib.sha256(f"{token.text}{self._number(token)}".encode()).hexdigest()

    def is_done(self, token: FormToken, number: str) -> bool:
        """Whether this is the number, as the form brings it back."""
        return number == str(self._number(token))

    def _number(self, token: FormToken) -> int:
        digest = hmac.digest(self._secret, b"newsletter-work-v1|" + token.nonce, "sha256")
        return int.from_bytes(digest[:8]) % (self.most + 1)
