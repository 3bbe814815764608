"""An issue as plain data: what `show --json` and `import --json` print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from newsletter.core.settings import Language
from newsletter.editorial.models import Editorial, Issue, Resource
from newsletter.editorial.ordering import heading, in_order
from newsletter.language.reading_time import minutes


def describe(issue: Issue, languages: Mapping[str, Language]) -> dict[str, Any]:
    """Everything about an issue in JSON's own types; the shape is documented and stays.

    `paragraphs` are plain text, `markdown` is what the editor wrote; a resource's
    `near_duplicate_of` is an index into `resources`; `reading_minutes` is computed when the
    text named none.
    """
    publication = issue.publication
    editorials = {e.language: e for e in issue.editorials}
    resources = in_order(issue.resources)
    places = {resource.id: index for index, resource in enumerate(resources)}
    return {
        "publication": publication.slug,
        "number": issue.number,
        "date": issue.date.isoformat(),
        "status": str(issue.status),
        "week": issue.week,
        "held_reason": issue.held_reason,
        "paused_reason": issue.paused_reason,
        "editions": {
            language: _edition(editorials[language], languages)
            for language in publication.languages
            if language in editorials
        },
        "resources": [_resource(r, publication.languages, places) for r in resources],
        "image": _image(issue),
        "warnings": open_warnings(issue),
    }


def open_warnings(issue: Issue) -> list[dict[str, Any]]:
    """What the import could not be sure of, without what an editor has settled since by putting
    the resource under a heading."""
    settled = {line for r in issue.resources if r.category is not None for line in r.lines}
    return [
        dict(warning)
        for warning in issue.warnings
        if warning.get("kind") != "no_category" or warning.get("line") not in settled
    ]


def reading_minutes(editorial: Editorial, languages: Mapping[str, Language]) -> int | None:
    """What the text says of itself, or what its length says; None for a language unknown here."""
    if editorial.reading_minutes is not None:
        return editorial.reading_minutes
    rules = languages.get(editorial.language)
    if rules is None or not editorial.body.strip():
        return None
    return minutes("\n".join(_paragraphs(editorial)), rules)


def _edition(editorial: Editorial, languages: Mapping[str, Language]) -> dict[str, Any]:
    return {
        "title": editorial.title,
        "authors": list(editorial.authors),
        "reading_minutes": reading_minutes(editorial, languages),
        "pull_quote": editorial.pull_quote,
        "paragraphs": _paragraphs(editorial),
        "footnotes": [dict(note) for note in editorial.footnotes],
        "about": editorial.about,
        "markdown": editorial.body,
    }


def _resource(resource: Resource, languages: list[str], places: dict[int, int]) -> dict[str, Any]:
    category = resource.category
    told = [c for c in [*languages, *resource.titles] if resource.titles.get(c)]
    linked = [c for c in resource.urls if c not in told]
    twin = resource.near_duplicate_of
    return {
        "id": resource.id,
        "category": heading(category, languages[0]) if category else None,
        "titles": {c: resource.titles[c] for c in told},
        "byline": resource.byline,
        "urls": {c: resource.urls.get(c) for c in dict.fromkeys([*told, *linked])},
        "lines": list(resource.lines),
        "near_duplicate_of": places.get(twin) if twin is not None else None,
        "published_on": resource.published_on.isoformat(),
    }


def _image(issue: Issue) -> dict[str, Any] | None:
    if issue.image_name is None:
        return {"expected": True, "name": None} if issue.image_expected else None
    return {
        "expected": issue.image_expected,
        "name": issue.image_name,
        "width": issue.image_width,
        "height": issue.image_height,
        "alts": dict(issue.image_alts),
    }


def _paragraphs(editorial: Editorial) -> list[str]:
    # The Markdown parser is slow to load, and most commands show no text.
    from newsletter.rendering.markdown import plain_blocks  # noqa: PLC0415

    return plain_blocks(editorial.body)
