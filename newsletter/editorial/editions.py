"""Editions: an issue in one language, or in several one after the other, ready to be rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from newsletter.core.errors import NotAllowedNow
from newsletter.core.settings import Language
from newsletter.editorial import edition_codes, picture_names, pictures
from newsletter.editorial.describing import reading_minutes
from newsletter.editorial.models import Editorial, Issue, Publication, Resource
from newsletter.editorial.ordering import by_category, heading
from newsletter.rendering.content import (
    Block,
    Footnote,
    Letter,
    Picture,
    ResourceGroup,
    ResourceLine,
)
from newsletter.rendering.look import look_of


def editions_of(publication: Publication, also: str | None = None) -> list[str]:
    """What a subscriber may choose: each language, every pair, and all of them: en, my, en+my.

    `also` is the edition a reader has, which stays on offer whatever it is.
    """
    return edition_codes.choices(publication.languages, also)


def parse_edition(publication: Publication, text: str) -> str:
    """The edition meant by `my`, `EN+MY`, `my+en` or `en-my`, in the publication's order.

    Any of its languages may be joined; InputError lists the usual ones.
    """
    return edition_codes.parse(publication.languages, text)


def letter(
    issue: Issue,
    edition: str,
    *,
    public_url: str,
    media_path: Path,
    languages: Mapping[str, Language],
) -> Letter:
    """The values from which one edition is rendered; the issue must be of an open session.

    A resource without a title in a block's language stands there with another language's and
    says so in `title_language`; `fallback_language` fills a missing editorial, and
    `editorial_language` tells. The blocks stand in the publication's order, and a language that
    it no longer has is left out of the edition. Raises NotAllowedNow naming the editorial that
    is missing, or the edition of which no language is left.
    """
    publication = issue.publication
    parts = _languages(publication, edition)
    main = parts[0]
    names, sender = publication.names, publication.sender_names
    return Letter(
        edition="+".join(parts),
        publication_slug=publication.slug,
        number=issue.number,
        date=issue.date,
        blocks=_blocks(issue, parts, languages),
        picture=_picture(issue, media_path),
        logo=_logo(publication, media_path),
        hosted_images=publication.hosted_images and public_url.startswith("https://"),
        look=look_of(publication.theme),
        sender_name=sender.get(main) or names.get(main) or publication.slug,
        sender_address=publication.sender_address,
        reply_to=publication.reply_to,
        leave_address=publication.leave_address or publication.sender_address,
        subject_prefix=publication.subject_prefixes.get(main, ""),
        public_url=public_url.rstrip("/"),
    )


def _languages(publication: Publication, edition: str) -> list[str]:
    left = edition_codes.remaining(publication.languages, edition)
    if left is None:
        there = ", ".join(publication.languages)
        raise NotAllowedNow(
            f"the publication has no language of the edition '{edition}' any more; it has {there}"
        )
    return left.split("+")


def _blocks(issue: Issue, parts: list[str], languages: Mapping[str, Language]) -> tuple[Block, ...]:
    found = [_block(issue, language, languages) for language in parts]
    return tuple(_once(block, parts) for block in found)


def _once(block: Block, parts: list[str]) -> Block:
    """An editorial that stands in for another, and is in the same mail anyway, is not repeated."""
    if block.editorial_language == block.language or block.editorial_language not in parts:
        return block
    return replace(block, authors=(), reading_minutes=None, pull_quote="", body="", footnotes=())


def _block(issue: Issue, language: str, languages: Mapping[str, Language]) -> Block:
    publication = issue.publication
    text = _editorial(issue, language)
    own = text.about if text.language == language else ""
    return Block(
        language=language,
        publication_name=publication.names.get(language) or publication.slug,
        title=text.title,
        authors=tuple(text.authors),
        reading_minutes=reading_minutes(text, languages),
        pull_quote=text.pull_quote,
        body=text.body,
        footnotes=tuple(Footnote(str(n["mark"]), str(n["text"])) for n in text.footnotes),
        groups=_groups(issue, language),
        about=own or publication.about.get(language, ""),
        postal_address=_postal_address(publication, language),
        editorial_language=text.language,
    )


def _editorial(issue: Issue, language: str) -> Editorial:
    written = {e.language: e for e in issue.editorials}
    for candidate in (language, issue.publication.fallback_language):
        if candidate in written:
            return written[candidate]
    raise NotAllowedNow(
        f"issue {issue.number} has no editorial in '{language}'; import it, or let another "
        f"language stand in with 'newsletter publication set fallback_language …'"
    )


def _postal_address(publication: Publication, language: str) -> str:
    there = publication.postal_addresses
    return there.get(language) or next((text for text in there.values() if text), "")


def _groups(issue: Issue, language: str) -> tuple[ResourceGroup, ...]:
    order = issue.publication.languages
    return tuple(
        ResourceGroup(
            heading(category, language) if category else None,
            tuple(_line(resource, language, order) for resource in members),
        )
        for category, members in by_category(issue.resources)
    )


def _line(resource: Resource, language: str, order: list[str]) -> ResourceLine:
    preference = [language, *order, *resource.titles]
    shown = next((c for c in preference if resource.titles.get(c)), language)
    linked = (resource.urls.get(c) for c in [language, shown, *order, *resource.urls])
    return ResourceLine(
        title=resource.titles.get(shown, ""),
        title_language=shown,
        url=next((url for url in linked if url), None),
        byline=resource.byline,
    )


def _picture(issue: Issue, media_path: Path) -> Picture | None:
    if issue.image_name is None:
        return None
    return Picture(
        name=issue.image_name,
        data=pictures.load(pictures.session_of(issue), issue.image_name, media_path),
        media_type=picture_names.media_type(issue.image_name),
        width=issue.image_width or 0,
        height=issue.image_height or 0,
        alts=dict(issue.image_alts),
    )


def _logo(publication: Publication, media_path: Path) -> Picture | None:
    name = publication.logo_name
    if name is None:
        return None
    return Picture(
        name=name,
        data=pictures.load(pictures.session_of(publication), name, media_path),
        media_type=picture_names.media_type(name),
        width=publication.logo_width or 0,
        height=publication.logo_height or 0,
        alts=dict(publication.logo_alts),
    )
