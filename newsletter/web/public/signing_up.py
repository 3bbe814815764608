"""/s/{slug}: a reader gives an address and a language, nothing else; a mail asks to confirm.

The answer says nothing about the address: new, known, pending or suppressed, it is the same
page after the same time. Against machines there are a signed form that counts once, a field
that people do not see, work that the browser proves (without a script, a wait), and a limit
for each client network. Nothing about who asked is stored or logged.
"""

from __future__ import annotations

from asyncio import sleep
from dataclasses import dataclass
from math import ceil
from time import monotonic

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from newsletter.core.db import writing
from newsletter.core.errors import NotFound
from newsletter.editorial import edition_codes
from newsletter.language.dates_digits import N_
from newsletter.web import security
from newsletter.web.form_tokens import FormToken, FormTokens, Spent, Stage
from newsletter.web.forms import small_form
from newsletter.web.networks import Networks
from newsletter.web.pages import Pages
from newsletter.web.proof_of_work import Work
from newsletter.web.public import wishes
from newsletter.web.public.asking import ask
from newsletter.web.public.noticeboard import Notice, Noticeboard
from newsletter.web.public.printed import Printed
from newsletter.web.public.wishes import Wish
from newsletter.web.spliced import Spliced

TRAP = "website"
"""The field that people do not see; who fills it in is a machine."""
_STEADY = 0.15
"""Seconds of which every answer takes a multiple, so that no stop-watch tells a known address."""
_GZIPPED = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
_TOKEN, _CHALLENGE = "{the token}", "{the challenge}"


@dataclass(frozen=True, slots=True)
class _Asked:
    """One form that was sent, and the instant it came (`time.monotonic`)."""

    found: Notice
    language: str
    wish: Wish
    host: str
    began: float


def router(pages: Pages) -> APIRouter:
    """The routes of the sign-up page."""
    made = APIRouter(redirect_slashes=False)
    desk = _Desk(pages)
    for path in ("/s/{slug}", "/s/{slug}/"):
        # Plain routes, for crowds open this page: what FastAPI adds to one is not needed here.
        made.add_route(path, desk.show, methods=["GET", "HEAD", "OPTIONS"])
        made.add_route(path, desk.act, methods=["POST"])
    return made


class _Desk:
    def __init__(self, pages: Pages) -> None:
        rules, secret = pages.services.settings.signup, pages.services.secret("form")
        self.pages = pages
        self.rules = rules
        self.board = Noticeboard(pages.services)
        self.printed = Printed[Spliced]()
        self.tokens = FormTokens(secret)
        self.spent = Spent()
        self.work = Work(secret, rules.work)
        self.networks = Networks(rules.per_network_hour)

    async def show(self, request: Request) -> Response:
        """The form; kept ready but for its token, because crowds open it at once."""
        found = await self.board.notice(request.path_params["slug"])
        language = self._language(request, found)
        if not found.is_open:
            return self._plain("closed", found, language)
        key = (self.board.edition, found.masthead.slug, language)
        page = self.printed.get(key, lambda: self._print(found, language))
        values = self._fresh(found)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return security.with_script(HTMLResponse(page.plain(*values)))
        return security.with_script(HTMLResponse(page.gzipped(*values), headers=_GZIPPED))

    async def act(self, request: Request) -> Response:
        """What to answer to a form that was sent, whoever made it."""
        began = monotonic()
        found = await self.board.notice(request.path_params["slug"])
        fields = await small_form(request)
        offered = found.masthead.offers_discreet
        wish = wishes.read(fields, found.masthead.languages, offers_discreet=offered)
        language = self._language(request, found, wish.edition or "")
        asked = _Asked(found, language, wish, _host(request), began)
        if not found.is_open:
            return self._plain("closed", found, language, status=409)
        if not wish.is_whole:
            return self._again(asked, status=422)
        if fields.get(TRAP):
            return await self._answer(asked)
        token = self.tokens.read(found.masthead.slug, fields.get("token", ""))
        if token is None:  # of the small form on another site, or older than two hours
            return self._again(asked)
        return await self._weigh(request, asked, token, fields.get("number", ""))

    async def _weigh(
        self, request: Request, asked: _Asked, token: FormToken, number: str
    ) -> Response:
        """A form of ours: is it too much, or too fast, or was it sent before?"""
        wait = self.networks.wait(asked.host)
        if wait:
            return self._too_many(request, wait)
        if not self._is_earned(token, number):
            return self._slower(asked, token)
        use = self.spent.use(
            token, f"{asked.wish.typed}\0{asked.wish.edition}\0{asked.wish.discreet}"
        )
        if use == "other":  # they went back and changed something: a fresh form for that
            return self._again(asked)
        return await (self._accept(asked, token) if use == "first" else self._answer(asked))

    def _is_earned(self, token: FormToken, number: str) -> bool:
        """Whether this press counts: long enough after the page, and worked or waited for."""
        in_time = self.tokens.left(token) == 0
        return in_time and (token.stage is Stage.WAITED or self.work.is_done(token, number))

    async def _accept(self, asked: _Asked, token: FormToken) -> Response:
        self.networks.count(asked.host)
        try:
            still_open = await run_in_threadpool(self._store, asked)
        except BaseException:
            self.spent.give_back(token)
            raise
        if not still_open:
            return self._plain("closed", asked.found, asked.language, status=409)
        return await self._answer(asked)

    def _store(self, asked: _Asked) -> bool:
        """Ask for the confirmation; False when the publication was closed in the meantime."""
        try:
            return self._ask(asked)
        except NotFound:  # the same address was erased beside us: now it is a new one
            return self._ask(asked)

    def _ask(self, asked: _Asked) -> bool:
        address, edition = asked.wish.address, asked.wish.edition
        assert address is not None and edition is not None  # noqa: S101, PT018
        services = self.pages.services
        with writing(services.engine) as session:
            return ask(
                session,
                services,
                publication_id=asked.found.masthead.id,
                address=address,
                edition=edition,
                wording=self._wording(asked),
                discreet=asked.wish.discreet,
            )

    def _wording(self, asked: _Asked) -> str:
        """The proof holds the words that stood on the button and above it."""
        button = self.pages.services.theme.words(asked.language).gettext(N_("Subscribe"))
        return f"{asked.found.masthead.name(asked.language)}: {button}"

    async def _answer(self, asked: _Asked) -> Response:
        """The one page for every address."""
        page = self._plain("asked", asked.found, asked.language)
        spent = monotonic() - asked.began
        await sleep(ceil(spent / _STEADY) * _STEADY - spent)
        return page

    def _print(self, found: Notice, language: str, wish: Wish | None = None) -> Spliced:
        """The form with places for what is new each time."""
        offered = edition_codes.choices(found.masthead.languages)
        chosen = wish.edition if wish else language
        page = self._plain(
            "form",
            found,
            language,
            about=found.about.get(language, ""),
            editions=offered if len(offered) > 1 else [],
            chosen=chosen,
            offers_discreet=found.masthead.offers_discreet,
            wish=wish,
            trap=TRAP,
            token=_TOKEN,
            challenge=_CHALLENGE,
            rules=self.rules,
            work_url=self.pages.work_url,
        )
        return Spliced(bytes(page.body).decode(), (_CHALLENGE, _TOKEN))

    def _again(self, asked: _Asked, *, status: int = 200) -> HTMLResponse:
        """The form once more, with what was typed and what is wrong with it."""
        page = self._print(asked.found, asked.language, asked.wish)
        return security.with_script(HTMLResponse(page.plain(*self._fresh(asked.found)), status))

    def _fresh(self, found: Notice) -> tuple[str, str]:
        """A challenge and its token, in the order of their places."""
        token = self.tokens.issue(found.masthead.slug, Stage.FIRST, self.rules.seconds)
        return self.work.challenge(token), token.text

    def _slower(self, asked: _Asked, token: FormToken) -> HTMLResponse:
        """One more step for who has no script: wait, then press. An early press costs nothing."""
        early = token.stage is Stage.WAITED
        if not early:
            slug, wait = asked.found.masthead.slug, self.rules.slow_seconds
            token = self.tokens.issue(slug, Stage.WAITED, wait)
        return self._plain(
            "wait",
            asked.found,
            asked.language,
            wish=asked.wish,
            token=token.text,
            seconds=ceil(self.tokens.left(token)),
            early=early,
        )

    def _too_many(self, request: Request, wait: int) -> HTMLResponse:
        page = self.pages.error("too_many", 429, request)
        page.headers["Retry-After"] = str(wait)
        return page

    def _plain(
        self, kind: str, found: Notice, language: str, *, status: int = 200, **values: object
    ) -> HTMLResponse:
        slug, base = found.masthead.slug, self.pages.base
        return self.pages.show(
            f"web/sign_up_{kind}.html",
            language,
            status=status,
            publication_name=found.masthead.name(language),
            contact=found.contact,
            action=f"{base}/s/{slug}?l={language}",
            archive_url=f"{base}/archive/{slug}?l={language}",
            days=self.rules.valid_days,
            switches=self.pages.switches_at(f"/s/{slug}", language, found.masthead.languages),
            **values,
        )

    def _language(self, request: Request, found: Notice, edition: str = "") -> str:
        """`?l=`, else the only language that was asked for, else the browser's or the first."""
        if edition in self.pages.languages and not self.pages.override(request):
            return edition
        return self.pages.language_for(request, found.masthead.languages)


def _host(request: Request) -> str:
    return request.client.host if request.client else ""
