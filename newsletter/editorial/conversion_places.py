"""Where a converted text stands: the names of the places, and what stands there now. Pure.

A place is named as an editor would say it, and never longer than its column (80): the title of
the Burmese editorial is `editorial my title`, the third author `editorial my author 3`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from newsletter.editorial.models import Category, Editorial, Issue, Publication, Resource

IMAGE = "words for the image"
LOGO = "words for the logo"
BYLINE = "resource byline"
TITLE = "resource title"


def of_editorial(language: str, part: str) -> str:
    """`part` is title, pull quote, body, about, `author N` or `note N`, counted from 1."""
    return f"editorial {language} {part}"


def of_title(language: str) -> str:
    """A resource's title."""
    return f"{TITLE} {language}"


def of_image(language: str) -> str:
    """The words for readers who do not see the image."""
    return f"{IMAGE} {language}"


def of_logo(language: str) -> str:
    """What the logo says, for readers who do not see it."""
    return f"{LOGO} {language}"


def of_setting(key: str, language: str) -> str:
    """A text of a publication's settings."""
    return f"publication {key} {language}"


def of_category(key: str) -> str:
    """A category's name; its language stands in the row, for a key alone may have 64 letters."""
    return f"category {key}"


def texts_of_issue(issue: Issue) -> Iterator[tuple[str, str, str]]:
    """(place, language, text) of all that an issue holds itself, without its resources."""
    for written in issue.editorials:
        yield from _texts_of_editorial(written)
    for language, text in issue.image_alts.items():
        yield of_image(language), language, text


def _texts_of_editorial(written: Editorial) -> Iterator[tuple[str, str, str]]:
    code = written.language
    parts = {
        "title": written.title,
        "pull quote": written.pull_quote,
        "body": written.body,
        "about": written.about,
        **{f"author {at}": name for at, name in enumerate(written.authors, 1)},
        **{f"note {at}": str(note["text"]) for at, note in enumerate(written.footnotes, 1)},
    }
    for part, text in parts.items():
        yield of_editorial(code, part), code, text


def texts_of_resource(resource: Resource) -> Iterator[tuple[str, str | None, str]]:
    """(place, language, text) of a resource; a byline has no language of its own."""
    for language, text in resource.titles.items():
        yield of_title(language), language, text
    yield BYLINE, None, resource.byline


def texts_of_publication(publication: Publication) -> Iterator[tuple[str, str, str]]:
    """(place, language, text) of a publication's settings and of its categories' names."""
    kept: dict[str, Mapping[str, str]] = {
        "names": publication.names,
        "sender.names": publication.sender_names,
        "subject_prefixes": publication.subject_prefixes,
        "about": publication.about,
        "postal_addresses": publication.postal_addresses,
        **{f"discreet.{k}": v for k, v in publication.discreet.items() if isinstance(v, dict)},
    }
    for key, texts in kept.items():
        for language, text in texts.items():
            yield of_setting(key, language), language, text
    for language, text in publication.logo_alts.items():
        yield of_logo(language), language, text
    for category in publication.categories:
        yield from _texts_of_category(category)


def _texts_of_category(category: Category) -> Iterator[tuple[str, str, str]]:
    for language, name in category.names.items():
        yield of_category(category.key), language, name
