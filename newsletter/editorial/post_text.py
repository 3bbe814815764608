"""The written piece of a post: featured image, pull quote, paragraphs, footnotes. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from newsletter.editorial import post_lines
from newsletter.editorial.post_lines import Line, Notice

MARK = re.compile(r"\[(\d{1,3})\]")
_WRAPPED = 100
"""Adjacent lines up to this long are one wrapped paragraph, longer ones are paragraphs."""


@dataclass
class TextPart:
    """What the written piece says; `rest` are the lines of other parts that are no footnotes."""

    image_expected: bool = False
    pull_quote: str = ""
    paragraphs: list[str] = field(default_factory=list)
    footnotes: dict[str, Line] = field(default_factory=dict)
    rest: list[Line] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def say(self, line: Line, text: str, kind: str = "not_understood") -> None:
        """Report a line."""
        self.notices.append(Notice(line.number, text, kind))


def parse(body: Sequence[Line], below: Sequence[Line]) -> TextPart:
    """Read the lines between date line and resources; footnotes may also stand in `below`."""
    part = TextPart()
    paragraphs = _paragraphs(part, body)
    part.rest = [line for line in below if not _take_footnote(part, line)]
    whole = _unwrapped(part, paragraphs)
    for line in whole:
        if post_lines.byline(line.text) and len(line.text) < 200:
            part.say(line, "looks like a byline; taken as a paragraph of the text")
    part.paragraphs = [line.text for line in _without_pull_quote(part, whole)]
    _check_marks(part, whole)
    return part


def _paragraphs(part: TextPart, lines: Sequence[Line]) -> list[Line]:
    found: list[Line] = []
    for line in lines:
        if _take_image(part, line) or _take_footnote(part, line):
            continue
        if part.footnotes:
            part.say(line, "stands below the footnotes; taken as a paragraph of the text")
        found.append(line)
    return found


def _take_image(part: TextPart, line: Line) -> bool:
    caption = post_lines.featured_image(line.text)
    if caption is None or part.image_expected:
        return False
    part.image_expected = True
    if caption:
        part.say(line, f"the caption of the featured image was not taken: “{line.text}”")
    return True


def _take_footnote(part: TextPart, line: Line) -> bool:
    found = post_lines.footnote(line.text)
    if found is None:
        return False
    mark, text = found
    if mark in part.footnotes:
        part.say(line, f"a second footnote [{mark}], not taken: “{text}”")
    else:
        part.footnotes[mark] = Line(line.number, text, line.gap)
    return True


def _unwrapped(part: TextPart, lines: Sequence[Line]) -> list[Line]:
    """Join the lines of paragraphs that were wrapped when copied."""
    joined: list[Line] = []
    length = 0
    for line in lines:
        if joined and line.gap == 0 and max(length, len(line.text)) <= _WRAPPED:
            last = joined[-1]
            joined[-1] = Line(last.number, f"{last.text} {line.text}", last.gap)
            part.say(line, f"taken as the continuation of line {last.number}")
        else:
            joined.append(line)
        length = len(line.text)
    return joined


def _without_pull_quote(part: TextPart, lines: list[Line]) -> list[Line]:
    """The first paragraph, if all of it is quoted, or if it is repeated in the text."""
    if len(lines) < 2:
        return lines
    first, rest = lines[0], lines[1:]
    quoted = post_lines.unquoted(first.text)
    if quoted is None and not any(first.text in line.text for line in rest):
        return lines
    part.pull_quote = quoted or first.text
    return rest


def _check_marks(part: TextPart, paragraphs: Sequence[Line]) -> None:
    """Marks in the text and notes below it must meet."""
    used: set[str] = set()
    for line in paragraphs:
        for mark in (str(int(digits)) for digits in MARK.findall(line.text)):
            used.add(mark)
            if mark not in part.footnotes:
                part.say(line, f"the text refers to a footnote [{mark}] that stands nowhere")
    for mark, note in part.footnotes.items():
        if mark not in used:
            part.say(note, f"nothing in the text refers to the footnote [{mark}]", "footnote")
