"""Atom and RSS of each publication in each of its languages: the latest issues, whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, uuid5

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from newsletter.core.db import reading
from newsletter.core.errors import NotAllowedNow, NotFound
from newsletter.editorial import editions, publications
from newsletter.editorial.freezing import content_hash
from newsletter.editorial.models import Issue, Publication
from newsletter.rendering import feeds
from newsletter.rendering.article import article, summary
from newsletter.rendering.feeds import Feed, FeedEntry
from newsletter.web.freshness import fresh
from newsletter.web.pages import Pages
from newsletter.web.public import shelf
from newsletter.web.public.printed import Printed
from newsletter.web.public.readers import masthead

_LATEST = 10
_CACHE = "public, max-age=900"
_KINDS: dict[str, tuple[str, Callable[[Feed], bytes]]] = {
    "atom": ("application/atom+xml", feeds.atom),
    "rss": ("application/rss+xml", feeds.rss),
}


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed as a page names it."""

    name: str
    type: str
    language: str
    url: str


def links(pages: Pages, publication: Publication, language: str) -> list[FeedLink]:
    """The feeds of a publication in one language."""
    return [
        FeedLink(name, kind, language, f"{pages.base}/archive/{publication.slug}/{language}.{end}")
        for name, end, kind in (
            ("RSS", "rss", _KINDS["rss"][0]),
            ("Atom", "atom", _KINDS["atom"][0]),
        )
    ]


def router(pages: Pages) -> APIRouter:
    """The routes of the feeds: /archive/weekly/my.atom."""
    made = APIRouter(redirect_slashes=False)
    stand = _Stand(pages)
    made.add_api_route("/archive/{slug}/{name}", stand.feed, methods=["GET", "HEAD"])
    return made


@dataclass(frozen=True)
class _Stand:
    pages: Pages
    printed: Printed[bytes] = field(default_factory=Printed[bytes])

    def feed(self, request: Request, slug: str, name: str) -> Response:
        """The latest issues in one language; who asks again with the tag is told "the same"."""
        language, _, kind = name.rpartition(".")
        with reading(self.pages.services.engine) as session:
            publication = publications.get(session, slug)
            if kind not in _KINDS or language not in self._languages(publication):
                raise NotFound("feed", "there is none of this name")
            shown = shelf.listing(session, publication, limit=_LATEST)
            stood = tuple(content_hash(issue) for issue in shown)
            key = (publication.id, language, kind, publication.fallback_language, stood)
            data = self.printed.get(
                key,
                lambda: _KINDS[kind][1](self._feed(publication, language, kind, shown)),
            )
            indexed = publication.search_engines
        answer = Response(data, media_type=f"{_KINDS[kind][0]}; charset=utf-8")
        if indexed:
            answer.headers["X-Robots-Tag"] = "all"
        return fresh(request, answer, _CACHE)

    def _languages(self, publication: Publication) -> list[str]:
        return [code for code in publication.languages if code in self.pages.languages]

    def _feed(
        self,
        publication: Publication,
        language: str,
        kind: str,
        shown: list[Issue],
    ) -> Feed:
        there = f"{self.pages.services.settings.links_url}/archive/{publication.slug}"
        return Feed(
            id=_lasting(publication, language),
            language=language,
            title=masthead(publication).name(language),
            subtitle=" ".join(publication.about.get(language, "").split()),
            page_url=f"{there}?l={language}",
            own_url=f"{there}/{language}.{kind}",
            others=tuple(
                (code, f"{there}/{code}.{kind}")
                for code in self._languages(publication)
                if code != language
            ),
            since=publication.created_at,
            entries=[made for issue in shown if (made := self._entry(issue, language))],
        )

    def _entry(self, issue: Issue, language: str) -> FeedEntry | None:
        services = self.pages.services
        try:
            letter = editions.letter(
                issue,
                language,
                public_url=services.settings.links_url,
                media_path=services.settings.media_path,
                languages=services.settings.languages,
            )
        except NotAllowedNow:  # it was not written in this language, and no other stands in
            return None
        block = letter.blocks[0]
        published = issue.launched_at or issue.created_at
        return FeedEntry(
            id=_lasting(issue.publication, language, issue.number),
            url=letter.browser_url,
            title=block.title,
            authors=block.authors,
            published=published,
            summary=summary(letter),
            html=article(letter, services.theme),
        )


def _lasting(publication: Publication, *parts: object) -> str:
    """A name that stays when the address, the domain or the database is changed (RFC 4287
    §4.2.6): of what never changes itself once an issue is out."""
    of = "/".join(map(str, (publication.slug, publication.created_at.isoformat(), *parts)))
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'newsletter:{of}')}"
