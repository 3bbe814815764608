"""The part "Resources from the past week": headings, titles with their bylines. Pure.

The rule of the form: every item is a title line and a line `By …`; a heading stands alone, after
a larger gap. Where the gap is larger and no heading stands, one was lost in copying, and what
follows belongs to no category until an editor says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from newsletter.editorial import post_lines
from newsletter.editorial.duplicates import near_duplicates
from newsletter.editorial.post_lines import Line, Notice
from newsletter.editorial.tongues import UNKNOWN, Tongues, is_latin


@dataclass(frozen=True, slots=True)
class PostResource:
    """One resource of a post; `heading` is None where none stood above it."""

    heading: str | None
    titles: dict[str, str]
    byline: str
    lines: tuple[int, ...]
    near_duplicate_of: int | None = None


@dataclass
class ResourcePart:
    """What the lines under "Resources from the past week" say."""

    resources: list[PostResource] = field(default_factory=list)
    about: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


def parse(
    lines: Sequence[Line], *, language: str, headings: Collection[str], tongues: Tongues
) -> ResourcePart:
    """Read the lines below the heading of the resources, footnotes taken out.

    `headings` are the names that are known to be categories, in any language. A title in a
    script that none of the `tongues` is written in has the language UNKNOWN.
    """
    reader = _Reader(lines, language, tongues, {name.casefold() for name in headings})
    reader.read()
    part = reader.part
    pairs = [(next(iter(r.titles.values())), r.byline) for r in part.resources]
    for later, earlier in near_duplicates(pairs).items():
        part.notices.append(_duplicate(part.resources[later], part.resources[earlier]))
        part.resources[later] = _marked(part.resources[later], earlier)
    return part


def _marked(resource: PostResource, earlier: int) -> PostResource:
    return PostResource(resource.heading, resource.titles, resource.byline, resource.lines, earlier)


def _duplicate(later: PostResource, earlier: PostResource) -> Notice:
    text = (
        f"“{next(iter(later.titles.values()))}”, by {later.byline}, is nearly the same in "
        f"line {earlier.lines[0]} and in line {later.lines[0]}; both were kept, drop one if "
        "they are the same"
    )
    return Notice(later.lines[0], text, "near_duplicate")


class _Reader:
    """Goes down the lines once; `run` holds those since the last byline."""

    def __init__(
        self, lines: Sequence[Line], language: str, tongues: Tongues, known: set[str]
    ) -> None:
        self.lines = lines
        self.language = language
        self.tongues = tongues
        self.known = known
        self.usual = _usual_gap(lines)
        self.part = ResourcePart()
        self.heading: str | None = None
        self.empty: Line | None = None
        """The heading's line as long as no resource stands below it."""
        self.why_none = "no heading stands above it"
        self.run: list[Line] = []
        self.fresh = True
        """Did a heading, a large gap or the beginning come since the last resource?"""

    def read(self) -> None:
        for place, line in enumerate(self.lines):
            name = post_lines.byline(line.text)
            if name is None:
                self.run.append(line)
            elif self.run:
                self._settle(line, name)
            elif self._is_title(place):
                self._say(line, f"taken as a title, for another byline follows: “{line.text}”")
                self.run.append(line)
            else:
                self._say(line, f"a byline without a title above it: “{line.text}”")
        self._close()

    def _is_title(self, place: int) -> bool:
        """A title may begin with "By", too: "By Boat to School", then its byline."""
        following = self.lines[place + 1 : place + 2]
        return bool(following) and post_lines.byline(following[0].text) is not None

    def _settle(self, by: Line, name: str) -> None:
        *extras, title = self._unwrapped(self.run)
        self.run = []
        second = extras.pop() if self._is_other_title(extras, title) else None
        heading_before = False
        for line in extras:
            heading_before = self._take_extra(line, after_heading=heading_before)
        if not heading_before:
            self._note_gap(second or title)
        if second:
            self._say(second, f"taken with line {title.number} as two titles of one resource")
            self._add(second, name, by)
        self._add(title, name, by)

    def _unwrapped(self, run: list[Line]) -> list[Line]:
        """Join a title that was broken over adjacent lines."""
        joined: list[Line] = []
        for line in run:
            last = joined[-1] if joined else None
            if last and line.gap == 0 and self._continues(last, line):
                self._say(line, f"taken as the end of line {last.number}: “{line.text}”")
                joined[-1] = Line(last.number, f"{last.text} {line.text}", last.gap)
            else:
                joined.append(line)
        return joined

    def _continues(self, last: Line, line: Line) -> bool:
        if last.text.casefold() in self.known or post_lines.is_prose(last.text):
            return False
        if is_latin(last.text) != is_latin(line.text):
            return False
        return len(last.text) > 40 or line.text[0].islower()

    def _is_other_title(self, extras: list[Line], title: Line) -> bool:
        """An English title, its Burmese one, and only then the byline of both."""
        if not extras or is_latin(title.text):
            return False
        before = extras[-1]
        if not is_latin(before.text) or before.text.casefold() in self.known:
            return False
        return not (post_lines.is_headinglike(before.text) and self._is_large(before))

    def _is_large(self, line: Line) -> bool:
        return line.gap > self.usual or line is self.lines[0]

    def _take_extra(self, line: Line, *, after_heading: bool) -> bool:
        """A line that is neither title nor byline; True if it is a heading."""
        known = line.text.casefold() in self.known
        large = self._is_large(line) and not (after_heading and line.gap <= self.usual)
        headinglike = post_lines.is_headinglike(line.text)
        proper = headinglike and post_lines.is_title_case(line.text)
        if known or (headinglike and large) or (proper and not after_heading):
            if not known and not (proper and large):
                self._say(line, f"taken as a heading: “{line.text}”", "heading")
            self._report_empty()
            self.heading, self.empty, self.fresh = line.text, line, True
            return True
        if not after_heading:
            self._note_gap(line)
        self._say(line, f"neither a heading nor a title with a byline: “{line.text}”")
        return after_heading

    def _note_gap(self, line: Line) -> None:
        """A larger gap with no heading in it: one was lost, nothing may follow the old one."""
        if line.gap > self.usual:
            self._report_empty()
            self.heading, self.fresh = None, True
            self.why_none = (
                f"the gap above it (lines {line.number - line.gap}–{line.number - 1}) is larger "
                "than the others, so a heading was lost in copying"
            )

    def _add(self, title: Line, name: str, by: Line) -> None:
        tongue = self.tongues.of(title.text, self.language) or UNKNOWN
        last = self.part.resources[-1] if self.part.resources else None
        if (
            last
            and not is_latin(title.text)
            and not self.fresh
            and tongue not in last.titles
            and _same(last.byline, name)
        ):
            lines = tuple(dict.fromkeys((*last.lines, title.number, by.number)))
            titles = {**last.titles, tongue: title.text}
            self.part.resources[-1] = PostResource(last.heading, titles, last.byline, lines)
            return
        self.fresh, self.empty = False, None
        lines = (title.number, by.number)
        self.part.resources.append(PostResource(self.heading, {tongue: title.text}, name, lines))
        if self.heading is None:
            self._say(title, self._uncategorised(title), "no_category")
        if title.text.casefold() in self.known:
            self._say(title, f"the name of a category stands as a title: “{title.text}”")

    def _report_empty(self) -> None:
        if self.empty:
            text = f"a heading without resources below it: “{self.empty.text}”"
            self._say(self.empty, text)
        self.empty = None

    def _uncategorised(self, title: Line) -> str:
        return (
            f"“{title.text}” is in no category: {self.why_none}; name it with --category "
            "or with 'newsletter resources move'"
        )

    def _close(self) -> None:
        """After the last byline: the paragraph about the organisation, or what is no such."""
        self._report_empty()
        for line in self.run:
            if post_lines.is_prose(line.text) and not self._is_known(line):
                self.part.about.append(line.text)
            elif self._is_known(line) or post_lines.is_title_case(line.text):
                self._say(line, f"a heading without resources below it: “{line.text}”")
            else:
                self._say(line, f"a title without a byline, not taken: “{line.text}”")

    def _is_known(self, line: Line) -> bool:
        return line.text.casefold() in self.known

    def _say(self, line: Line, text: str, kind: str = "not_understood") -> None:
        self.part.notices.append(Notice(line.number, text, kind))


def _same(a: str, b: str) -> bool:
    return " ".join(a.split()).casefold() == " ".join(b.split()).casefold()


def _usual_gap(lines: Sequence[Line]) -> int:
    """How many blank lines part two items where no heading stands between them."""
    inside, between = Counter[int](), Counter[int]()
    for before, line in pairwise(lines):
        if post_lines.byline(line.text) is not None:
            inside[line.gap] += 1
        elif post_lines.byline(before.text) is not None:
            between[line.gap] += 1
    allowed = max(1, inside.most_common(1)[0][0]) if inside else 1
    if between.total() >= 3:
        gap, times = between.most_common(1)[0]
        if times * 2 > between.total():
            return max(allowed, gap)
    return allowed
