"""AWS Signature Version 4: who asks, signed into a request.

AWS, "Signature Version 4 signing process"; the tests hold it against the published test suite.
Only what we need of it: a POST without a query, its body in memory, its path plain ASCII.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key, and the session token that comes with a temporary one."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


def signed(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    credentials: Credentials,
    region: str,
    service: str,
    now: datetime,
    method: str = "POST",
) -> dict[str, str]:
    """The headers of a request with this `body`, with Host, X-Amz-Date and Authorization added.

    Every given header is signed, so none may be changed afterwards. A signature is good for
    five minutes around `now`.
    """
    parts = urlsplit(url)
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    known = {"Host": parts.netloc, "X-Amz-Date": stamp}
    if credentials.session_token:
        known["X-Amz-Security-Token"] = credentials.session_token
    whole = {**headers, **known}
    names, canonical = _canonical_headers(whole)
    path = quote(parts.path or "/", safe="/-_.~")
    asked = f"{method}\n{path}\n\n{canonical}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    key = _key(credentials.secret_key, scope)
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    whole["Authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return whole


def _canonical_headers(headers: Mapping[str, str]) -> tuple[str, str]:
    """Their names, and `name:value` lines; lower case, sorted, runs of blanks as one."""
    lines = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    return ";".join(name for name, _ in lines), "".join(f"{n}:{v}\n" for n, v in lines)


def _key(secret: str, scope: str) -> bytes:
    """A key good for one day, region and service."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
