"""Builds the web application: routes, the hardening of every answer, errors without detail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from newsletter.app import Services
from newsletter.core.db import reading
from newsletter.core.errors import InputError, NewsletterError, NotFound, TokenError
from newsletter.core.log import logger
from newsletter.web import security, webhooks
from newsletter.web.pages import Pages
from newsletter.web.public import archive, confirming, feeds, leaving, preferences, signing_up
from newsletter.web.public.plain_host import PlainHosts

_KINDS = {404: "not_found", 405: "not_found", 413: "too_large"}
_STATIC_DAY = "public, max-age=86400"


def build(services: Services, extra_routers: Sequence[APIRouter] = ()) -> FastAPI:
    """The ASGI application of one installation, with the readers' pages.

    No path is ever redirected (RFC 8058 §3.1 forbids it where one-click posts to) and there
    is no page about the programming interface. Extra routers find `app.state.pages`.
    """
    app = FastAPI(
        title="newsletter", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    pages = Pages(services)
    app.state.pages = pages
    for room in (signing_up, leaving, preferences, confirming, feeds, archive):
        app.include_router(room.router(pages))
    app.include_router(pages.fonts.router())
    app.include_router(webhooks.router(services))
    app.include_router(_machinery(services, pages))
    for extra in extra_routers:
        app.include_router(extra)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(PlainHosts, pages=pages)
    app.add_middleware(security.SecurityHeaders)
    answers = _Errors(pages)
    handlers: dict[Any, Any] = {
        HTTPException: answers.of_http,
        RequestValidationError: answers.of_path,
        NewsletterError: answers.of_ours,
        Exception: answers.of_any,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    return app


def _machinery(services: Services, pages: Pages) -> APIRouter:
    router = APIRouter(redirect_slashes=False)

    def style() -> Response:
        return Response(pages.style, media_type="text/css", headers={"Cache-Control": _STATIC_DAY})

    def work() -> Response:
        kind = "text/javascript"
        return Response(pages.script, media_type=kind, headers={"Cache-Control": _STATIC_DAY})

    def health() -> Response:
        try:
            with reading(services.engine) as session:
                session.execute(text("SELECT 1"))
        except (SQLAlchemyError, NewsletterError):
            return JSONResponse({"status": "the database does not answer"}, 503)
        return JSONResponse({"status": "ok"})

    router.add_api_route("/static/style.css", style, methods=["GET", "HEAD"])
    router.add_api_route("/static/work.js", work, methods=["GET", "HEAD"])
    router.add_api_route("/healthz", health, methods=["GET", "HEAD"])
    return router


@dataclass(frozen=True)
class _Errors:
    """Turns what went wrong into a page that tells the reader what helps and nobody a secret."""

    pages: Pages

    async def of_http(self, request: Request, error: HTTPException) -> Response:
        page = self._page(request, error.status_code)
        page.headers.update(error.headers or {})
        return page

    async def of_path(self, request: Request, error: RequestValidationError) -> Response:
        return self._page(request, 404)  # a word where a number stands: no such page

    async def of_ours(self, request: Request, error: NewsletterError) -> Response:
        if isinstance(error, TokenError):
            return self.pages.error("bad_link", 400, request)
        if isinstance(error, NotFound):
            return self._page(request, 404)
        if isinstance(error, InputError):
            return self._page(request, 400)
        logger("web").error("page_failed", kind=type(error).__name__, reason=str(error))
        return self._page(request, 500)

    async def of_any(self, request: Request, error: Exception) -> Response:
        page = self._page(request, 500)
        security.harden(page.headers)  # this answer leaves outside of all our layers
        page.headers["Connection"] = "close"  # the server hangs up after it; so nobody reuses it
        return page

    def _page(self, request: Request, status: int) -> Response:
        kind = _KINDS.get(status, "bad_form" if status < 500 else "failed")
        return self.pages.error(kind, status, request)
