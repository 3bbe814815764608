"""Asking sources what is new, over the network. Never inside a transaction, and no database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from newsletter.core.fetching import Fetched, Marks, fetch
from newsletter.core.visiting import Resolve, Rules, resolve
from newsletter.rendering.edition import web_address
from newsletter.sources import discovery, feed, kinds, wordpress
from newsletter.sources.entry import Entry
from newsletter.sources.feed import Feed
from newsletter.sources.links import host_of

_FEEDS = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, "
_ACCEPT = f"{_FEEDS}text/xml;q=0.9, application/json;q=0.8, text/html;q=0.5, */*;q=0.1"
_TYPES = ("text/", "application/", "binary/")
_BACK = timedelta(days=14)
"""So far before its last answer a site is asked for posts: some are dated back."""
_MOST_PAGES = 5


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be asked of one source."""

    source_id: int
    kind: str
    url: str
    marks: Marks
    since: datetime
    """What is older is not wanted: the last sound answer, or the time a first look goes back."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it: entries, or a `problem`, or neither when nothing has changed."""

    source_id: int
    entries: tuple[Entry, ...] = ()
    status: int | None = None
    problem: str = ""
    """Why there is nothing: a piece of a sentence."""
    fault: str = ""
    """What could not be read of what there is."""
    marks: Marks = field(default_factory=Marks)
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What is at an address that is to become a source; `problem` says why it cannot."""

    url: str
    kind: str = ""
    title: str = ""
    language: str = ""
    others: tuple[str, ...] = ()
    """Further feeds of the same page."""
    problem: str = ""


def ask(question: Question, rules: Rules, longest: int, resolver: Resolve = resolve) -> Answer:
    """What a source has published; never raises."""
    if question.kind == "wordpress":
        return _posts(question, rules, longest, resolver)
    got = _fetched(question.url, rules, longest, resolver, question.marks)
    made = _answer(question, got)
    if made.problem or got.status != 200:
        return made
    read = feed.read(got.body, got.url, got.content_type)
    fault = _cut(longest) if got.cut else read.fault
    if not read.entries and read.fault:
        return replace(made, problem=_no_feed(got, read), marks=Marks())
    return replace(made, entries=read.entries, fault=fault)


def look(url: str, wanted: str, rules: Rules, longest: int, resolver: Resolve = resolve) -> Found:
    """What kind of source is at an address that an editor typed: a feed, a page that names one,
    or a WordPress site. `wanted` is feed, wordpress or ""; never raises."""
    if wanted == "wordpress":
        return _look_at_site(url, rules, longest, resolver)
    got = _fetched(url, rules, longest, resolver)
    if got.problem:
        return Found(url, problem=got.problem)
    if kinds.guess(got.body, got.content_type) != "page":
        return _found_feed(got)
    ways = discovery.read(got.body, got.url, got.content_type)
    for at, link in enumerate(ways.feeds):
        there = _fetched(link.url, rules, longest, resolver)
        found = _found_feed(there)
        if not found.problem:
            rest = tuple(one.url for one in ways.feeds[at + 1 :])
            return replace(found, title=found.title or link.title, others=rest)
    if ways.wordpress and not wanted:
        found = _look_at_site(ways.wordpress, rules, longest, resolver)
        if not found.problem:
            return found
    return Found(url, problem="it is a page that names no feed which can be read")


def _found_feed(got: Fetched) -> Found:
    if got.problem:
        return Found(got.url, problem=got.problem)
    read = feed.read(got.body, got.url, got.content_type)
    if read.fault and not read.entries:
        return Found(got.url, problem=_no_feed(got, read))
    return Found(got.url, "feed", read.title or host_of(got.url), read.language)


def _look_at_site(url: str, rules: Rules, longest: int, resolver: Resolve) -> Found:
    api = wordpress.api_of(url)
    long_ago = datetime(2000, 1, 1)  # noqa: DTZ001  (a site takes it in its own time)
    got = _fetched(wordpress.posts_address(api, 1, long_ago), rules, longest, resolver)
    if got.problem:
        return Found(api, problem=got.problem)
    read = wordpress.read(got.body, got.url)
    return Found(api, "wordpress", host_of(api), problem=read.fault)


def _posts(question: Question, rules: Rules, longest: int, resolver: Resolve) -> Answer:
    """All pages of posts since then, five at most; those that came before a fault count."""
    entries: list[Entry] = []
    made = Answer(question.source_id)
    for page in range(1, _MOST_PAGES + 1):
        url = wordpress.posts_address(question.url, page, question.since - _BACK)
        got = _fetched(url, rules, longest, resolver)
        made = _answer(question, got)
        read = wordpress.read(got.body, got.url)
        problem = made.problem or (_cut(longest) if got.cut else read.fault)
        if problem:
            made = replace(made, problem="" if entries else problem, fault=problem)
            break
        entries += read.entries
        if page >= wordpress.pages(got.headers.get("x-wp-totalpages", "")):
            break
    return replace(made, entries=tuple(entries), marks=Marks())


def _fetched(
    url: str, rules: Rules, longest: int, resolver: Resolve, marks: Marks | None = None
) -> Fetched:
    address = web_address(url) or url
    return fetch(
        address,
        rules,
        longest=longest,
        accept=_ACCEPT,
        types=_TYPES,
        marks=marks,
        resolver=resolver,
    )


def _answer(question: Question, got: Fetched) -> Answer:
    return Answer(
        question.source_id,
        status=got.status,
        problem=got.problem,
        marks=got.marks,
        retry_after=got.headers.get("retry-after", ""),
    )


def _no_feed(got: Fetched, read: Feed) -> str:
    if kinds.guess(got.body, got.content_type) == "page":
        return "it is a page now and no feed"
    return read.fault


def _cut(longest: int) -> str:
    return f"it is longer than {longest:,} bytes, and only its beginning was read"
