"""Which texts a thing brings with it, each with its place: what goes through the door. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from newsletter.editorial import conversion_places as places
from newsletter.editorial.conversions import Arriving, Document, Kind

if TYPE_CHECKING:
    from newsletter.editorial.issue_file import IssueFile
    from newsletter.editorial.models import Publication
    from newsletter.editorial.publication_settings import PublicationSettings
    from newsletter.editorial.weekly_post import Post

_SEVERAL_LINES = ("about", "postal_addresses")


def of_editorial(
    language: str,
    *,
    title: str,
    body: str,
    pull_quote: str,
    about: str,
    authors: Sequence[str],
    notes: Sequence[str],
) -> list[Arriving]:
    """Title, body, pull quote, about; then the authors; then the notes."""
    parts: list[tuple[str, str, Kind]] = [
        ("title", title, "line"),
        ("body", body, "prose"),
        ("pull quote", pull_quote, "plain"),
        ("about", about, "plain"),
    ]
    parts += [(f"author {at}", name, "line") for at, name in enumerate(authors, 1)]
    parts += [(f"note {at}", note, "plain") for at, note in enumerate(notes, 1)]
    return [
        Arriving(places.of_editorial(language, part), language, text, kind)
        for part, text, kind in parts
    ]


def of_resource(byline: str | None, titles: Mapping[str, str]) -> list[Arriving]:
    """Its titles in their order and, when it is given, the byline as the last."""
    found = [Arriving(places.of_title(code), code, title) for code, title in titles.items()]
    return found if byline is None else [*found, Arriving(places.BYLINE, None, byline)]


def of_image(alts: Mapping[str, str]) -> list[Arriving]:
    """The words for readers who do not see it."""
    return [Arriving(places.of_image(code), code, text) for code, text in alts.items()]


def of_settings(wanted: PublicationSettings) -> Iterator[tuple[dict[str, str], Arriving]]:
    """Each text of the settings, with the mapping in which it stands by its language."""
    for key, texts in wanted.texts():
        kind: Kind = "plain" if key.rpartition(".")[2] in _SEVERAL_LINES else "line"
        first, _, rest = key.partition(".")
        for language, text in texts.items():
            named = first == "categories"
            place = places.of_category(rest) if named else places.of_setting(key, language)
            yield texts, Arriving(place, language, text, kind)


def of_issue_file(publication: Publication, content: IssueFile) -> Document:
    """All texts of an issue file, to be judged together."""
    found = of_image(content.image_alternatives)
    for language, text in content.editions.items():
        found += of_editorial(
            language,
            title=text.title,
            body=text.body,
            pull_quote=text.pull_quote,
            about=text.about,
            authors=text.authors,
            notes=[note.text for note in text.footnotes],
        )
    for resource in content.resources:
        found += of_resource(resource.byline, resource.title)
    return Document(publication, found)


def of_post(publication: Publication, post: Post, language: str, body: str) -> Document:
    """All texts of a weekly post; `body` is its text in Markdown."""
    found = of_editorial(
        language,
        title=post.title,
        body=body,
        pull_quote=post.pull_quote,
        about=post.about,
        authors=post.authors,
        notes=list(post.footnotes.values()),
    )
    for resource in post.resources:
        found += of_resource(resource.byline, resource.titles)
    return Document(publication, found)
