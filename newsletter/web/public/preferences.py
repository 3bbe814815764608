"""/p/{token}: a reader chooses the edition. Shows no history and no address in full."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.tokens import Claim, Purpose
from newsletter.web.forms import Fields, small_form
from newsletter.web.pages import Pages
from newsletter.web.public.readers import Reader, behind, language_of
from subscribers import preferences


@dataclass(frozen=True, slots=True)
class Choice:
    """One radio button."""

    edition: str
    languages: tuple[str, ...]
    checked: bool
    both: bool
    """Whether these are the publication's only two languages."""


def router(pages: Pages) -> APIRouter:
    """The routes of the preferences page."""
    made = APIRouter(redirect_slashes=False)
    desk = _Desk(pages)
    for path in ("/p/{token}", "/p/{token}/"):
        made.add_api_route(path, desk.show, methods=["GET", "HEAD", "OPTIONS"])
        made.add_api_route(path, desk.store, methods=["POST"])
    return made


@dataclass(frozen=True)
class _Desk:
    pages: Pages

    def show(self, request: Request, token: str) -> Response:
        """The choice as it stands."""
        return self._page(request, token, self._read(token), saved=False)

    def store(
        self, request: Request, token: str, fields: Annotated[Fields, Depends(small_form)]
    ) -> Response:
        """Keep the edition chosen, and show it."""
        reader = self._read(token)
        wanted = fields.get("edition", "")
        if reader.publication is not None and wanted not in reader.editions:
            return self.pages.error("bad_form", 400, request)
        if reader.view is None or reader.publication is None:
            return self._page(request, token, reader, saved=False)
        services = self.pages.services
        with writing(services.engine) as session:
            preferences.choose(
                session,
                public_id=reader.claim.subject,
                publication_id=reader.publication.id,
                edition=wanted,
                wording=f"chose the edition {wanted} on the preferences page",
                now=now(),
            )
            reader = behind(session, services, token, Purpose.PREFERENCES)
        return self._page(request, token, reader, saved=True)

    def _read(self, token: str) -> Reader:
        services = self.pages.services
        with reading(services.engine) as session:
            return behind(session, services, token, Purpose.PREFERENCES)

    def _page(self, request: Request, token: str, reader: Reader, *, saved: bool) -> Response:
        language = language_of(request, self.pages, reader)
        chosen = self.pages.override(request)
        query = f"?l={chosen}" if chosen else ""
        return self.pages.show(
            "web/preferences.html",
            language,
            state=reader.state,
            saved=saved,
            test=reader.is_test,
            publication_name=reader.publication_name(language),
            masked=reader.view.masked if reader.view else "",
            choices=_choices(reader),
            action=f"{self.pages.base}/p/{token}{query}",
            leave_url=f"{self.pages.base}/u/{self._leave_token(reader.claim)}{query}",
            switches=self.pages.switches(request, language, reader.languages),
        )

    def _leave_token(self, claim: Claim) -> str:
        purpose = Purpose.TEST if claim.purpose is Purpose.TEST else Purpose.UNSUBSCRIBE
        return self.pages.services.signer.sign(Claim(claim.subject, claim.scope, purpose))


def _choices(reader: Reader) -> list[Choice]:
    current = reader.edition if reader.view else next(iter(reader.languages), None)
    return [
        Choice(
            edition,
            languages := tuple(edition.split("+")),
            edition == current,
            len(reader.languages) == len(languages) == 2,
        )
        for edition in reader.editions
    ]
