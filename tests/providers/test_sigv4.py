"""Our signatures are those of the published AWS Signature Version 4 test suite."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from newsletter.providers.sigv4 import Credentials, signed

NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpS"
    "PfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYw"
    "T7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKml"
    "zm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)
FORM = {"content-type": "application/x-www-form-urlencoded"}
SUITE = {
    "post-vanilla": (
        *({}, b"", ""),
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    "post-header-key-sort": (
        *({"My-Header1": "value1"}, b"", ""),
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    "post-header-value-case": (
        *({"My-Header1": "VALUE1"}, b"", ""),
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    "post-x-www-form-urlencoded": (
        *(FORM, b"Param1=value1", ""),
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
    "post-sts-header-before": (
        *({}, b"", TOKEN),
        "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
    ),
}


def authorization(headers: dict[str, str], body: bytes, token: str) -> dict[str, str]:
    """As in the suite."""
    return signed(
        "https://example.amazonaws.com/",
        headers,
        body,
        credentials=Credentials("AKIDEXAMPLE", KEY, token),
        region="us-east-1",
        service="service",
        now=NOW,
    )


@pytest.mark.parametrize("name", SUITE)
def test_the_published_suite(name: str) -> None:
    headers, body, token, signature = SUITE[name]
    found = authorization(dict(headers), body, token)
    names = sorted([*map(str.lower, headers), "host", "x-amz-date"])
    names += ["x-amz-security-token"] * bool(token)
    assert found["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    assert found["X-Amz-Date"] == "20150830T123600Z"


def test_blanks_in_a_header_count_once() -> None:
    one = authorization({"My-Header2": '"a b c"'}, b"", "")
    many = authorization({"My-Header2": ' "a   b   c" '}, b"", "")
    assert one["Authorization"] == many["Authorization"]


def test_no_secret_is_shown() -> None:
    shown = repr(Credentials("AKIDEXAMPLE", KEY, TOKEN))
    assert KEY not in shown
    assert TOKEN not in shown
