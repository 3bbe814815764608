"""The plain-text part: a real edition, for those who read without HTML or must.

Paragraphs are single lines: Burmese has no spaces to wrap at, and every client wraps by itself.
"""

from __future__ import annotations

import re
import unicodedata

_MANY_EMPTY = re.compile(r"\n{3,}")
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)


def tidy(text: str) -> str:
    """A rendered text without stray spaces, never more than one empty line, ended by one \\n.

    Control characters are dropped: a single U+0092 makes Gmail clip a message.
    """
    kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    return _MANY_EMPTY.sub("\n\n", _TRAILING.sub("", kept)).strip("\n") + "\n"
