"""The plain-text part: a real edition, for those who read without HTML or must.

Paragraphs are single lines: Burmese has no spaces to wrap at, and every client wraps by itself.
"""

from __future__ import annotations

import re

from newsletter.rendering.fit_to_show import without_controls

_MANY_EMPTY = re.compile(r"\n{3,}")
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)


def tidy(text: str) -> str:
    """A rendered text without stray spaces, never more than one empty line, ended by one \\n."""
    kept = _TRAILING.sub("", without_controls(text))
    return _MANY_EMPTY.sub("\n\n", kept).strip("\n") + "\n"
