"""What the pages do once the database is of another version: nothing, but for letting go.

A mail program presses the button to leave once and never again (RFC 8058), so leaving is still
taken, onto the disk, and applied when pages of the right version start in this home. All else is
answered by 503, which takes us out of a proxy's choice.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, event
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from newsletter.app import Services
from newsletter.core.errors import ConfigurationError
from newsletter.web.pages import Pages
from newsletter.web.security import harden

_STILL = ("/u/", "/static/")
"""Leaving, and what its page is drawn with."""
_RETRY_SECONDS = "30"


class Closing:
    """The pages, until `close`: from then on no transaction begins in this process any more."""

    def __init__(self, app: ASGIApp, services: Services, pages: Pages) -> None:
        self._app = app
        self._pages = pages
        self._reason: str | None = None
        event.listen(services.engine, "begin", self._refuse)

    def close(self, reason: str) -> None:
        """Let nobody touch the database; `reason` stands in the log of whoever wants to."""
        self._reason = reason

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on what is still answered."""
        path = str(scope.get("path", ""))
        if self._reason is None or scope["type"] != "http" or path.startswith(_STILL):
            await self._app(scope, receive, send)
        else:
            await self._closed(Request(scope), path)(scope, receive, send)

    def _closed(self, request: Request, path: str) -> Response:
        if path == "/healthz":
            answer: Response = JSONResponse({"status": "the database is of another version"}, 503)
        else:
            answer = self._pages.error("failed", 503, request)
        harden(answer.headers)
        answer.headers["Retry-After"] = _RETRY_SECONDS
        return answer

    def _refuse(self, _connection: Connection, *_: Any) -> None:
        if self._reason is not None:
            raise ConfigurationError(self._reason)
