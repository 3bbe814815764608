"""The home page, the list of past issues, and each edition as a page. Only what went out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from newsletter.core.db import reading
from newsletter.core.errors import NotAllowedNow, NotFound, RenderError
from newsletter.editorial import editions, issues, pictures, publications
from newsletter.editorial.freezing import content_hash
from newsletter.editorial.models import Issue, Publication
from newsletter.editorial.picture_names import media_type
from newsletter.language.dates_digits import digits, format_date
from newsletter.rendering import edition as rendering
from newsletter.rendering.finishing import keep_together
from newsletter.rendering.look import FONTS
from newsletter.web import security
from newsletter.web.fonts import FAMILY
from newsletter.web.freshness import fresh
from newsletter.web.pages import Pages, Switch
from newsletter.web.public import feeds, shelf
from newsletter.web.public.noticeboard import notice
from newsletter.web.public.printed import Printed
from newsletter.web.public.readers import masthead

_GET = ["GET", "HEAD"]
_FOREVER = "public, max-age=31536000, immutable"
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
"""Larger ones do not fit the column, and PostgreSQL would complain of them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One past issue as a list shows it."""

    number: str
    """In the digits of the page's language."""
    date: str
    titles: tuple[shelf.Title, ...]
    """In each language it was written in, the page's own first."""
    editions: tuple[Switch, ...]
    """Those that no title leads to: all languages together, or one that another fills in."""


def router(pages: Pages) -> APIRouter:
    """The routes everybody may open."""
    made = APIRouter(redirect_slashes=False)
    archive = _Archive(pages)
    for path in ("/", "/archive"):
        made.add_api_route(path, archive.home, methods=_GET)
    made.add_api_route("/archive/{slug}", archive.listing, methods=_GET)
    made.add_api_route("/archive/{slug}/{number}/{edition}", archive.issue, methods=_GET)
    made.add_api_route("/media/{name}", archive.picture, methods=_GET)
    return made


@dataclass(frozen=True)
class _Archive:
    pages: Pages
    printed: Printed[str] = field(default_factory=Printed[str])

    def home(self, request: Request) -> Response:
        """Each publication with its latest issue, in every language."""
        with reading(self.pages.services.engine) as session:
            found = [
                (p, next(iter(shelf.listing(session, p, limit=1)), None))
                for p in publications.listing(session)
            ]
            codes = list(dict.fromkeys(code for p, _ in found for code in p.languages))
            known = [c for c in codes if c in self.pages.languages] or [*self.pages.languages]
            wished = self.pages.wished(request)
            parts = {
                code: [self._shelf_mark(p, latest, code) for p, latest in found] for code in known
            }
        known.sort(key=lambda code: code != wished)
        page = self.pages.in_every_language("web/home_part.html", known, shelves=parts)
        return fresh(request, page)

    def listing(self, request: Request, slug: str, y: str = "") -> Response:
        """The issues of one year that went out, newest first; the latest year unless asked."""
        with reading(self.pages.services.engine) as session:
            found = publications.get(session, slug)
            language = self.pages.language_for(request, found.languages)
            years = shelf.years(session, found)
            year = int(y) if y.isdecimal() and int(y) in years else next(iter(years), None)
            shown = shelf.listing(session, found, year=year) if year else []
            page = self.pages.show(
                "web/archive.html",
                language,
                publication_name=masthead(found).name(language),
                entries=[self._entry(issue, language) for issue in shown],
                years=[(digits(one, self.pages.languages[language]), one) for one in years],
                year=year,
                sign_up_url=self._sign_up(found, language),
                **self._index_links(request, found, language, year if y else None),
            )
            indexed = found.search_engines
        return fresh(request, _findable(page, indexed))

    def issue(self, request: Request, slug: str, number: Number, edition: str) -> Response:
        """One edition of one issue: the mail itself as a page, under a bar to change language."""
        with reading(self.pages.services.engine) as session:
            publication = publications.get(session, slug)
            found = issues.get(session, publication, number)
            wanted = shelf.meant(found, edition)
            if found.launched_at is None or wanted is None:
                raise NotFound("edition", "this issue has not gone out")
            if found.withdrawn_at is not None:
                return self.pages.error("gone", 410, request)
            around = shelf.neighbours(session, self.pages.base, found, wanted)
            indexed = publication.search_engines
            spare = publication.fallback_language
            key = (found.id, wanted, content_hash(found), spare, around, indexed)
            page = self.printed.get(key, lambda: self._print(found, wanted, around))
        answer = security.as_archived(HTMLResponse(page))
        return fresh(request, _findable(answer, indexed))

    def picture(self, name: str) -> Response:
        """A picture of an issue; its name is the hash of its bytes, so that it never changes."""
        services = self.pages.services
        with reading(services.engine) as session:
            if not shelf.shows_picture(session, name):
                raise NotFound("image", "no issue that went out shows it")
            data = pictures.load(session, name, services.settings.media_path)
        return Response(data, media_type=media_type(name), headers={"Cache-Control": _FOREVER})

    def _index_links(
        self, request: Request, publication: Publication, language: str, year: int | None
    ) -> dict[str, Any]:
        """The addresses of the list: its own, those in the other languages, those of its feeds."""
        query = f"&y={year}" if year else ""
        here = f"/archive/{publication.slug}"
        codes = [code for code in publication.languages if code in self.pages.languages]
        public = self.pages.services.settings.links_url
        return {
            "canonical": f"{public}{here}?l={language}{query}",
            "alternates": [
                *((code, f"{public}{here}?l={code}{query}") for code in codes),
                ("x-default", f"{public}{here}{query.replace('&', '?')}"),
            ],
            "index_url": f"{self.pages.base}{here}?l={language}",
            "feeds": feeds.links(self.pages, publication, language),
            "switches": [
                Switch(code, self._native(code), f"{self.pages.base}{here}?l={code}{query}",
                       current=code == language)
                for code in codes
            ] if len(codes) > 1 else [],
        }  # fmt: skip

    def _print(self, issue: Issue, edition: str, around: Any) -> str:
        settings = self.pages.services.settings
        try:
            letter = editions.letter(
                issue,
                edition,
                public_url=settings.public.url,
                media_path=settings.media_path,
                languages=settings.languages,
            )
        except (NotAllowedNow, RenderError) as err:
            raise NotFound("edition", "this issue has no such edition") from err
        rendered = rendering.render(letter, self.pages.services.theme, for_web=True)
        html = rendered.html
        for stack in FONTS.values():
            html = html.replace(stack, f"'{FAMILY}',{stack}")
        return self._framed(html, letter.language, issue, edition, around)

    def _framed(self, html: str, language: str, issue: Issue, edition: str, around: Any) -> str:
        publication, base = issue.publication, self.pages.base
        switches = self._editions(issue, edition)
        public = self.pages.services.settings.links_url
        urls = [f"{public}{s.href.removeprefix(base)}" for s in switches]
        values = {
            "publication_name": masthead(publication).name(language),
            "archive_url": f"{base}/archive/{publication.slug}?l={language}",
            "switches": switches,
            "canonical": f"{public}{shelf.path('', publication, issue.number, edition)}",
            "alternates": shelf.pairs([s.code for s in switches], urls),
            "feeds": feeds.links(self.pages, publication, language),
            "indexed": publication.search_engines,
            "before": self._told(around[0], language),
            "after": self._told(around[1], language),
        }
        head = self.pages.part("web/archive_head.html", language, **values)
        bar = keep_together(self.pages.part("web/archive_bar.html", language, **values))
        foot = keep_together(self.pages.part("web/archive_foot.html", language, **values))
        html = html.replace("</head>", f"{head}</head>", 1)
        html = re.sub(r"<body[^>]*>", lambda found: found[0] + bar, html, count=1)
        body, end, rest = html.rpartition("</body>")
        return f"{body}{foot}{end}{rest}"

    def _told(self, one: shelf.Neighbour | None, language: str) -> dict[str, Any] | None:
        if one is None:
            return None
        return {"number": digits(one.number, self.pages.languages[language]), "title": one.title}

    def _shelf_mark(
        self, publication: Publication, latest: Issue | None, language: str
    ) -> dict[str, Any]:
        return {
            "name": masthead(publication).name(language),
            "about": publication.about.get(language, ""),
            "archive_url": f"{self.pages.base}/archive/{publication.slug}?l={language}",
            "latest": self._entry(latest, language) if latest else None,
            "sign_up_url": self._sign_up(publication, language),
        }

    def _sign_up(self, publication: Publication, language: str) -> str:
        """Where somebody can sign up; empty while nobody can."""
        if not notice(self.pages.services, publication).is_open:
            return ""
        return f"{self.pages.base}/s/{publication.slug}?l={language}"

    def _entry(self, issue: Issue, language: str) -> Entry:
        rules = self.pages.languages[language]
        words = self.pages.services.theme.words(language)
        titles = shelf.titles(self.pages.base, issue, language)
        named = {title.language for title in titles}
        return Entry(
            number=digits(issue.number, rules),
            date=format_date(issue.date, language, rules, words),
            titles=titles,
            editions=tuple(s for s in self._editions(issue, "") if s.code not in named),
        )

    def _editions(self, issue: Issue, current: str) -> tuple[Switch, ...]:
        """Links to the editions this issue can be read in."""
        return tuple(
            Switch(
                code=edition,
                native=" + ".join(self._native(code) for code in edition.split("+")),
                href=shelf.path(self.pages.base, issue.publication, issue.number, edition),
                current=edition == current,
            )
            for edition in shelf.offered(issue, current)
        )

    def _native(self, code: str) -> str:
        return self.pages.languages[code].native if code in self.pages.languages else code


def _findable(response: Response, indexed: bool) -> Response:
    """Let search engines list a page where the publication wants it; else all ask them not to."""
    if indexed:
        response.headers["X-Robots-Tag"] = "all"
    return response
