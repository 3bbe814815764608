"""What a page says of itself: title, publisher, date, language, its one address. Pure.

OpenGraph (ogp.me) first, for that is what publishers look after; then JSON-LD (schema.org), the
meta tags of libraries and newspapers, and at last what a reader sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from newsletter.sources import linked_data, links, moments, tongues
from newsletter.sources.charsets import decoded
from newsletter.sources.markup import line, twice
from newsletter.sources.tags import Tag, tags

LONGEST = 512_000
"""Bytes of a page that are looked at: what it says of itself stands at its head."""
_TITLES = ("og:title", "citation_title", "dc.title", "dcterms.title", "twitter:title")
_SITES = ("og:site_name", "citation_publisher", "dc.publisher", "application-name")
_DATES = (
    *("article:published_time", "og:published_time", "citation_publication_date"),
    *("citation_date", "dcterms.created", "dcterms.date", "dcterms.issued", "dc.date.issued"),
    *("dc.date", "datepublished", "parsely-pub-date", "sailthru.date", "publish-date"),
    *("publishdate", "pubdate", "publication_date", "date"),
)
_LANGUAGES = ("og:locale", "content-language", "dc.language", "language")
_BETWEEN = re.compile(r"\s+[-–—|·•»«:]+\s+|\s*\|\s*")


@dataclass(frozen=True, slots=True)
class Page:
    """Empty where the page says nothing."""

    url: str
    """http or https, without tracking."""
    title: str = ""
    publisher: str = ""
    published_at: datetime | None = None
    language: str = ""
    alternates: dict[str, str] = field(default_factory=dict)
    """The same text in other languages: by language, its address."""


@dataclass
class _Head:
    """What was found, of each kind the first."""

    metas: dict[str, str] = field(default_factory=dict)
    language: str = ""
    base: str = ""
    title: str = ""
    heading: str = ""
    canonical: str = ""
    time: str = ""
    alternates: dict[str, str] = field(default_factory=dict)
    things: list[dict[str, Any]] = field(default_factory=list)


def read(data: bytes, url: str, content_type: str = "") -> Page:
    """What the page at `url` says of itself; never raises."""
    head = _head(decoded(data[:LONGEST], content_type))
    base = links.absolute(url, head.base) or url
    site = _site(head)
    title = _title(head, site, url)
    return Page(
        url=_address(head, base, url),
        title=title,
        publisher=site or links.host_of(url),
        published_at=_published(head, url),
        language=tongues.of(title, _declared(head)),
        alternates=_alternates(head, base),
    )


def unread(url: str) -> Page:
    """What an address alone says: for what cannot be fetched, or is no page."""
    path = unquote(urlsplit(url).path) if links.absolute(url, url) else ""
    last = path.rstrip("/").rpartition("/")[2]
    words = re.sub(r"\.(pdf|html?|php|aspx?|docx?|xlsx?)$", "", last, flags=re.IGNORECASE)
    title = line(re.sub(r"[-_+]+", " ", words)) or links.host_of(url) or line(url[:200])
    host = links.host_of(url) or line(url[:100])
    return Page(
        links.clean(url), title, host, moments.in_address(url), tongues.of(title) if last else ""
    )


def _head(text: str) -> _Head:
    found = _Head()
    for tag in tags(text):
        match tag.name:
            case "html":
                found.language = found.language or _lang(tag)
            case "base":
                found.base = found.base or tag.attributes.get("href", "")
            case "meta":
                _meta(found, tag.attributes)
            case "link":
                _link(found, tag.attributes)
            case "title":
                found.title = found.title or twice(tag.text)
            case "h1":
                found.heading = found.heading or twice(tag.text)
            case "time":
                found.time = found.time or tag.attributes.get("datetime", "")
            case "script":
                _script(found, tag)
    return found


def _lang(tag: Tag) -> str:
    return tongues.code(tag.attributes.get("lang") or tag.attributes.get("xml:lang"))


def _meta(found: _Head, attributes: dict[str, str]) -> None:
    name = next(
        (
            attributes[key]
            for key in ("property", "name", "itemprop", "http-equiv")
            if key in attributes
        ),
        "",
    )
    content = attributes.get("content", "").strip()
    if content:
        found.metas.setdefault(name.strip().lower(), content[:2000])


def _link(found: _Head, attributes: dict[str, str]) -> None:
    rel, href = attributes.get("rel", "").lower().split(), attributes.get("href", "").strip()
    if "canonical" in rel:
        found.canonical = found.canonical or href
    language = tongues.code(attributes.get("hreflang"))
    if "alternate" in rel and language and href:
        found.alternates.setdefault(language, href)


def _script(found: _Head, tag: Tag) -> None:
    if "ld+json" in tag.attributes.get("type", "").lower():
        written = tag.text.strip().removeprefix("<!--").removesuffix("-->")
        found.things += linked_data.things(linked_data.parsed(written))


def _articles(head: _Head) -> Iterator[dict[str, Any]]:
    yield from filter(linked_data.is_about_the_page, head.things)


def _first(head: _Head, names: tuple[str, ...]) -> str:
    return next((head.metas[name] for name in names if name in head.metas), "")


def _site(head: _Head) -> str:
    said = [_first(head, _SITES[:1])]
    said += [linked_data.name_of(thing.get("publisher")) for thing in _articles(head)]
    said += [_first(head, _SITES[1:])]
    return next(filter(None, (twice(one)[:200] for one in said)), "")


def _title(head: _Head, site: str, url: str) -> str:
    said = [head.metas.get("og:title", "")]
    said += [linked_data.text(thing.get("headline")) for thing in _articles(head)]
    said += [_first(head, _TITLES), head.title, head.heading]
    names = {_bare(site), _bare(links.host_of(url))} - {""}
    told = (_without(twice(one), names) for one in said)
    # A home page's name in the place of a title is what careless sites have on every page.
    good = [one for one in told if one and one.isprintable()]
    own = [one for one in good if _bare(one) not in names]
    return next(iter([*own, head.heading, *good]), "")[:500]


def _without(title: str, names: set[str]) -> str:
    """The title without the name of its site at either end."""
    parts = _BETWEEN.split(title)
    if len(parts) > 1 and _bare(parts[-1]) in names:
        return title[: title.rindex(parts[-1])].rstrip(" -–—|·•»«:")
    if len(parts) > 1 and _bare(parts[0]) in names:
        return title[title.index(parts[1], len(parts[0])) :]
    return title


def _bare(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum() or c > "\x7f")


def _published(head: _Head, url: str) -> datetime | None:
    said: list[object] = [head.metas.get("article:published_time")]
    for thing in _articles(head):
        said += [thing.get("datePublished"), thing.get("dateCreated"), thing.get("uploadDate")]
    said += [head.metas[name] for name in _DATES if name in head.metas]
    found = next(filter(None, map(moments.moment, said)), None)
    return found or moments.in_address(url) or moments.moment(head.time)


def _declared(head: _Head) -> str:
    said: list[object] = [head.language, *(thing.get("inLanguage") for thing in _articles(head))]
    said += [head.metas[name].partition(",")[0] for name in _LANGUAGES if name in head.metas]
    return next(filter(None, map(tongues.code, said)), "")


def _address(head: _Head, base: str, url: str) -> str:
    """Its canonical address where that can be believed: of the same host, and no home page."""
    for said in (head.canonical, head.metas.get("og:url", "")):
        found = links.absolute(base, said)
        if found and links.host_of(found) == links.host_of(url) and _is_as_deep(found, url):
            return links.clean(found)
    return links.clean(url)


def _is_as_deep(found: str, url: str) -> bool:
    there, here = urlsplit(found), urlsplit(url)
    if there.scheme == "http" and here.scheme == "https":
        return False
    return bool(there.path.strip("/") or there.query) or not (here.path.strip("/") or here.query)


def _alternates(head: _Head, base: str) -> dict[str, str]:
    whole = {code: links.absolute(base, href) for code, href in head.alternates.items()}
    return {code: links.clean(url) for code, url in whole.items() if url}
