"""Whether Gmail shows a mail whole: it clips one whose HTML is too large. Pure.

Where it cuts is not settled: about 102 kB of HTML as measured, or of the same as it is encoded
for the wire, as others say. So both are read, and the larger decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from newsletter.editorial.checks import Problem
from newsletter.rendering.content import Letter
from newsletter.rendering.mime import canonical, quoted_printable, smaller_encoding

WARN = 80_000
STOP = 100_000
"""Bytes of the encoded HTML part; Gmail's own limit is a little above."""
_BASE64 = 78 / 57
"""Bytes on the wire for each byte in base64, line ends included."""


@dataclass(frozen=True, slots=True)
class Size:
    """Both readings of an edition's HTML, in bytes."""

    html: int
    encoded: int

    @property
    def text(self) -> str:
        """`51.2 kB of HTML, 70.1 kB encoded`."""
        return f"{_kb(self.html)} of HTML, {_kb(self.encoded)} encoded"


def gauge(letter: Letter, size: Size) -> Iterator[Problem]:
    """A problem when Gmail would clip the edition, or nearly so, with what makes it smaller."""
    if size.encoded < WARN:
        return
    over = size.encoded >= STOP
    limit = "clips a mail at about 102 kB and hides the rest, the link to leave included"
    near = "it is near" if not over else "it is over"
    yield Problem(
        "error" if over else "warning",
        "size",
        f"{size.text}: {near} the limit, for Gmail {limit}",
        _smaller(letter, size),
        "size",
    )


def encoded_size(html: str) -> int:
    """Bytes of the HTML in the encoding in which it goes out."""
    raw = canonical(html)
    if smaller_encoding(raw) == "base64":
        return (len(raw) + 56) // 57 * 2 + (len(raw) + 2) // 3 * 4
    return len(quoted_printable(raw)) + 2  # the CRLF that belongs to the boundary


def _smaller(letter: Letter, size: Size) -> str:
    """What takes the room, the largest first, and how much has to go."""
    excess = size.encoded - WARN
    parts: list[tuple[int, str]] = []
    for block in letter.blocks:
        text = len(block.body.encode()) + sum(len(n.text.encode()) for n in block.footnotes)
        lines = [line for group in block.groups for line in group.resources]
        listed = sum(len(f"{r.title}{r.url}{r.byline}".encode()) for r in lines)
        parts.append((text, f"the editorial in '{block.language}' takes"))
        parts.append((listed, f"the {len(lines)} resources in '{block.language}' take"))
    told = [f"{words} {_kb(round(weight * _BASE64))}" for weight, words in sorted(parts)[:-3:-1]]
    remedy = f"{' and '.join(told)}; about {_kb(excess)} should go: shorten the text or list less"
    if len(letter.blocks) > 1:
        remedy += ", or let readers choose one language"
    return remedy


def _kb(size: int) -> str:
    return f"{size / 1000:.1f} kB"
