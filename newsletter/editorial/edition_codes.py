"""Editions by name: `my`, `en+my`. Pure.

An edition is any of a publication's languages, each once, joined by `+` in the publication's
order. The order belongs to the publication, not to the reader: after the languages are put in
another order, an edition that was stored or linked as `en+my` is the same edition and its parts
stand in the new order. What readers already hold is never unreadable: a language the publication
no longer has falls out of the edition, and the rest remains.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import combinations

from newsletter.core.errors import InputError


def choices(languages: Sequence[str], also: str | None = None) -> list[str]:
    """What a reader may choose: each language, every pair, all together; and what they have."""
    pairs = ["+".join(pair) for pair in combinations(languages, 2)]
    present = remaining(languages, also) if also else None
    found = [*languages, *pairs, "+".join(languages)]
    return list(dict.fromkeys([*found, present] if present else found))


def parse(languages: Sequence[str], text: str) -> str:
    """The edition meant by `my`, `EN+MY`, `my+en` or, as in a link, `en-my`.

    InputError lists what there is when a part is no language of these or is named twice.
    """
    parts = _parts(languages, text)
    if not parts or None in parts or len(set(parts)) != len(parts):
        there = ", ".join(choices(languages))
        raise InputError("edition", f"there is no edition '{text.strip()}'; there are {there}")
    return _joined(languages, parts)


def remaining(languages: Sequence[str], stored: str) -> str | None:
    """What an edition that was valid once means today; None when none of its languages is left."""
    return _joined(languages, _parts(languages, stored)) or None


def _joined(languages: Sequence[str], parts: Iterable[str | None]) -> str:
    named = set(parts)
    return "+".join(language for language in languages if language in named)


def _parts(languages: Sequence[str], text: str) -> list[str | None]:
    """The languages that are named, None for each word that is none of them.

    A hyphen parts two languages in a link (`en-my`) and belongs to a code (`pt-BR`), so the
    longest code that fits is taken.
    """
    known = {language.lower(): language for language in languages}
    found: list[str | None] = []
    for joined in re.split(r"[+,\s]+", text.strip().lower()):
        words = joined.split("-")
        while words:
            length = next((n for n in range(len(words), 0, -1) if "-".join(words[:n]) in known), 1)
            found.append(known.get("-".join(words[:length])))
            words = words[length:]
    return found
