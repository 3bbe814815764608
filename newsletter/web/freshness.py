"""Answers that need not be sent again: an entity tag, and 304 for who has the same already."""

from __future__ import annotations

import hashlib

from starlette.requests import Request
from starlette.responses import Response


def fresh(request: Request, response: Response, cache: str | None = None) -> Response:
    """The response with its tag, or 304 without a body when the asker holds the same one.

    A weak tag (RFC 9110 §8.8.1), because on its way out the body may be packed. `cache` is the
    Cache-Control; without one nothing is to be kept, which a tag does not change: it serves
    mirrors and crawlers, who keep what they have in their own way.
    """
    mark = f'W/"{hashlib.sha256(response.body).hexdigest()[:24]}"'
    response.headers["ETag"] = mark
    if cache:
        response.headers["Cache-Control"] = cache
    if not _holds(request.headers.get("if-none-match", ""), mark):
        return response
    kept = {
        k: v for k, v in response.headers.items() if k not in ("content-length", "content-type")
    }
    return Response(status_code=304, headers=kept)


def _holds(sent: str, mark: str) -> bool:
    told = [one.strip().removeprefix("W/") for one in sent.split(",")]
    return "*" in told or mark.removeprefix("W/") in told
