"""How long a text takes to read.

English: 200 words a minute. Burmese: 400 syllables a minute, derived from IReST's reading-aloud
rates (Trauzettel-Klosinski 2012) and the silent/aloud ratio (Brysbaert 2019); both are settings.
Splitting Burmese at spaces counts phrases and gives a fifth of the truth.
"""

from __future__ import annotations

import math

from newsletter.language.rules import Rules
from newsletter.language.syllables import count

_LATIN_PER_MINUTE = 200


def minutes(text: str, rules: Rules) -> int:
    """Whole minutes, rounded up, at least 1; 0 for a text without any letters."""
    found, words = count(text)
    if rules.reading_unit == "syllables":
        spent = found / rules.reading_per_minute + words / _LATIN_PER_MINUTE
    else:
        spent = words / rules.reading_per_minute + found / 400
    return math.ceil(spent)
