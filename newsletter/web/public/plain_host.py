"""The host of a discreet edition: it answers with what lies behind a reader's own link, no more.

Whoever finds a mail of it will look at its domain. What stands on the usual host under `/` would
tell who it belongs to, though no header and no link of the mail did.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from newsletter.core.db import reading
from newsletter.editorial.models import Publication
from newsletter.web.pages import Pages

_NAMELESS = ("/u/", "/p/", "/c/", "/static/", "/hooks/", "/healthz")
"""Paths that name no publication, or only to whom its link belongs."""


def host_of(request: Request) -> str:
    """The name under which we were asked, without its port (RFC 9110 §7.2); empty without one."""
    given = request.headers.get("host", "").lower()
    name, _, port = given.rpartition(":")
    return (name if name and port.isdigit() else given).rstrip(".")


class PlainHosts:
    """The layer that shuts all other paths there. Who asks under the usual name, or for what
    names nobody, is not looked up."""

    def __init__(self, app: ASGIApp, pages: Pages) -> None:
        self.app = app
        self._pages = pages
        self._usual = urlsplit(pages.services.settings.links_url).hostname or ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or say that its link does not work."""
        if scope["type"] == "http" and not scope["path"].startswith(_NAMELESS):
            request = Request(scope)
            host = host_of(request)
            if host != self._usual and host in await run_in_threadpool(self._all):
                await self._pages.error("bad_link", 404, request)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _all(self) -> set[str]:
        with reading(self._pages.services.engine) as session:
            told = session.scalars(select(Publication.discreet)).all()
        return {urlsplit(one.get("url", "")).hostname or "" for one in told} - {""}
