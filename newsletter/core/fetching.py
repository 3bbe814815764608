"""Fetching a text that a stranger's server holds: through the guarded client, and bounded.

Bounded in time (slow drips end with the visit), in bytes over the wire and in bytes unpacked.
With the marks of the last answer the server need not send what has not changed (RFC 9110 §13).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from newsletter import __version__
from newsletter.core.unpacking import NotPacked, unpacked
from newsletter.core.visiting import Resolve, Rules, Trouble, Visit, Wish, call, resolve

_AGENT = f"newsletter/{__version__} (reads feeds and titles)"
_LONGEST_MARK = 500
"""Longer marks are not kept: an ETag is a few dozen characters."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What the last answer said of itself, to be shown to the server again."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came: a body, or a `problem`, or neither when nothing has changed (status 304)."""

    url: str
    """Where it was found in the end."""
    status: int | None = None
    trouble: Trouble | None = None
    problem: str = ""
    """A piece of a sentence: "it answered 404 (not found)"."""
    body: bytes = b""
    cut: bool = False
    """There is more of it than `longest`."""
    content_type: str = ""
    marks: Marks = field(default_factory=Marks)
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""


def fetch(
    url: str,
    rules: Rules,
    *,
    longest: int,
    accept: str = "*/*",
    types: tuple[str, ...] = (),
    marks: Marks | None = None,
    resolver: Resolve = resolve,
) -> Fetched:
    """The text at an http or https address, at most `longest` bytes of it; never raises.

    `types` are the beginnings of content types that are of use: of others nothing is read.
    """
    wish = Wish(longest=longest + 1, types=types, headers=_headers(accept, marks or Marks()))
    found = call(url, rules, wish, resolver=resolver)
    if found.trouble is not None:
        return Fetched(found.url, trouble=found.trouble, problem=found.detail)
    if found.status != HTTPStatus.OK:
        return _other(found)
    try:
        body = unpacked(found.body, found.headers.get("content-encoding", ""), longest + 1)
    except NotPacked:
        return _with(found, problem="its answer is packed in a way that was not asked for")
    cut = len(body) > longest or len(found.body) > longest
    return _with(found, body=body[:longest], cut=cut)


def _headers(accept: str, marks: Marks) -> dict[str, str]:
    found = {"User-Agent": _AGENT, "Accept": accept, "Accept-Encoding": "gzip"}
    if marks.etag:
        found["If-None-Match"] = marks.etag
    if marks.last_modified:
        found["If-Modified-Since"] = marks.last_modified
    return found


def _other(found: Visit) -> Fetched:
    if found.status == HTTPStatus.NOT_MODIFIED:
        return _with(found)
    try:
        phrase = HTTPStatus(found.status or 0).phrase.lower()
    except ValueError:
        phrase = "a status of its own"
    return _with(found, problem=f"it answered {found.status} ({phrase})")


def _with(found: Visit, problem: str = "", body: bytes = b"", *, cut: bool = False) -> Fetched:
    said = found.headers
    return Fetched(
        found.url,
        status=found.status,
        problem=problem,
        body=body,
        cut=cut,
        content_type=said.get("content-type", "")[:200],
        marks=Marks(_mark(said.get("etag", "")), _mark(said.get("last-modified", ""))),
        headers=said,
    )


def _mark(text: str) -> str:
    """As it came, or nothing when it could not be said again in a header."""
    fit = text.isascii() and text.isprintable() and len(text) <= _LONGEST_MARK
    return text if fit else ""
