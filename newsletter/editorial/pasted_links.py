"""Links that an editor pastes: fetched, and put into the inbox with what their pages say.

Two steps, because the network has no place in a transaction: `look`, then `put_in`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from newsletter.core.errors import InputError
from newsletter.core.fetching import fetch
from newsletter.core.settings import Settings
from newsletter.core.visiting import Resolve, Rules, resolve
from newsletter.editorial import arrivals, inbox
from newsletter.editorial.cleaning import is_anything
from newsletter.editorial.conversions import Arriving, Document
from newsletter.editorial.models import Category, Publication, Resource
from newsletter.editorial.recognising import earlier
from newsletter.editorial.side_by_side import rules_of, side_by_side
from newsletter.editorial.taking_entries import day_of, fitting
from newsletter.rendering.edition import web_address
from newsletter.sources import kinds, links, page
from newsletter.sources.page import Page

MOST = 200
"""Links at a time."""
_URL = re.compile(r"https?://[^\s<>\"“”]+", re.IGNORECASE)
_AFTER = ".,;:!?'’”၊။…*_"
_PAIRS = {")": "(", "]": "[", "}": "{"}
_ACCEPT = "text/html, application/xhtml+xml, */*;q=0.1"
_TYPES = ("text/", "application/xhtml", "application/xml")
_DOORKEEPERS = re.compile(
    r"just a moment|attention required|access denied|are you (a )?(robot|human)|captcha"
    r"|verify(ing)? (that )?you are|403 forbidden|page not found|log ?in( to .*)?|security check",
    re.IGNORECASE,
)
"""Titles of pages that stand before the page, or in its place."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a link's page says of itself; `problem` when only the link itself is known."""

    url: str
    """As it was pasted."""
    page: Page
    problem: str = ""


@dataclass
class Put:
    """What became of one link, or of two that are one text in two languages."""

    resource: Resource
    links: list[Looked] = field(default_factory=list)
    again: bool = False
    """It lay there before; nothing was added."""

    @property
    def problems(self) -> list[str]:
        """What an editor has to fill in by hand, in whole sentences."""
        return [
            f"{one.url} could not be read: {one.problem}; title and publisher are taken from the "
            "link itself, so put them right"
            for one in self.links
            if one.problem
        ]


def links_in(text: str) -> list[str]:
    """The web addresses in a pasted text, each once, in their order."""
    return list(dict.fromkeys(filter(None, map(_trimmed, _URL.findall(text)))))


def look(urls: Sequence[str], settings: Settings, *, resolver: Resolve = resolve) -> list[Looked]:
    """Fetch what these links lead to, in their order; never raises for a page.

    InputError for what is no web address, or for too many at once: nothing is fetched then.
    """
    if len(urls) > MOST:
        raise InputError("url", f"{len(urls)} links are too many at once; give {MOST} at most")
    for url in urls:
        if not links.absolute(url, url):
            raise InputError("url", f"'{url[:80]}' is no web address; it starts with https://")
    rules = rules_of(settings)
    found = side_by_side(
        list(dict.fromkeys(urls)),
        lambda url: url,
        lambda url: _looked(url, rules, resolver),
        at_once=settings.sources.at_once,
        pause=settings.sources.pause_seconds,
    )
    by_url = dict(found)
    return [by_url[url] for url in dict.fromkeys(urls)]


def put_in(
    session: Session,
    publication: Publication,
    looked: Sequence[Looked],
    *,
    category: Category | None,
    byline: str = "",
    now: datetime,
) -> list[Put]:
    """Put them into the inbox; two pages that name each other as translations become one.

    `byline` instead of what the pages say. What lies there already is not added again.
    """
    known = earlier(session, publication, now)
    groups = list(_groups(publication, looked))
    document = Document(publication, _texts(groups, byline))
    done: list[Put] = []
    for group in groups:
        members = list(group.values())
        there = known.same_link(url for one in members for url in (one.page.url, one.url))
        if there is not None:
            done.append(Put(there, members, again=True))
            continue
        dates = [one.page.published_at for one in members if one.page.published_at]
        titles, name = _named(group, byline)
        made = inbox.add(
            session,
            publication,
            byline=name,
            titles=titles,
            urls={code: one.page.url for code, one in group.items()},
            category=category,
            published_on=day_of(publication, min(dates, default=None), now),
            now=now,
            document=document,
        )
        known.remember(made)
        done.append(Put(made, members))
    session.flush()
    return done


def _trimmed(url: str) -> str:
    while url and (url[-1] in _AFTER or _is_stray(url)):
        url = url[:-1]
    return url if links.absolute(url, url) else ""


def _is_stray(url: str) -> bool:
    opening = _PAIRS.get(url[-1])
    return opening is not None and url.count(url[-1]) > url.count(opening)


def _looked(url: str, rules: Rules, resolver: Resolve) -> Looked:
    address = web_address(url) or url
    got = fetch(
        address, rules, longest=page.LONGEST, accept=_ACCEPT, types=_TYPES, resolver=resolver
    )
    if got.problem:
        return Looked(url, page.unread(url), got.problem)
    if kinds.guess(got.body, got.content_type) != "page":
        kind = got.content_type.partition(";")[0].strip() or "nothing that says what it is"
        return Looked(url, page.unread(url), f"it is no page but {kind}")
    read = page.read(got.body, got.url, got.content_type)
    problem = _doubt(read, address, got.url)
    return Looked(url, page.unread(url) if problem else read, problem)


def _doubt(read: Page, asked: str, ended: str) -> str:
    if not read.title:
        return "its page has no title"
    if _DOORKEEPERS.fullmatch(read.title.strip(" .…!")):
        return f"it shows “{read.title}” instead of its page"
    if urlsplit(asked).path.strip("/") and not urlsplit(ended).path.strip("/"):
        return "it leads to the front page of its site"
    return ""


def _groups(publication: Publication, looked: Sequence[Looked]) -> Iterator[dict[str, Looked]]:
    """By language; those that name each other stand together."""
    left = list(looked)
    while left:
        first = left.pop(0)
        group = {_language(publication, first): first}
        for other in list(left):
            code = _language(publication, other)
            if code not in group and _are_one(first.page, other.page):
                group[code] = other
                left.remove(other)
        yield {code: group[code] for code in publication.languages if code in group}


def _are_one(one: Page, other: Page) -> bool:
    return _names(one, other) and _names(other, one)


def _names(one: Page, other: Page) -> bool:
    return links.same(other.url) in map(links.same, one.alternates.values())


def _language(publication: Publication, one: Looked) -> str:
    return fitting(publication, one.page.language)


def _texts(groups: list[dict[str, Looked]], byline: str) -> list[Arriving]:
    return [
        text
        for group in groups
        for text in arrivals.of_resource(
            byline or _publisher(group), {code: one.page.title for code, one in group.items()}
        )
    ]


def _publisher(group: dict[str, Looked]) -> str:
    return next(iter(group.values())).page.publisher


def _named(group: dict[str, Looked], byline: str) -> tuple[dict[str, str], str]:
    """Titles and byline, with the host in the place of what is nothing when it is cleaned."""
    host = links.host_of(next(iter(group.values())).url)
    titles = {
        code: one.page.title if is_anything(one.page.title) else host for code, one in group.items()
    }
    name = byline or _publisher(group)
    return titles, name if is_anything(name) else host
