"""Codes under a key: the same as the standard library's, whatever key and text."""

from __future__ import annotations

import hmac

from hypothesis import given
from hypothesis import strategies as st

from newsletter.core.macs import Mac


@given(st.binary(max_size=200), st.binary(max_size=300))
def test_the_code_is_that_of_rfc_2104(key: bytes, text: bytes) -> None:
    mac = Mac(key)
    assert mac.of(text) == hmac.digest(key, text, "sha256")
    assert mac.of(text) == mac.of(text) != mac.of(text + b"\0")
