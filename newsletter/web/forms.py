"""Reads the small forms of public pages, with a limit on size, fields and time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

LIMIT = 16 * 1024
"""Bytes: a one-click body is 26; whatever is larger is no form of ours."""
_SECONDS = 20
_FIELDS = 20

Fields = dict[str, str]


async def small_form(request: Request) -> Fields:
    """The fields of a POST, names in lower case; nothing readable is an empty form.

    Takes `application/x-www-form-urlencoded` and `multipart/form-data`: a mail program that
    unsubscribes may send either (RFC 8058 §3.1). Larger than LIMIT is 413 without reading on.
    """
    body = await body_of(request, LIMIT)
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await _multipart(request, body)
    return _urlencoded(body)


async def body_of(request: Request, limit: int) -> bytes:
    """The body as it came; 413 as soon as it is seen to be larger, 408 when it does not end."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > limit:
        raise _too_large()
    body = bytearray()
    try:
        async with asyncio.timeout(_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise _too_large()
    except TimeoutError as err:
        raise HTTPException(408, headers={"Connection": "close"}) from err
    return bytes(body)


def _too_large() -> HTTPException:
    # Without closing, the server would have to read the rest to find the next request.
    return HTTPException(413, headers={"Connection": "close"})


def _urlencoded(body: bytes) -> Fields:
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        return {}
    return {name.lower(): value for name, value in pairs}


async def _multipart(request: Request, body: bytes) -> Fields:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body
        yield b""

    parser = MultiPartParser(request.headers, stream(), max_files=0, max_fields=_FIELDS)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError, LookupError):
        return {}
    return {k.lower(): v for k, v in form.multi_items() if isinstance(v, str)}
