"""An issue written as the project's own issue file, from which `importing` makes the same again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date

from newsletter.editorial.issue_file import escape_dividers
from newsletter.editorial.models import Category, Editorial, Issue, Resource
from newsletter.editorial.ordering import in_order
from newsletter.editorial.picture_names import is_decorative

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_UNSAFE = re.compile(r'["\\\x00-\x1f\x7f]')
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_NEVER_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f]")


def issue_file(issue: Issue) -> str:
    """The issue as text: facts in TOML between `+++` lines, then each language's Markdown.

    What a reader sees survives whole; status, week and approval belong to the original and do
    not travel. The image is named, not contained: it lies in the home's `media` directory. A
    language without a text yet gets a place to be filled in, which reads as nothing.
    """
    order = issue.publication.languages
    editorials = sorted(issue.editorials, key=lambda e: _place(order, e.language))
    resources = [r for r in in_order(issue.resources) if r.dropped_at is None]
    facts = [*_issue(issue)]
    for editorial in editorials:
        facts += ["", *_edition(editorial)]
    unwritten = [c for c in order if c not in {e.language for e in editorials}]
    for code in unwritten:
        facts += ["", f"[editions.{_key(code)}]", 'title = ""', "authors = []"]
    for category in _categories(resources):
        facts += ["", *_category(category)]
    for resource in resources:
        facts += ["", *_resource(resource)]
    for warning in issue.warnings:
        facts += ["", "[[warnings]]", *(f"{_key(k)} = {_value(v)}" for k, v in warning.items())]
    texts = [f"+++ {editorial.language}\n{_body(editorial)}" for editorial in editorials]
    texts += [f"+++ {code}\n" for code in unwritten]
    return "\n".join(["+++", *facts, *(texts or ["+++", ""])])


def _place(order: list[str], language: str) -> tuple[int, str]:
    return (order.index(language) if language in order else len(order)), language


def _issue(issue: Issue) -> Iterator[str]:
    yield f"publication = {_value(issue.publication.slug)}"
    yield f"number = {issue.number}"
    yield f"date = {issue.date.isoformat()}"
    if issue.image_name:
        yield f"image = {_value(issue.image_name)}"
    if issue.image_expected:
        yield "image_expected = true"
    if is_decorative(issue.image_alts):
        yield "image_decorative = true"
    yield from _texts("image_alternatives", issue.image_alts)


def _edition(editorial: Editorial) -> Iterator[str]:
    yield f"[editions.{_key(editorial.language)}]"
    yield f"title = {_value(editorial.title)}"
    yield f"authors = {_value(editorial.authors)}"
    if editorial.reading_minutes is not None:
        yield f"reading_minutes = {editorial.reading_minutes}"
    for key, text in (("pull_quote", editorial.pull_quote), ("about", editorial.about)):
        if text:
            yield f"{key} = {_value(text)}"
    if editorial.footnotes:
        yield "footnotes = ["
        for note in editorial.footnotes:
            yield f"  {{mark = {_value(note['mark'])}, text = {_value(note['text'])}}},"
        yield "]"


def _body(editorial: Editorial) -> str:
    text = editorial.body.replace("\r\n", "\n").replace("\r", "\n")
    return f"{escape_dividers(_NEVER_IN_TEXT.sub('', text))}\n"


def _categories(resources: list[Resource]) -> list[Category]:
    used = {r.category.key: r.category for r in resources if r.category is not None}
    return sorted(used.values(), key=lambda c: c.position)


def _category(category: Category) -> Iterator[str]:
    yield "[[categories]]"
    yield f"key = {_value(category.key)}"
    yield from _texts("name", category.names)


def _resource(resource: Resource) -> Iterator[str]:
    yield "[[resources]]"
    if resource.category is not None:
        yield f"category = {_value(resource.category.key)}"
    yield f"byline = {_value(resource.byline)}"
    yield from _texts("title", resource.titles)
    yield from _texts("link", resource.urls)
    yield f"published = {resource.published_on.isoformat()}"
    if resource.lines:
        yield f"lines = {_value(resource.lines)}"


def _texts(key: str, texts: Mapping[str, str]) -> Iterator[str]:
    for language, text in texts.items():
        if text:
            yield f"{key}.{_key(language)} = {_value(text)}"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: object) -> str:
    """A TOML value; strings on one line, so that line numbers stay true to the reader's eye."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(_value(entry) for entry in value)}]"
    return '"' + _UNSAFE.sub(lambda m: _ESCAPES.get(m[0], f"\\u{ord(m[0]):04X}"), str(value)) + '"'
