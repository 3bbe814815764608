"""Any text made fit to be shown: nothing in it breaks a page or turns what stands behind it. Pure.

A single U+0092 makes Gmail clip a message, U+0007 is not allowed in XML, and U+202E and its kin
(Unicode Standard Annex 9) turn the direction of writing until their end or that of the paragraph:
one left open in a title would write the byline after it backwards.
"""

from __future__ import annotations

import re

_POP, _END = "\u202c", "\u2069"
_ENDS = {
    **dict.fromkeys("\u202a\u202b\u202d\u202e", _POP),
    **dict.fromkeys("\u2066\u2067\u2068", _END),
}
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def without_controls(text: str) -> str:
    """The text without control characters (but line feed and tab) and halves of characters."""
    return _CONTROLS.sub("", text)


def closed(text: str) -> str:
    """The text with an end for every mark that turns the direction and is left open in it."""
    due: list[str] = []
    for mark in _TURNING.findall(text):
        if mark in _ENDS:
            due.append(_ENDS[mark])
        elif due and due[-1] == mark:
            due.pop()
    return text + "".join(reversed(due))


def fit(value: object) -> object:
    """What a template is about to show; texts alone are looked at, and Markup stays Markup."""
    if not isinstance(value, str) or not (_CONTROLS.search(value) or _TURNING.search(value)):
        return value
    return type(value)(closed(without_controls(value)))
