"""An SPF record read (RFC 7208 §12): terms and faults. Whatever stands in it, nothing is raised."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network
LOOKING_UP = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
"""The terms that ask the DNS; ten of them are allowed (RFC 7208 §4.6.4)."""
_NAMED = frozenset({"include", "exists"})
_DIRECTIVE = re.compile(
    r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?::((?:%\{[^}]*\}|[^/])*))?"
    r"(?:/([0-9]{1,3}))?(?://([0-9]{1,3}))?",
    re.IGNORECASE,
)
_NETWORK = re.compile(r"([+?~-]?)(ip[46]):([0-9A-Fa-f:.]+(?:/[0-9]{1,3})?)", re.IGNORECASE)
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)")
_MACRO = re.compile(r"%(?:\{[slodiphcrtvSLODIPHCRTV][0-9]*[rR]?[.+,/_=-]*\}|[%_-])|[!-$&-~]")


@dataclass(frozen=True)
class Term:
    """One mechanism, such as `~all` or `a:mail.example.org/24`."""

    qualifier: str
    name: str
    target: str = ""
    """Domain or macro; empty: the domain of the record itself."""
    prefix4: int = 32
    prefix6: int = 128
    network: Network | None = None


@dataclass(frozen=True)
class SpfRecord:
    """What a record says; with `faults` receivers answer permerror and take it for nothing."""

    terms: tuple[Term, ...] = ()
    redirect: str = ""
    faults: tuple[str, ...] = ()

    @property
    def ending(self) -> str:
        """The qualifier of its `all`; empty when there is none."""
        return next((one.qualifier for one in self.terms if one.name == "all"), "")


def is_spf(text: str) -> bool:
    """Whether a TXT record wants to be one (RFC 7208 §4.5)."""
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def records(texts: Sequence[str]) -> list[str]:
    """Those of the TXT records at a name that are SPF."""
    return [text for text in texts if is_spf(text)]


def parse(text: str) -> SpfRecord:
    """The record in a text that begins with v=spf1."""
    terms: list[Term] = []
    faults: list[str] = []
    modifiers: dict[str, str] = {}
    if not text.isascii():
        faults.append("it holds letters that are not ASCII")
    for word in text.split(" ")[1:]:
        if not word:
            continue
        found = _term(word)
        if isinstance(found, Term):
            terms.append(found)
        elif found is not None:
            faults.append(found)
        else:
            faults += _modifier(word, modifiers)
    return SpfRecord(tuple(terms), modifiers.get("redirect", ""), tuple(faults))


def _term(word: str) -> Term | str | None:
    """The mechanism, a fault, or None when it can only be a modifier."""
    if match := _NETWORK.fullmatch(word):
        return _network(word, match)
    match = _DIRECTIVE.fullmatch(word)
    if match is None:
        return None if _MODIFIER.fullmatch(word) else f"'{word}' is no term of SPF"
    sign, name, target, four, six = match.groups()
    name = name.lower()
    if fault := _misshaped(word, name, target, four or six):
        return fault
    prefix4, prefix6 = int(four or 32), int(six or 128)
    if prefix4 > 32 or prefix6 > 128:
        return f"'{word}' names a network that cannot be"
    return Term(sign or "+", name, target or "", prefix4, prefix6)


def _misshaped(word: str, name: str, target: str | None, prefix: str | None) -> str:
    if name in {"ip4", "ip6"}:
        return f"'{word}' names no address"
    if name in _NAMED and not target:
        return f"'{word}' names no domain"
    if (target is not None and not target) or (name == "all" and target):
        return f"'{word}' is no term of SPF"
    if prefix and name not in {"a", "mx"}:
        return f"'{word}' can have no network length"
    if target and not _is_macro(target):
        return f"'{word}' holds a macro or letter that SPF does not know"
    return ""


def _network(word: str, match: re.Match[str]) -> Term | str:
    sign, name, text = match.groups()
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return f"'{word}' names no address"
    if network.version != int(name[2]):
        return f"'{word}' names an address of the other kind"
    return Term(sign or "+", name.lower(), network=network)


def _modifier(word: str, seen: dict[str, str]) -> list[str]:
    name, _, value = word.partition("=")
    name = name.lower()
    if name in {"redirect", "exp"}:
        if name in seen:
            return [f"'{name}=' stands twice"]
        if not value or not _is_macro(value):
            return [f"'{word}' names no domain"]
    seen[name] = value
    return []


def _is_macro(text: str) -> bool:
    return not _MACRO.sub("", text)
