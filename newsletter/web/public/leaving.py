"""/u/{token}: the page with one button, and the one-click POST of mail programs (RFC 8058).

GET, HEAD and OPTIONS show and change nothing, because scanners open every link of a mail.
POST needs no cookie, no page before it and no further step, and is never redirected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.tokens import Purpose
from newsletter.language.dates_digits import N_
from newsletter.web.forms import Fields, small_form
from newsletter.web.pages import Pages
from newsletter.web.public.readers import Reader, behind, language_of
from subscribers import leaving

_ONE_CLICK = "List-Unsubscribe=One-Click: the button of the mail program (RFC 8058)"


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

    def show(self, request: Request, token: str) -> Response:
        """What this link would do, and the button that does it."""
        reader = self._read(token)
        return self._page(request, token, reader, reader.state)

    def act(
        self, request: Request, token: str, fields: Annotated[Fields, Depends(small_form)]
    ) -> Response:
        """Leave at once, leave by the page's button, or come back by it."""
        if fields.get("list-unsubscribe", "").lower() == "one-click":
            return self._one_click(request, token)
        reader = self._read(token)
        deeds = {"leave": self._leave, "come_back": self._come_back}
        deed = next((do for name, do in deeds.items() if fields.get(name) == "1"), None)
        if deed is None:
            return self.pages.error("bad_form", 400, request)
        if reader.is_test or reader.view is None:
            return self._page(request, token, reader, reader.state)
        return self._page(request, token, reader, deed(request, reader))

    def _read(self, token: str) -> Reader:
        services = self.pages.services
        with reading(services.engine) as session:
            return behind(session, services, token, Purpose.UNSUBSCRIBE)

    def _one_click(self, request: Request, token: str) -> Response:
        services = self.pages.services
        claim = services.signer.read(token, Purpose.UNSUBSCRIBE, Purpose.TEST)
        if claim.purpose is Purpose.TEST:
            return self._line(request, N_("This is a test message. Nothing was changed."))
        with writing(services.engine) as session:
            leaving.leave(
                session,
                public_id=claim.subject,
                publication_id=claim.scope,
                how="one_click",
                wording=_ONE_CLICK,
                now=now(),
            )
        return self._line(request, N_("You have been unsubscribed"))

    def _line(self, request: Request, word: str) -> Response:
        language = self.pages.wished(request) or next(iter(self.pages.languages))
        words = self.pages.services.theme.words(language)
        return PlainTextResponse(f"{words.gettext(word)}\n")

    def _leave(self, request: Request, reader: Reader) -> str:
        with writing(self.pages.services.engine) as session:
            leaving.leave(
                session,
                public_id=reader.claim.subject,
                publication_id=reader.claim.scope,
                how="page",
                wording=self._words(request, reader, N_("Unsubscribe")),
                now=now(),
            )
        return "left"

    def _come_back(self, request: Request, reader: Reader) -> str:
        with writing(self.pages.services.engine) as session:
            done = leaving.come_back(
                session,
                public_id=reader.claim.subject,
                publication_id=reader.claim.scope,
                how="page",
                wording=self._words(request, reader, N_("Subscribe again")),
                now=now(),
            )
        return "gone" if done in {"unknown", "suppressed"} else "back"

    def _words(self, request: Request, reader: Reader, button: str) -> str:
        """The proof holds the words that stood on the button and above it."""
        language = language_of(request, self.pages, reader)
        word = self.pages.services.theme.words(language).gettext(button)
        return f"{reader.publication_name(language)}: {word}"

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
            switches=self.pages.switches(request, language, reader.languages),
        )
