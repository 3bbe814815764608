"""/u/{token}: the page with one button, and the one-click POST of mail programs (RFC 8058).

GET, HEAD and OPTIONS show and change nothing, because scanners open every link of a mail.
POST needs no cookie, no page before it and no further step, and is never redirected. It needs
no database either: what that cannot take within seconds is kept on the disk (subscribers.spool).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import NotFound
from newsletter.core.log import logger
from newsletter.core.tokens import Claim, Purpose
from newsletter.delivery import transactional
from newsletter.editorial.models import Publication
from newsletter.language.dates_digits import N_
from newsletter.web.forms import Fields, small_form
from newsletter.web.pages import Pages
from newsletter.web.patience import TROUBLE, Patience
from newsletter.web.public.asking import ask
from newsletter.web.public.noticeboard import Notice, notice
from newsletter.web.public.readers import RETRY_AFTER, Reader, behind, claim_of, language_of
from subscribers import journal, leaving, spool
from subscribers.audience import address_of
from subscribers.spool import Leaving

_ONE_CLICK = "List-Unsubscribe=One-Click: the button of the mail program (RFC 8058)"
_log = logger("web.leaving")


def router(pages: Pages) -> APIRouter:
    """The routes for leaving and coming back."""
    made = APIRouter(redirect_slashes=False)
    desk = _Desk(pages)
    for path in ("/u/{token}", "/u/{token}/"):
        made.add_api_route(path, desk.show, methods=["GET", "HEAD", "OPTIONS"])
        made.add_api_route(path, desk.act, methods=["POST"])
    return made


@dataclass(frozen=True)
class _Desk:
    pages: Pages
    # Seconds for the database: together under the five or ten after which callers hang up.
    reads: Patience = field(default_factory=partial(Patience, 1.5))
    writes: Patience = field(default_factory=partial(Patience, 3.0))

    def show(self, request: Request, token: str) -> Response:
        """What this link would do, and the button that does it."""
        reader = self._read(request, self._claim(token))
        return self._page(request, token, reader, reader.state)

    def act(
        self, request: Request, token: str, fields: Annotated[Fields, Depends(small_form)]
    ) -> Response:
        """Leave at once, leave by the page's button, or ask by it to come back."""
        claim = self._claim(token)
        try:
            if fields.get("list-unsubscribe", "").lower() == "one-click":
                return self._one_click(request, claim)
            return self._by_hand(request, token, claim, fields)
        except OSError as err:
            # Neither the database nor the disk took it: whoever asked must ask again.
            _log.error("leaving_lost", reason=err.strerror or type(err).__name__)
            page = self.pages.error("not_left", 503, request)
            page.headers["Retry-After"] = RETRY_AFTER
            return page

    def _claim(self, token: str) -> Claim:
        return claim_of(self.pages.services, token, Purpose.UNSUBSCRIBE)

    def _read(self, request: Request, claim: Claim) -> Reader:
        """Whom the link belongs to, as far as the database says it in time."""
        services = self.pages.services

        def look() -> Reader:
            with reading(services.engine) as session:
                return behind(session, services, claim, request)

        try:
            return self.reads.within(look)
        except TROUBLE as err:
            _log.warning("not_read", reason=type(err).__name__)
            noted = spool.holds(services.settings.home, claim.subject, claim.scope)
            return Reader(claim, unread=True, noted=noted)

    def _one_click(self, request: Request, claim: Claim) -> Response:
        if claim.purpose is Purpose.TEST:
            return self._line(request, N_("This is a test message. Nothing was changed."))
        noted = self._leave(claim, "one_click", _ONE_CLICK) == "noted"
        left = N_("You have been unsubscribed")
        return self._line(request, N_("Your wish to leave has been noted") if noted else left)

    def _line(self, request: Request, word: str) -> Response:
        language = self.pages.wished(request) or next(iter(self.pages.languages))
        words = self.pages.services.theme.words(language)
        return PlainTextResponse(f"{words.gettext(word)}\n")

    def _by_hand(self, request: Request, token: str, claim: Claim, fields: Fields) -> Response:
        deed = next((name for name in ("leave", "come_back") if fields.get(name) == "1"), None)
        if deed is None:
            return self.pages.error("bad_form", 400, request)
        reader = self._read(request, claim)
        state = reader.state
        if not reader.is_test and (reader.view is not None or reader.unread):
            words = self._words(request, reader, deed)
            if deed == "leave":
                state = self._leave(claim, "page", words)
            elif not reader.unread:
                return self._come_back(request, token, reader, words)
        return self._page(request, token, replace(reader, noted=state == "noted"), state)

    def _leave(self, claim: Claim, how: str, wording: str) -> Literal["left", "noted"]:
        """Off the list; or, when the database cannot take it, the wish on the disk (OSError)."""
        services, at = self.pages.services, now()

        def leave() -> None:
            with writing(services.engine) as session:
                done = leaving.leave(
                    session,
                    public_id=claim.subject,
                    publication_id=claim.scope,
                    how=how,
                    wording=wording,
                    now=at,
                    goodbye=transactional.goodbye,
                )
            if done == "left":
                journal.left(services.settings.home, claim.subject, claim.scope, how)

        try:
            self.writes.within(leave)
        except TROUBLE:
            wish = Leaving(claim.subject, claim.scope, how, wording, at)
            spool.keep(services.settings.home, wish)
            return "noted"
        return "left"

    def _come_back(self, request: Request, token: str, reader: Reader, words: str) -> Response:
        """Only ask: the link may be old or forwarded, so a mail to the reader alone decides."""
        services, claim = self.pages.services, reader.claim
        try:
            with writing(services.engine) as session:
                reader = behind(session, services, claim, request)
                if reader.state != "left" or reader.view is None:
                    return self._page(request, token, reader, reader.state)
                found = notice(services, session.get_one(Publication, claim.scope))
                is_open = ask(
                    session,
                    services,
                    publication_id=claim.scope,
                    address=address_of(session, services.sealer, reader.view.subscriber_id),
                    edition=reader.edition or "+".join(reader.languages),
                    wording=words,
                )
        except NotFound:  # erased at this very moment
            return self._page(request, token, replace(reader, view=None), "gone")
        return self._asked(request, reader, found, "asked" if is_open else "closed")

    def _asked(self, request: Request, reader: Reader, found: Notice, kind: str) -> Response:
        """The page that a sign-up ends with."""
        language = language_of(request, self.pages, reader)
        archive = f"{self.pages.base}/archive/{found.masthead.slug}?l={language}"
        return self.pages.show(
            f"web/sign_up_{kind}.html",
            language,
            publication_name=reader.publication_name(language),
            contact=found.masthead.plain_contact if reader.is_hidden else found.contact,
            archive_url="" if reader.is_hidden else archive,
            days=self.pages.services.settings.signup.valid_days,
            switches=self.pages.switches(request, language, reader.languages),
        )

    def _words(self, request: Request, reader: Reader, deed: str) -> str:
        """The proof holds the words that stood on the button and above it."""
        language = language_of(request, self.pages, reader)
        button = N_("Unsubscribe") if deed == "leave" else N_("Subscribe again")
        word = self.pages.services.theme.words(language).gettext(button)
        name = reader.publication_name(language)
        return f"{name}: {word}" if name else word

    def _page(self, request: Request, token: str, reader: Reader, state: str) -> Response:
        language = language_of(request, self.pages, reader)
        chosen = self.pages.override(request)
        return self.pages.show(
            "web/unsubscribe.html",
            language,
            state=state,
            test=reader.is_test,
            publication_name=reader.publication_name(language),
            masked=reader.view.masked if reader.view else "",
            action=f"{self.pages.base}/u/{token}" + (f"?l={chosen}" if chosen else ""),
            switches=self.pages.switches(
                request, language, self.pages.languages if reader.unread else reader.languages
            ),
        )
