"""What a provider says is kept; whom it says it of, and our keys, are not."""

from __future__ import annotations

import pytest

from newsletter.providers.quoting import quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("422 no <aye.aye+x@example.org> here", "422 no <[address]> here"),
        ("422 no aye.aye%2Bx%40example.org here", "422 no [address] here"),
        ("422 who is Aye.Aye+X?", "422 who is [address]?"),
        ("422 who is aye.aye?", "422 who is [address]?"),
        ("403 key-1/2 does not match\r\nSet-Cookie: x", "403 [key] does not match Set-Cookie: x"),
        ("200 a\x00b\u202ec", "200 abc"),
        ("500 " + "x" * 900, "500 " + "x" * 496),
    ],
)
def test_one_line_about_nobody(text: str, shown: str) -> None:
    assert quoted(text, recipient="aye.aye+x@example.org", secrets=("", "key-1/2")) == shown


def test_a_short_name_does_not_tear_words() -> None:
    assert quoted("422 limit", recipient="li@example.org") == "422 limit"
