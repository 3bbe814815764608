"""A published weekly post, copied as plain text from a web page, as values. Pure.

The form: title; `November 20th, 2023 • Author: NAME • 7 minute read`; "Featured image"; a pull
quote in quotation marks; paragraphs; footnotes `[1] …`; "Resources from the past week" with
headings, titles and bylines; a paragraph about the organisation. Every line that says something
ends in a field or in a notice with its number.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date

from newsletter.core.errors import InputError
from newsletter.editorial import post_lines, post_resources, post_text
from newsletter.editorial.post_lines import Line, Notice
from newsletter.editorial.post_resources import PostResource
from newsletter.editorial.tongues import SHIPPED, Tongues

_NO_POST = (
    "this is no weekly post: it has neither a line such as 'November 20th, 2023 • Author: NAME "
    "• 7 minute read' nor the heading 'Resources from the past week'; nothing was stored"
)


@dataclass
class Post:
    """What a weekly post says; texts are plain, exactly as they stood."""

    title: str = ""
    day: date | None = None
    authors: tuple[str, ...] = ()
    reading_minutes: int | None = None
    image_expected: bool = False
    pull_quote: str = ""
    paragraphs: list[str] = field(default_factory=list)
    footnotes: dict[str, str] = field(default_factory=dict)
    resources: list[PostResource] = field(default_factory=list)
    about: str = ""
    language: str = "en"
    notices: list[Notice] = field(default_factory=list)


def parse(
    text: str,
    name: str,
    *,
    language: str | None = None,
    headings: Collection[str] = (),
    tongues: Tongues = SHIPPED,
) -> Post:
    """Read a post. InputError, naming the file and line, if it is none, two, or half of one.

    `language` is that of the editorial (found by its script when not given); `headings` are the
    names of known categories, which are headings wherever they stand; `tongues` are the languages
    that the publication has.
    """
    lines = post_lines.lines_of(text)
    if not lines:
        raise InputError(name, "the file is empty; there is nothing to import")
    section = _only_section(lines, name)
    upper = lines if section is None else lines[:section]
    head = _only_dateline(lines, upper, name)
    if head is None and section is None:
        raise InputError(name, _NO_POST)
    post = Post(language=language or _language(upper, tongues) or tongues.first)
    if language is None and _language(upper, tongues) is None:
        said = "the publication has no language in the script of this text; it was taken as "
        _say(post, lines[0], f"{said}'{post.language}', say which it is with --language")
    body = _read_head(post, upper, head, name)
    below = [] if section is None else lines[section + 1 :]
    lower = _read_text(post, body, below)
    _read_resources(post, lower, headings, tongues)
    _require_content(post, name, lines, section)
    post.notices.sort(key=lambda notice: notice.line)
    return post


def _language(lines: Sequence[Line], tongues: Tongues) -> str | None:
    return tongues.of(" ".join(line.text for line in lines))


def _only_section(lines: Sequence[Line], name: str) -> int | None:
    found = [i for i, line in enumerate(lines) if post_lines.opens_resources(line.text)]
    if len(found) > 1:
        _refuse_two(name, lines[found[0]], lines[found[1]], "a list of resources begins")
    return found[0] if found else None


def _only_dateline(lines: Sequence[Line], upper: Sequence[Line], name: str) -> int | None:
    """The line with date, author and reading time; part of one will do near the top."""
    said = [post_lines.dateline(line.text) for line in lines]
    full = [i for i, what in enumerate(said) if what.known >= 2 and (what.day or what.authors)]
    if len(full) > 1:
        _refuse_two(name, lines[full[0]], lines[full[1]], "date and author stand")
    if full and full[0] >= len(upper):
        above = "the line with date and author stands below the resources, so a second post begins"
        raise InputError(f"{name}:{lines[full[0]].number}", f"{above}; give each post its own file")
    if full:
        return full[0]
    near_top = range(min(6, len(upper)))
    return next((i for i in near_top if said[i].known and not said[i].unknown), None)


def _refuse_two(name: str, first: Line, second: Line, what: str) -> None:
    raise InputError(
        f"{name}:{second.number}",
        f"{what} in line {first.number} and again in line {second.number}, so these are two "
        "posts; give each its own file, nothing was stored",
    )


def _read_head(post: Post, upper: Sequence[Line], head: int | None, name: str) -> list[Line]:
    """Title and date line(s); gives back the lines of the body."""
    above = list(upper[:head] if head is not None else upper[:1])
    if not above:
        line = upper[0].number if upper else 1
        raise InputError(f"{name}:{line}", "the title is missing; write it into the first line")
    _read_title(post, above)
    if head is None:
        said = "no line with date and author stands below the title; the issue is dated today"
        post.notices.append(Notice(above[0].number, said))
        return list(upper[1:])
    while head < len(upper) and _read_dateline(post, upper[head]):
        head += 1
    if post.day is None:
        _say(post, upper[head - 1], f"no date was found in “{upper[head - 1].text}”")
    return list(upper[head:])


def _read_title(post: Post, above: list[Line]) -> None:
    """The last line above the date; a longer title may have been broken over two lines."""
    *before, title = above
    post.title = title.text
    while before and title.gap == 0:
        title = before.pop()
        _say(post, title, "taken as one title with the line below it")
        post.title = f"{title.text} {post.title}"
    for line in before:
        _say(post, line, f"stands above the title and was not taken: “{line.text}”")


def _read_dateline(post: Post, line: Line) -> bool:
    """Take date, authors and reading time, which some pages put on lines of their own."""
    said = post_lines.dateline(line.text)
    clash = (post.day and said.day) or (post.authors and said.authors)
    if not said.known or clash or (said.unknown and (post.day or post.authors)):
        return False
    post.day = post.day or said.day
    post.authors = post.authors or said.authors
    post.reading_minutes = post.reading_minutes or said.reading_minutes
    for part in said.unknown:
        _say(post, line, f"this part of the date line was not understood: “{part}”")
    return True


def _read_text(post: Post, body: Sequence[Line], below: Sequence[Line]) -> list[Line]:
    """Take the written piece, and its notes wherever they stand; gives back the rest below."""
    part = post_text.parse(body, below)
    post.image_expected = part.image_expected
    post.pull_quote, post.paragraphs = part.pull_quote, part.paragraphs
    post.footnotes = {mark: note.text for mark, note in part.footnotes.items()}
    post.notices += part.notices
    return part.rest


def _read_resources(
    post: Post, lines: Sequence[Line], headings: Collection[str], tongues: Tongues
) -> None:
    lines = post_lines.with_latin_bylines(lines)
    part = post_resources.parse(lines, language=post.language, headings=headings, tongues=tongues)
    post.resources = part.resources
    post.about = "\n\n".join(part.about)
    post.notices += part.notices


def _require_content(post: Post, name: str, lines: Sequence[Line], section: int | None) -> None:
    """A post says something of its own; one without resources is taken, and that is said."""
    last = lines[-1] if section is None else lines[section]
    bylines = [line.number for line in lines if post_lines.byline(line.text)]
    if section is None and len(bylines) > 1:
        shown = ", ".join(str(number) for number in bylines[:5])
        missing = "the heading 'Resources from the past week' is missing above the bylines in lines"
        raise InputError(
            f"{name}:{bylines[0]}", f"{missing} {shown}; put it in, nothing was stored"
        )
    if not post.paragraphs and not post.resources:
        raise InputError(
            name, "the post has a title but no text and no resources; nothing was stored"
        )
    if not post.resources:
        _say(post, last, "the post lists no resources; its editorial was taken without any")
    if not post.paragraphs:
        _say(post, lines[0], "the post has no text of its own; only its resources were taken")


def _say(post: Post, line: Line, text: str) -> None:
    post.notices.append(Notice(line.number, text))
