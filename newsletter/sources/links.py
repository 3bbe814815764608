"""Links as they stand in other people's pages: made whole, and rid of what tracks. Pure."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit, urlunsplit

_TRACKING = re.compile(
    r"(utm_\w+|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|twclid|igshid|igsh|mc_[ce]id|_hs\w+"
    r"|mkt_tok|vero_id|oly_\w+_id|s_cid|ref_src|at_(medium|campaign)|wickedid|ck_subscriber_id)",
    re.IGNORECASE,
)
_LONGEST = 2000
_BAD = re.compile(r"[\s<>\"\x00-\x1f\x7f]")
_JUNK = re.compile(r"[\t\r\n]")


def absolute(base: str, link: str) -> str:
    """The link as an http or https address, or "" when it is none or longer than 2,000 letters."""
    bare = _JUNK.sub("", link).strip()
    if not bare or len(bare) > _LONGEST:
        return ""
    try:
        whole = urljoin(base, bare)
        parts = urlsplit(whole)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return ""
    if parts.scheme.lower() not in ("http", "https") or not host or parts.username is not None:
        return ""
    whole = whole.replace(" ", "%20")
    return "" if _BAD.search(whole) else whole


def clean(url: str) -> str:
    """The address without parameters whose only use is to follow a reader about."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    kept = [one for one in parts.query.split("&") if not _TRACKING.fullmatch(one.partition("=")[0])]
    fragment = "" if parts.fragment.startswith(("utm_", "xtor=")) else parts.fragment
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "&".join(kept), fragment))


def host_of(url: str) -> str:
    """The host in small letters without "www.", or ""."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def same(url: str) -> str:
    """What two addresses of one page have in common: for telling that a link came before.

    Scheme, "www.", tracking, fragment and a last slash make no difference.
    """
    try:
        parts = urlsplit(clean(url))
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    except ValueError:
        return url
    query = f"?{parts.query}" if parts.query else ""
    return f"{host_of(url)}{port}{parts.path.rstrip('/')}{query}"
