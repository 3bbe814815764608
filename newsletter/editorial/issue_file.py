"""The project's own issue file: facts in TOML, then the text of each language in Markdown. Pure.

    +++
    date = 2026-11-16
    [editions.en]
    title = "…"
    +++ en
    The first paragraph.
    +++ my
    ပထမ စာပိုဒ်။

A line of a text that would begin with `+++` is written `\\+++`, which Markdown reads the same.
`docs/issue-file.md` explains every entry; `exporting.issue_file` writes such a file.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from newsletter.core.errors import InputError
from newsletter.core.language_codes import canonical
from newsletter.editorial import file_faults

_DIVIDER = re.compile(r"\+\+\+[ \t]*([A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)?[ \t]*")
_ESCAPED = re.compile(r"^\\(\\*\+\+\+)", re.MULTILINE)
_TO_ESCAPE = re.compile(r"^(\\*\+\+\+)", re.MULTILINE)
_TOML_LINE = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("it must not be empty")
    return text


def _web_address(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]\S*", text):
        raise ValueError("a link must begin with http:// or https://")
    return text


def _inside(text: str) -> str:
    path = PurePosixPath(text)
    if not text or path.is_absolute() or ".." in path.parts or "\\" in text:
        raise ValueError("the image is named by a path relative to this file, without '..'")
    return text


Text = Annotated[str, AfterValidator(_filled)]
Code = Annotated[str, AfterValidator(canonical)]
Url = Annotated[str, AfterValidator(_web_address)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Note(_Part):
    """A footnote; `mark` stands in the text as `[^mark]`."""

    mark: Text
    text: Text


class FileEdition(_Part):
    """The editorial in one language."""

    title: str = ""
    """Must be filled as soon as a text stands below."""
    authors: list[Text] = []
    reading_minutes: int | None = Field(default=None, ge=1, le=999)
    pull_quote: str = ""
    about: str = ""
    footnotes: list[Note] = []
    body: str = ""
    """Markdown; in the file it stands below the facts, not among them."""

    @property
    def written(self) -> bool:
        """False for a skeleton that nobody has filled in yet."""
        return bool(self.body.strip())


class FileCategory(_Part):
    """A heading the resources refer to, should the publication not have it yet."""

    key: Text
    name: dict[Code, Text] = {}


class FileResource(_Part):
    """One resource; `category` is a key or a name, left out for none."""

    category: Text | None = None
    byline: str
    title: dict[Code, Text] = Field(min_length=1)
    link: dict[Code, Url] = {}
    published: date | None = None
    lines: list[int] = []


class FileWarning(_Part):
    """What an earlier import could not be sure of."""

    model_config = ConfigDict(extra="allow")

    line: int
    text: str


class IssueFile(_Part):
    """A whole issue in all its languages."""

    publication: str | None = None
    number: int | None = None
    date: date
    image: Annotated[str, AfterValidator(_inside)] | None = None
    image_expected: bool = False
    image_alternatives: dict[Code, Text] = {}
    image_decorative: bool = False
    """Said instead of alternatives: the image tells nothing that the text does not."""
    editions: dict[Code, FileEdition] = {}
    categories: list[FileCategory] = []
    resources: list[FileResource] = []
    warnings: list[FileWarning] = []


def looks_like_one(text: str) -> bool:
    """Does the text begin as an issue file does?"""
    return text.lstrip().startswith("+++")


def parse(text: str, name: str) -> IssueFile:
    """Read an issue file; InputError names the file, the line and what is wrong there."""
    lines = text.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if _divider(lines[first]) is None:
        raise InputError(f"{name}:{first + 1}", "an issue file begins with a line '+++'")
    dividers = [i for i in range(first + 1, len(lines)) if _divider(lines[i]) is not None]
    if not dividers:
        raise InputError(
            f"{name}:{first + 1}", "the line '+++' that ends the facts is missing below"
        )
    head = lines[first + 1 : dividers[0]]
    facts = _facts("\n".join(head), name, first + 1)
    bodies = _bodies(lines, dividers, name)
    found = _checked(facts, name, head, first + 2)
    _join(found, bodies, name)
    _number_resources(found, head, first + 2)
    return found


def _divider(line: str) -> str | None:
    """The language a divider names, empty when it names none; None for any other line."""
    match = _DIVIDER.fullmatch(line)
    if match is None or not match[1]:
        return None if match is None else ""
    try:
        return canonical(match[1])
    except ValueError:
        return str(match[1])


def _facts(head: str, name: str, above: int) -> dict[str, Any]:
    try:
        return tomllib.loads(head)
    except tomllib.TOMLDecodeError as err:
        match = _TOML_LINE.search(str(err))
        line = above + (int(match[1]) if match and match[1] else head.count("\n") + 1)
        said = _TOML_LINE.sub("", str(err)).strip()
        raise InputError(f"{name}:{line}", f"this is not valid TOML: {said}") from err


def _bodies(lines: list[str], dividers: list[int], name: str) -> dict[str, tuple[int, str]]:
    """The text under each divider that names a language, with the divider's line number."""
    found: dict[str, tuple[int, str]] = {}
    for place, end in zip(dividers, [*dividers[1:], len(lines)], strict=True):
        language, number = _divider(lines[place]) or "", place + 1
        text = _ESCAPED.sub(r"\1", "\n".join(lines[place + 1 : end])).strip("\n")
        if not language and text.strip():
            raise InputError(
                f"{name}:{number}", "say which language follows, such as '+++ en', before its text"
            )
        if language in found:
            raise InputError(
                f"{name}:{number}", f"the text in '{language}' stood in line {found[language][0]}"
            )
        if language:
            found[language] = (number, text)
    return found


def escape_dividers(body: str) -> str:
    """A text none of whose lines is taken for a divider; `parse` undoes it."""
    return _TO_ESCAPE.sub(r"\\\1", body)


def _checked(facts: dict[str, Any], name: str, head: list[str], first: int) -> IssueFile:
    try:
        return IssueFile.model_validate(facts)
    except ValidationError as err:
        raise file_faults.explain(err, facts, head, name, first) from err


def _join(found: IssueFile, bodies: dict[str, tuple[int, str]], name: str) -> None:
    """Put each text to the facts of its language."""
    for language, (number, text) in bodies.items():
        if language not in found.editions:
            raise InputError(
                f"{name}:{number}", f"there is a text in '{language}' but no [editions.{language}]"
            )
        found.editions[language].body = text
        if text.strip() and not found.editions[language].title.strip():
            raise InputError(
                f"{name}:{number}",
                f"editions.{language}.title must not be empty when its text stands here",
            )
    if not found.editions and not found.resources:
        raise InputError(name, "the file has neither an edition nor a resource")


def _number_resources(found: IssueFile, head: list[str], first: int) -> None:
    """Line numbers of the resources, unless the file brings those of an earlier import."""
    places = [i for i, line in enumerate(head) if re.match(r"\s*\[\[resources\]\]", line)]
    if len(places) != len(found.resources):
        return
    for resource, place in zip(found.resources, places, strict=True):
        resource.lines = resource.lines or [first + place]
