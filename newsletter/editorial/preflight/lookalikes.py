"""Internationalised host names that look like others (UTS 39 §5.2, RFC 5890). Pure.

A script is known by the first word of a letter's Unicode name, which is exact enough for the
letters that host names may hold.
"""

from __future__ import annotations

import unicodedata

_TOGETHER = (
    {"LATIN", "CJK", "HIRAGANA", "KATAKANA"},
    {"LATIN", "CJK", "BOPOMOFO"},
    {"LATIN", "CJK", "HANGUL"},
)
"""What UTS 39 calls highly restrictive: these scripts are written together, others are not."""
_LIKE_LATIN = frozenset("асԁеһіјӏоргѕухүԛԝьѵ" + "αγεικνορτυχω" + "աոսօցԁ")
"""Letters of Cyrillic, Greek and Armenian that a reader takes for Latin ones."""
_INVISIBLE = ("Cf", "Mn", "Me")


def suspicion(host: str) -> str:
    """Why a reader may take this host for another, as the end of a sentence; "" when nothing.

    `host` in ASCII (xn--…) or as it is shown.
    """
    for label in host.split("."):
        shown = _shown(label)
        if shown is None:
            return "has a part that stands for no letters"
        if not shown.isascii() and (why := _of_label(shown)):
            return f"is shown as “{shown}”, which {why}"
    return ""


def _shown(label: str) -> str | None:
    if not label.lower().startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return None


def _of_label(label: str) -> str:
    letters = [letter for letter in label if letter.isalpha()]
    scripts = {unicodedata.name(letter, "UNKNOWN").split()[0] for letter in letters}
    if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
        return f"mixes letters of {' and '.join(sorted(s.capitalize() for s in scripts))}"
    if letters and all(letter in _LIKE_LATIN for letter in letters):
        return f"is written in {scripts.pop().capitalize()} letters that look like Latin ones"
    alone = [c for c in label if unicodedata.category(c) in _INVISIBLE]
    if alone and scripts <= {"LATIN", "GREEK", "CYRILLIC"}:
        return "holds a sign that is not seen"
    return ""
