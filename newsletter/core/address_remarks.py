"""What is odd about an address that is one: said to editors, never a reason to refuse it.

A role address (RFC 2142: info@, office@) is read by several people, none of whom may have asked
for the newsletter. A domain whose label mixes scripts, or is Cyrillic or Greek but can be read
as Latin, may be a look-alike of another (UTS 39 §5, "restriction levels").
"""

from __future__ import annotations

import unicodedata

from newsletter.core.addresses import Address

_NAMES = """
abuse accounts admin administrator billing contact desk editor editors enquiries feedback ftp
hello help hostmaster hr info inquiries jobs list mail mailer-daemon marketing media news
newsletter no-reply noc noreply office postmaster press privacy root sales security support team
usenet uucp webmaster www
"""
ROLES = frozenset(_NAMES.split())
_LATIN_LOOKS = frozenset("асеорхуіјѕԁԛԝһӏкмтвнгьαβεικνορτυχγ")
"""Cyrillic and Greek small letters that many fonts draw like a Latin one."""

_TOGETHER = {"HIRAGANA", "KATAKANA", "CJK", "HANGUL", "BOPOMOFO"}
"""Scripts that one language writes side by side, also with Latin letters."""


def remarks(address: Address) -> list[str]:
    """`role` and `look_alike`, where they hold."""
    found = ["role"] if is_role(address.text) else []
    if "xn--" in address.domain and any(map(_looks_alike, address.domain.split("."))):
        found.append("look_alike")
    return found


def is_role(text: str) -> bool:
    """Whether an address in its normal form is one of an office and not of a person."""
    return text[: text.find("@")].lower() in ROLES


def _looks_alike(label: str) -> bool:
    if not label.startswith("xn--"):
        return False
    import idna  # noqa: PLC0415  (slow to load, and hardly ever needed)

    letters = [c for c in idna.ulabel(label) if c.isalpha()]
    scripts = {unicodedata.name(c, "?").replace("-", " ").split()[0] for c in letters}
    if len(scripts) > 1:
        return not (scripts - {"LATIN"} <= _TOGETHER)
    return scripts <= {"CYRILLIC", "GREEK"} and all(c in _LATIN_LOOKS for c in letters)
