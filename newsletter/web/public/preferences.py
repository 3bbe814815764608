"""/p/{token}: edition, text only, a pause, leaving, and erasing everything. All without script.

Shows no history and no address in full: the page may be read over a shoulder, or by whoever
the mail was forwarded to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from newsletter.core.clock import now, zone
from newsletter.core.db import empty_log, reading, writing
from newsletter.core.tokens import Claim, Purpose
from newsletter.language.dates_digits import format_date
from newsletter.web.forms import Fields, small_form
from newsletter.web.pages import Pages
from newsletter.web.public.readers import Reader, behind, claim_of, language_of
from subscribers import erasing, journal, preferences
from subscribers.preferences import PAUSES

_KEEP = "keep"
_PAUSES = {_KEEP: None, "": None, "0": 0, **{str(weeks): weeks for weeks in PAUSES}}


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
        made.add_api_route(path, desk.act, methods=["POST"])
    return made


@dataclass(frozen=True)
class _Desk:
    pages: Pages

    def show(self, request: Request, token: str) -> Response:
        """The choice as it stands."""
        reader = self._read(request, self._claim(token))
        return self._page(request, token, reader, reader.state)

    def act(
        self, request: Request, token: str, fields: Annotated[Fields, Depends(small_form)]
    ) -> Response:
        """Keep what was chosen; or ask whether to erase everything, and at the next press do it."""
        reader = self._read(request, self._claim(token))
        wish = fields.get("erase")
        if wish == "ask":
            asked = "erase" if reader.state in {"here", "left"} else reader.state
            return self._page(request, token, reader, asked)
        if wish == "yes":
            return self._page(request, token, reader, self._erase(reader))
        if wish is not None:
            return self.pages.error("bad_form", 400, request)
        return self._store(request, token, reader, fields)

    def _store(self, request: Request, token: str, reader: Reader, fields: Fields) -> Response:
        choice = _choice(reader, fields)
        if reader.publication is not None and choice is None:
            return self.pages.error("bad_form", 400, request)
        if reader.view is None or reader.publication is None or choice is None:
            return self._page(request, token, reader, reader.state)
        with writing(self.pages.services.engine) as session:
            preferences.choose(
                session,
                public_id=reader.claim.subject,
                publication_id=reader.publication.id,
                choice=choice,
                now=now(),
            )
            reader = behind(session, self.pages.services, reader.claim, request)
        return self._page(request, token, reader, reader.state, saved=True)

    def _erase(self, reader: Reader) -> str:
        if reader.view is None:
            return reader.state  # a test message, or erased already
        services, claim = self.pages.services, reader.claim
        with writing(services.engine) as session:
            # Looked up anew: on SQLite the number of who was erased beside us may be another's.
            seen = preferences.view(session, services.sealer, claim.subject, claim.scope, now())
            if seen is None:
                return "gone"  # two presses at once
            gone = erasing.erase(
                session, services.sealer, subscriber_id=seen.subscriber_id, how="page", now=now()
            )
        journal.erased(services.settings.home, gone)
        empty_log(services.engine)
        return "erased"

    def _claim(self, token: str) -> Claim:
        return claim_of(self.pages.services, token, Purpose.PREFERENCES)

    def _read(self, request: Request, claim: Claim) -> Reader:
        services = self.pages.services
        with reading(services.engine) as session:
            return behind(session, services, claim, request)

    def _page(
        self, request: Request, token: str, reader: Reader, state: str, *, saved: bool = False
    ) -> Response:
        language = language_of(request, self.pages, reader)
        chosen = self.pages.override(request)
        query = f"?l={chosen}" if chosen else ""
        until = reader.view.paused_until_at if reader.view else None
        return self.pages.show(
            "web/preferences.html",
            language,
            state=state,
            saved=saved,
            test=reader.is_test,
            publication_name=reader.publication_name(language),
            masked=reader.view.masked if reader.view else "",
            choices=_choices(reader),
            text_only=reader.view is not None and reader.view.text_only,
            may_be_discreet=reader.may_be_discreet,
            discreet=reader.view is not None and reader.view.discreet,
            paused_until=self._day(until, reader, language) if until else "",
            pauses=PAUSES,
            action=f"{self.pages.base}/p/{token}{query}",
            leave_url=f"{self.pages.base}/u/{self._leave_token(reader.claim)}{query}",
            sign_up_url=f"{self.pages.base}/s/{reader.publication.slug}{query}"
            if reader.publication and not reader.is_hidden
            else "",
            switches=self.pages.switches(request, language, reader.languages),
        )

    def _day(self, instant: datetime, reader: Reader, language: str) -> str:
        """The day a pause ends, as the publication's calendar and the page's language have it."""
        day = instant.astimezone(zone(reader.zone)).date()
        words = self.pages.services.theme.words(language)
        return format_date(day, language, self.pages.languages[language], words)

    def _leave_token(self, claim: Claim) -> str:
        purpose = Purpose.TEST if claim.purpose is Purpose.TEST else Purpose.UNSUBSCRIBE
        return self.pages.services.signer.sign(Claim(claim.subject, claim.scope, purpose))


def _choice(reader: Reader, fields: Fields) -> preferences.Choice | None:
    """What the form asks for; None when it is no form of ours. An empty box means: not wanted."""
    edition, pause = fields.get("edition", ""), fields.get("pause", _KEEP)
    text_only, discreet = fields.get("text_only", "0"), fields.get("discreet", "0")
    if edition not in reader.editions or pause not in _PAUSES:
        return None
    if not {text_only, discreet} <= {"0", "1"}:
        return None
    hidden = discreet == "1" if reader.may_be_discreet else None
    return preferences.Choice(edition, text_only == "1", _PAUSES[pause], hidden)


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
