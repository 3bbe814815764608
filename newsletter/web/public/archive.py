"""The home page, the list of past issues, and each edition as a page. Only what went out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Path
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from newsletter.core.db import reading
from newsletter.core.errors import InputError, NotAllowedNow, NotFound, RenderError
from newsletter.editorial import edition_codes, editions, issues, pictures, publications
from newsletter.editorial.freezing import content_hash
from newsletter.editorial.models import Issue, Publication
from newsletter.language.dates_digits import digits, format_date
from newsletter.rendering import edition as rendering
from newsletter.rendering.finishing import keep_together
from newsletter.web import security
from newsletter.web.pages import Pages, Switch
from newsletter.web.public.noticeboard import notice
from newsletter.web.public.printed import Printed
from newsletter.web.public.readers import Masthead, masthead

_TYPES = {"jpg": "image/jpeg", "png": "image/png"}
_GET = ["GET", "HEAD"]
_LISTED = 200
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
"""Larger ones do not fit the column, and PostgreSQL would complain of them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One past issue as a list shows it."""

    number: str
    """In the digits of the page's language."""
    date: str
    title: str
    title_language: str
    url: str
    editions: tuple[Switch, ...]


def router(pages: Pages) -> APIRouter:
    """The routes everybody may open."""
    made = APIRouter(redirect_slashes=False)
    shelf = _Shelf(pages)
    for path in ("/", "/archive"):
        made.add_api_route(path, shelf.home, methods=_GET)
    made.add_api_route("/archive/{slug}", shelf.listing, methods=_GET)
    made.add_api_route("/archive/{slug}/{number}/{edition}", shelf.issue, methods=_GET)
    made.add_api_route("/media/{name}", shelf.picture, methods=_GET)
    return made


@dataclass(frozen=True)
class _Shelf:
    pages: Pages
    printed: Printed[str] = field(default_factory=Printed[str])

    def home(self, request: Request) -> Response:
        """Each publication with its latest issue, in every language."""
        with reading(self.pages.services.engine) as session:
            found = [(p, _gone_out(session, p, 1)) for p in publications.listing(session)]
            codes = list(dict.fromkeys(code for p, _ in found for code in p.languages))
            known = [c for c in codes if c in self.pages.languages] or [*self.pages.languages]
            wished = self.pages.wished(request)
            parts = {
                code: [self._shelf_mark(p, latest, code) for p, latest in found] for code in known
            }
        known.sort(key=lambda code: code != wished)
        return self.pages.in_every_language("web/home_part.html", known, shelves=parts)

    def listing(self, request: Request, slug: str) -> Response:
        """All issues of a publication that went out, newest first."""
        with reading(self.pages.services.engine) as session:
            found = publications.get(session, slug)
            publication = masthead(found)
            language = self.pages.language_for(request, publication.languages)
            sign_up_url = self._sign_up(found, language)
            entries = [self._entry(issue, language) for issue in _gone_out(session, found, _LISTED)]
        return self.pages.show(
            "web/archive.html",
            language,
            publication_name=publication.name(language),
            entries=entries,
            sign_up_url=sign_up_url,
            switches=self.pages.switches(request, language, publication.languages),
        )

    def issue(self, slug: str, number: Number, edition: str) -> Response:
        """One edition of one issue: the mail itself as a page, under a bar to change language."""
        with reading(self.pages.services.engine) as session:
            publication = publications.get(session, slug)
            found = issues.get(session, publication, number)
            wanted = _meant(found, edition)
            if found.launched_at is None or wanted is None:
                raise NotFound("edition", "this issue has not gone out")
            key = (found.id, wanted, content_hash(found), publication.fallback_language)
            page = self.printed.get(key, lambda: self._print(found, wanted))
        return security.as_mail(HTMLResponse(page))

    def picture(self, name: str) -> Response:
        """An issue's picture; its name is the hash of its bytes, so none can be guessed."""
        services = self.pages.services
        with reading(services.engine) as session:
            data = pictures.load(session, name, services.settings.media_path)
        headers = {"Cache-Control": "public, max-age=86400, immutable"}
        return Response(data, media_type=_TYPES[name.rpartition(".")[2]], headers=headers)

    def _print(self, issue: Issue, edition: str) -> str:
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
        switches = self._editions(issue, edition)
        return self._framed(rendered.html, letter.language, masthead(issue.publication), switches)

    def _framed(
        self, html: str, language: str, publication: Masthead, switches: tuple[Switch, ...]
    ) -> str:
        bar = self.pages.part(
            "web/archive_bar.html",
            language,
            publication_name=publication.name(language),
            archive_url=f"{self.pages.base}/archive/{publication.slug}?l={language}",
            switches=switches,
        )
        head = self.pages.part("web/archive_head.html", language, switches=switches)
        html = html.replace("</head>", f"{head}</head>", 1)
        return re.sub(r"<body[^>]*>", lambda found: found[0] + keep_together(bar), html, count=1)

    def _shelf_mark(
        self, publication: Publication, latest: list[Issue], language: str
    ) -> dict[str, Any]:
        return {
            "name": masthead(publication).name(language),
            "about": publication.about.get(language, ""),
            "archive_url": f"{self.pages.base}/archive/{publication.slug}?l={language}",
            "latest": self._entry(latest[0], language) if latest else None,
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
        titles = {e.language: e.title for e in issue.editorials if e.title}
        shown = language if language in titles else next(iter(titles), language)
        offered = self._editions(issue, shown)
        own = next((s.href for s in offered if s.code == language), None)
        return Entry(
            number=digits(issue.number, rules),
            date=format_date(issue.date, language, rules, words),
            title=titles.get(shown, ""),
            title_language=shown,
            url=own or (offered[0].href if offered else ""),
            editions=offered,
        )

    def _editions(self, issue: Issue, current: str) -> tuple[Switch, ...]:
        """Links to the editions this issue can be read in."""
        written = {e.language for e in issue.editorials}
        publication = issue.publication
        spare = publication.fallback_language in written
        return tuple(
            Switch(
                code=edition,
                native=" + ".join(self._native(code) for code in edition.split("+")),
                href=f"{self.pages.base}/archive/{publication.slug}/{issue.number}/"
                f"{edition.replace('+', '-')}",
                current=edition == current,
            )
            for edition in _offered(publication.languages, current)
            if spare or written.issuperset(edition.split("+"))
        )

    def _native(self, code: str) -> str:
        return self.pages.languages[code].native if code in self.pages.languages else code


def _meant(issue: Issue, edition: str) -> str | None:
    """The edition a link means, also a link from before the languages were changed.

    A language that the publication has given up falls out; where it was the only one, the first
    stands that the issue has a text in. None for what never was an edition of this issue.
    """
    languages = issue.publication.languages
    written = [e.language for e in issue.editorials]
    known = [*languages, *(code for code in written if code not in languages)]
    try:
        named = edition_codes.parse(known, edition)
    except InputError:
        return None
    left = edition_codes.remaining(languages, named)
    return left or next((code for code in languages if code in written), None)


def _offered(languages: list[str], current: str) -> list[str]:
    """Each language and all of them; a pair only while it is the one being read."""
    several = [edition for edition in ("+".join(languages), current) if "+" in edition]
    return list(dict.fromkeys([*languages, *several]))


def _gone_out(session: Session, publication: Publication, limit: int) -> list[Issue]:
    """The latest issues that went out, the newest first."""
    gone = select(Issue).where(
        Issue.publication_id == publication.id, Issue.launched_at.is_not(None)
    )
    return list(session.scalars(gone.order_by(Issue.number.desc()).limit(limit)))
