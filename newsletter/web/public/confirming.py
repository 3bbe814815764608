"""/c/{token}: the page behind the button of a confirmation mail; the press on it subscribes.

GET, HEAD and OPTIONS show and change nothing, because scanners open every link of a mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.tokens import Claim, Purpose
from newsletter.delivery import transactional
from newsletter.editorial.models import Publication
from newsletter.language.dates_digits import N_
from newsletter.web.forms import Fields, small_form
from newsletter.web.pages import Pages
from newsletter.web.public.noticeboard import Notice, notice
from subscribers import optin
from subscribers.optin import Waiting


def router(pages: Pages) -> APIRouter:
    """The routes of the confirmation page."""
    made = APIRouter(redirect_slashes=False)
    desk = _Desk(pages)
    for path in ("/c/{token}", "/c/{token}/"):
        made.add_api_route(path, desk.show, methods=["GET", "HEAD", "OPTIONS"])
        made.add_api_route(path, desk.act, methods=["POST"])
    return made


@dataclass(frozen=True, slots=True)
class _Link:
    """What a genuine token stands for; both are None when it was forgotten long ago."""

    claim: Claim
    notice: Notice | None
    waiting: Waiting | None
    on_plain_host: bool = False

    @property
    def is_hidden(self) -> bool:
        """Whether its page may neither name the publication nor lead to where it is named."""
        return self.on_plain_host or (self.waiting is not None and self.waiting.discreet)

    @property
    def contact(self) -> str:
        """Where the reader writes to."""
        if self.notice is None:
            return ""
        return self.notice.masthead.plain_contact if self.is_hidden else self.notice.contact

    @property
    def state(self) -> str:
        """waiting, already, expired or closed, as the page shows it."""
        if self.waiting is None or self.notice is None:
            return "expired"
        if self.waiting.state == "waiting" and not self.notice.is_open:
            return "closed"
        return {"used": "already"}.get(self.waiting.state, self.waiting.state)


@dataclass(frozen=True)
class _Desk:
    pages: Pages

    def show(self, request: Request, token: str) -> Response:
        """What a press would do, and the button for it."""
        link = self._read(request, token)
        return self._page(request, token, link, link.state)

    def act(
        self, request: Request, token: str, fields: Annotated[Fields, Depends(small_form)]
    ) -> Response:
        """The press."""
        link = self._read(request, token)
        if fields.get("confirm") != "1":
            return self.pages.error("bad_form", 400, request)
        if link.state != "waiting":
            return self._page(request, token, link, link.state)
        with writing(self.pages.services.engine) as session:
            state = optin.confirm(
                session,
                public_id=link.claim.subject,
                publication_id=link.claim.scope,
                wording=self._words(request, link),
                now=now(),
                welcome=transactional.welcome,
            )
        return self._page(request, token, link, state)

    def _read(self, request: Request, token: str) -> _Link:
        services = self.pages.services
        claim = services.signer.read(token, Purpose.CONFIRM)
        with reading(services.engine) as session:
            publication = session.get(Publication, claim.scope)
            if publication is None:
                return _Link(claim, None, None)
            waiting = optin.waiting(session, claim.subject, claim.scope, now())
            found = notice(services, publication)
            return _Link(claim, found, waiting, found.masthead.hides(request))

    def _words(self, request: Request, link: _Link) -> str:
        """The proof holds the words that stood on the button and above it."""
        language = self._language(request, link)
        word = self.pages.services.theme.words(language).gettext(N_("Confirm subscription"))
        return f"{_name(link, language)}: {word}"

    def _language(self, request: Request, link: _Link) -> str:
        """`?l=`, else the first language of the edition asked for, else the browser's or ours."""
        asked = link.waiting.edition.split("+")[0] if link.waiting else ""
        chosen = self.pages.override(request) or asked
        if chosen in self.pages.languages:
            return chosen
        return self.pages.language_for(
            request, link.notice.masthead.languages if link.notice else ()
        )

    def _page(self, request: Request, token: str, link: _Link, state: str) -> Response:
        language = self._language(request, link)
        found = link.notice
        slug = found.masthead.slug if found and not link.is_hidden else ""
        base, query = self.pages.base, f"?l={language}"
        masked = link.waiting.masked(self.pages.services.sealer) if link.waiting else ""
        return self.pages.show(
            "web/sign_up_closed.html" if state == "closed" else "web/confirm.html",
            language,
            state=state,
            publication_name=_name(link, language),
            contact=link.contact,
            edition=link.waiting.edition if link.waiting else "",
            masked=masked,
            days=self.pages.services.settings.signup.valid_days,
            action=f"{base}/c/{token}{query}",
            archive_url=f"{base}/archive/{slug}{query}" if slug else "",
            sign_up_url=f"{base}/s/{slug}{query}" if slug and found and found.is_open else "",
            switches=self.pages.switches(
                request, language, found.masthead.languages if found else ()
            ),
        )


def _name(link: _Link, language: str) -> str:
    """The neutral one for who asked for mail that names nobody."""
    if link.notice is None:
        return ""
    board = link.notice.masthead
    return board.plain_name(language) if link.is_hidden else board.name(language)
