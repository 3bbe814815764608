"""In which language a title is: its script says more than the page does. Pure.

Many Burmese pages stand in a theme that says `lang="en-US"`, or say nothing.
"""

from __future__ import annotations

import re

from newsletter.language.zawgyi import CERTAIN, likelihood

_MYANMAR = re.compile("[\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff]")
_NOT_BURMESE = re.compile("[\u1022\u1028\u1033-\u1035\u1050-\u109d\uaa60-\uaa7f\ua9e0-\ua9ff]")
"""Letters of Shan, Karen, Mon and Pa'O; some of their code points are Zawgyi's too."""
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_CODE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8}){0,3}")
_OTHER_NAMES = {"mya": "my", "bur": "my", "eng": "en", "zawgyi": "my", "burmese": "my"}
_MYANMAR_LANGUAGES = frozenset({"my", "shn", "mnw", "ksw", "pwo", "blk", "kht", "kyu", "rki", "pi"})


def code(declared: object) -> str:
    """A language tag as we write it (`en`, `my`, `pt-BR`), or "" for what is none."""
    bare = declared.strip() if isinstance(declared, str) else ""
    if bare.lower() in _OTHER_NAMES:
        return _OTHER_NAMES[bare.lower()]
    if not _CODE.fullmatch(bare):
        return ""
    first, *rest = re.split("[-_]", bare)
    first = _OTHER_NAMES.get(first.lower(), first.lower())
    return "-".join([first, *(part.upper() if len(part) == 2 else part for part in rest)])


def of(text: str, declared: str = "") -> str:
    """The language of a text that may be declared to be in another; "" when nobody can say."""
    primary = declared.partition("-")[0]
    burmese, latin = len(_MYANMAR.findall(text)), len(_LATIN.findall(text))
    if burmese * 2 > latin:
        return declared if primary in _MYANMAR_LANGUAGES else _by_script(text)
    if latin:
        return "en" if not primary or primary in _MYANMAR_LANGUAGES else declared
    return declared


def _by_script(text: str) -> str:
    if not _NOT_BURMESE.search(text):
        return "my"
    return "my" if likelihood(text) > CERTAIN else ""
