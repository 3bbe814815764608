"""A scrap of HTML as one plain line: titles come with tags and entities. Pure."""

from __future__ import annotations

import html
import re

_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>|<!--[^<>]{0,2000}-->")
_GAP = re.compile(r"</?(?:p|br|div|li|h\d|td|tr)\b[^<>]{0,200}>", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")
_LONGEST = 20_000


def text_of(scrap: str) -> str:
    """What a reader would see of it, in one line.

    "Q&amp;A" and "Q&A" are the same; "5 < 6" keeps its sign.
    """
    shown = _TAG.sub("", _GAP.sub(" ", scrap[:_LONGEST]))
    return line(html.unescape(shown))


def twice(scrap: str) -> str:
    """As `text_of`, for texts that may have been escaped once more than they should be."""
    once = text_of(scrap)
    return text_of(once) if "&" in once else once


def line(text: str) -> str:
    """One line without control characters and needless spaces."""
    return " ".join(_CONTROL.sub(" ", text).split())
