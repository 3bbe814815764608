"""The headers every answer carries: nothing from elsewhere, no script, no frame, no trace.

Readers may be searched: nothing is kept by the browser (`no-store`), no other site learns
where a reader came from (`no-referrer`), and no page of ours runs or loads anything foreign.
"""

from __future__ import annotations

from typing import TypeVar

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

R = TypeVar("R", bound=Response)
PAGE = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "form-action 'self'; "
    "frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""For pages of our own templates."""

MAIL = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
)
"""For the HTML of a mail, whose styles stand in the markup (mail programs know no other way)."""

ARCHIVE = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""For the HTML of a mail as a page of the archive, which has letters of our own."""

_WITH_SCRIPT = f"{PAGE}; script-src 'self'"

_ALWAYS = {
    "Content-Security-Policy": PAGE,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Permissions-Policy": "interest-cohort=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def harden(headers: MutableHeaders) -> None:
    """Add each header that an endpoint has not set by itself."""
    for name, value in _ALWAYS.items():
        headers.setdefault(name, value)


def as_mail(response: Response, *, framed: bool = False) -> Response:
    """Let a response show the HTML of a mail; `framed` when a page of ours holds it."""
    ancestors = "'self'" if framed else "'none'"
    response.headers["Content-Security-Policy"] = MAIL.format(ancestors=ancestors)
    response.headers["X-Frame-Options"] = "SAMEORIGIN" if framed else "DENY"
    return response


def as_archived(response: R) -> R:
    """Let a response show a mail as a page of the archive: its own styles, and our letters."""
    response.headers["Content-Security-Policy"] = ARCHIVE
    return response


def with_script(response: R) -> R:
    """Let a page load our own script files; still none in its markup and none from elsewhere."""
    response.headers["Content-Security-Policy"] = _WITH_SCRIPT
    return response


class SecurityHeaders:
    """The layer that hardens every answer on its way out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and mend the headers of what comes back."""

        async def hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                harden(MutableHeaders(scope=message))
            await send(message)

        await self.app(scope, receive, hardened if scope["type"] == "http" else send)
