"""Shortening text without ever cutting inside a Burmese syllable or a Latin word.

Jinja's `truncate` and `textwrap` cut inside clusters and draw dotted circles; templates must
not use them.
"""

from __future__ import annotations

from newsletter.language.syllables import boundaries

_ELLIPSIS = "…"
_PREFERRED_SHARE = 0.6


def cut(text: str, limit: int) -> str:
    """The text in at most `limit` code points, with … when something was left out.

    Prefers a space or ။ in the last 40 %, then a syllable start; a Latin word is only cut when
    it alone is longer than the limit.
    """
    tidy = " ".join(text.split())
    if len(tidy) <= limit:
        return tidy
    places = [at for at in boundaries(tidy) if 0 < at < limit]
    at = _best(tidy, places, limit)
    return tidy[:at].rstrip(" ,;:၊–-") + _ELLIPSIS


def _best(text: str, places: list[int], limit: int) -> int:
    phrases = [at for at in places if text[at] == " " or text[at - 1] in " ။"]
    if phrases and phrases[-1] >= limit * _PREFERRED_SHARE:
        return phrases[-1]
    whole = [at for at in places if not (_latin(text[at]) and _latin(text[at - 1]))]
    return (whole or places or [0])[-1]


def _latin(character: str) -> bool:
    return character.isalnum() and character < "\u1000"
