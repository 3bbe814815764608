"""Macros in SPF (RFC 7208 §7): `%{i}` and its kin, written out for one sender and address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

Address = IPv4Address | IPv6Address
_MACRO = re.compile(r"%(?:\{([A-Za-z])([0-9]*)([rR]?)([.+,/_=-]*)\}|([%_-]))")
_PLAIN = {"%": "%", "_": " ", "-": "%20"}
_LONGEST = 253


@dataclass(frozen=True)
class Question:
    """Who is asked about: an address that sends as this mailbox."""

    address: Address
    sender: str
    helo: str = ""


def expanded(text: str, domain: str, question: Question) -> str:
    """The name that a target means; from the left so short that the DNS can take it (§7.3)."""

    def written(match: re.Match[str]) -> str:
        letter, digits, backwards, between, plain = match.groups()
        if plain:
            return _PLAIN[plain]
        parts = re.split(f"[{re.escape(between or '.')}]", _value(letter.lower(), domain, question))
        if backwards:
            parts.reverse()
        return ".".join(parts[-int(digits) :] if digits and int(digits) else parts)

    name = _MACRO.sub(written, text).rstrip(".").lower()
    while len(name) > _LONGEST and "." in name:
        name = name.partition(".")[2]
    return name


def _value(letter: str, domain: str, question: Question) -> str:
    local, _, sending = question.sender.rpartition("@")
    four = question.address.version == 4
    dotted = str(question.address) if four else ".".join(_nibbles(question.address))
    known = {
        "s": question.sender,
        "l": local or "postmaster",
        "o": sending,
        "d": domain,
        "i": dotted,
        "v": "in-addr" if four else "ip6",
        "h": question.helo or sending,
    }
    return known.get(letter, "unknown")


def _nibbles(address: Address) -> str:
    return address.exploded.replace(":", "")
