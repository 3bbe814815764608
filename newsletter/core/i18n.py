"""Words for readers, from gettext catalogues; English is written in the code and templates.

A language needs an entry in the settings (`[languages.xx]`) and a catalogue
`<directory>/xx/LC_MESSAGES/newsletter.mo`; nothing else knows which languages exist.
"""

from __future__ import annotations

import gettext
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

DOMAIN = "newsletter"


@lru_cache(maxsize=64)
def _load(language: str, directories: tuple[Path, ...]) -> gettext.NullTranslations:
    found: gettext.NullTranslations = gettext.NullTranslations()
    for directory in reversed(directories):
        try:
            catalogue = gettext.translation(DOMAIN, directory, languages=[language])
        except FileNotFoundError:
            continue
        catalogue.add_fallback(found)
        found = catalogue
    return found


def catalogue(language: str, directories: Sequence[Path]) -> gettext.NullTranslations:
    """The words of one language; the first directory wins, English stands where none has a word."""
    return _load(language, tuple(directories))
