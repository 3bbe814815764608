"""A DMARC record read by RFC 9989 §4.7. Whatever stands in it, nothing is raised.

RFC 9989 obsoletes RFC 7489: `pct`, `rf` and `ri` are no tags any more, `np`, `psd` and `t` are new,
and the size behind an address (`!10m`) is gone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from newsletter.doctor import tags

GONE = ("pct", "rf", "ri")
_VERSION = re.compile(r"v\s*=\s*DMARC1\s*(?:;|$)", re.IGNORECASE)
_POLICIES = frozenset({"none", "quarantine", "reject"})
_ALLOWED = {
    **dict.fromkeys(("p", "sp", "np"), _POLICIES),
    **dict.fromkeys(("adkim", "aspf"), frozenset({"r", "s"})),
    "psd": frozenset({"y", "n", "u"}),
    "t": frozenset({"y", "n"}),
}
_KNOWN = {"v", "rua", "ruf", "fo", *_ALLOWED}
_MAILTO = re.compile(r"mailto:([^\s@<>!?,;]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+))(\?\S*)?", re.I)
_FO = frozenset("01ds")


@dataclass(frozen=True)
class DmarcRecord:
    """What a record says, with the defaults of its tags; `gone` are tags nobody reads any more."""

    policy: str = "none"
    subdomains: str = ""
    missing: str = ""
    """`np=`: for names below that do not exist."""
    strict_dkim: bool = False
    strict_spf: bool = False
    psd: str = "u"
    testing: bool = False
    reports: tuple[tuple[str, str], ...] = ()
    """Where aggregate reports go: (address, its domain)."""
    faults: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def is_dmarc(text: str) -> bool:
    """Whether a TXT record is one: its first tag says so."""
    return _VERSION.match(text) is not None


def records(texts: Sequence[str]) -> list[str]:
    """Those of the TXT records at a name that are DMARC."""
    return [text for text in texts if is_dmarc(text)]


def parse(text: str) -> DmarcRecord:
    """The record in a text that begins with v=DMARC1."""
    found = tags.parse(text)
    given = found.pairs
    faults = list(found.faults)
    for name, allowed in _ALLOWED.items():
        if name in given and given[name].lower() not in allowed:
            faults.append(f"'{name}={given[name][:40]}' is none of {', '.join(sorted(allowed))}")
    reports, wrong = _addresses(given.get("rua", ""))
    faults += [f"in rua '{one[:60]}' is no mailto: address" for one in wrong]
    faults += [
        f"in ruf '{one[:60]}' is no mailto: address" for one in _addresses(given.get("ruf", ""))[1]
    ]
    if given.get("fo") and not set(given["fo"].replace(":", "").replace(" ", "")) <= _FO:
        faults.append(f"'fo={given['fo'][:40]}' is none of 0, 1, d, s")
    return DmarcRecord(
        policy=_one(given.get("p", "none"), _POLICIES, "none"),
        subdomains=_one(given.get("sp", ""), _POLICIES, ""),
        missing=_one(given.get("np", ""), _POLICIES, ""),
        strict_dkim=given.get("adkim", "").lower() == "s",
        strict_spf=given.get("aspf", "").lower() == "s",
        psd=_one(given.get("psd", "u"), _ALLOWED["psd"], "u"),
        testing=given.get("t", "").lower() == "y",
        reports=tuple(reports),
        faults=tuple(faults),
        gone=tuple(name for name in GONE if name in given),
        unknown=tuple(name for name in given if name not in _KNOWN and name not in GONE),
    )


def _one(value: str, allowed: frozenset[str], usual: str) -> str:
    return value.lower() if value.lower() in allowed else usual


def _addresses(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """The mail addresses of a list of URIs, and what is none."""
    right, wrong = [], []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        match = _MAILTO.fullmatch(part)
        if match:
            right.append((match[1], match[2].lower()))
        elif not part.lower().startswith(("https:", "http:")):
            wrong.append(part)
    return right, wrong
