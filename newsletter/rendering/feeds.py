"""Feeds: a publication in one language as Atom (RFC 4287) and as RSS 2.0, the whole text in it.

Values in, bytes out. A feed holds nothing of any reader and fetches nothing but its own pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from re import compile as pattern
from xml.etree import ElementTree as Xml

_ATOM = "http://www.w3.org/2005/Atom"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_DC = "http://purl.org/dc/elements/1.1/"
_XML = "http://www.w3.org/XML/1998/namespace"
_NEVER = pattern("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may hold, not even as a reference (XML 1.0 §2.2)."""

for _prefix, _space in (("content", _CONTENT), ("dc", _DC)):
    Xml.register_namespace(_prefix, _space)


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One issue. `id` never changes, wherever the newsletter moves; `html` is its whole text."""

    id: str
    url: str
    title: str
    authors: tuple[str, ...]
    published: datetime
    summary: str
    html: str


@dataclass(frozen=True, slots=True)
class Feed:
    """A publication in one language; `others` are its feeds of the same kind in the others."""

    id: str
    language: str
    title: str
    subtitle: str
    page_url: str
    own_url: str
    others: tuple[tuple[str, str], ...]
    since: datetime
    """When it began, for a feed in which nothing stands yet."""
    entries: Sequence[FeedEntry]

    @property
    def updated(self) -> datetime:
        """When the newest entry came."""
        return max((entry.published for entry in self.entries), default=self.since)


def atom(feed: Feed) -> bytes:
    """RFC 4287, with every element that §4.1.1 and §4.1.2 ask for."""
    root = Xml.Element(f"{{{_ATOM}}}feed", {f"{{{_XML}}}lang": feed.language})
    _add(root, _in_atom("id"), feed.id)
    _add(root, _in_atom("title"), feed.title)
    if feed.subtitle:
        _add(root, _in_atom("subtitle"), feed.subtitle)
    _add(root, _in_atom("updated"), _instant(feed.updated))
    author = _add(root, _in_atom("author"))
    _add(author, _in_atom("name"), feed.title)
    kind = "application/atom+xml"
    _add(root, _in_atom("link"), rel="self", type=kind, href=feed.own_url)
    _add(root, _in_atom("link"), rel="alternate", type="text/html", href=feed.page_url)
    for language, url in feed.others:
        _add(root, _in_atom("link"), rel="related", type=kind, hreflang=language, href=url)
    for entry in feed.entries:
        _atom_entry(root, entry)
    return _written(root, _ATOM)


def _atom_entry(root: Xml.Element, entry: FeedEntry) -> None:
    made = _add(root, _in_atom("entry"))
    _add(made, _in_atom("id"), entry.id)
    _add(made, _in_atom("title"), entry.title)
    _add(made, _in_atom("published"), _instant(entry.published))
    _add(made, _in_atom("updated"), _instant(entry.published))
    for name in entry.authors:
        _add(_add(made, _in_atom("author")), _in_atom("name"), name)
    _add(made, _in_atom("link"), rel="alternate", type="text/html", href=entry.url)
    _add(made, _in_atom("summary"), entry.summary)
    content = _add(made, _in_atom("content"), entry.html, type="html")
    content.set(f"{{{_XML}}}base", entry.url)


def rss(feed: Feed) -> bytes:
    """RSS 2.0, the whole text as content:encoded; guids are no addresses, so they never change."""
    root = Xml.Element("rss", {"version": "2.0", f"{{{_XML}}}lang": feed.language})
    channel = _add(root, "channel")
    _add(channel, "title", feed.title)
    _add(channel, "link", feed.page_url)
    _add(channel, "description", feed.subtitle or feed.title)
    _add(channel, "language", feed.language)
    _add(channel, "lastBuildDate", format_datetime(feed.updated.astimezone(UTC), usegmt=True))
    own = {"rel": "self", "type": "application/rss+xml", "href": feed.own_url}
    Xml.SubElement(channel, f"{{{_ATOM}}}link", own)
    for entry in feed.entries:
        _rss_item(channel, entry)
    return _written(root, None)


def _rss_item(channel: Xml.Element, entry: FeedEntry) -> None:
    item = _add(channel, "item")
    _add(item, "title", entry.title)
    _add(item, "link", entry.url)
    _add(item, "guid", entry.id, isPermaLink="false")
    _add(item, "pubDate", format_datetime(entry.published.astimezone(UTC), usegmt=True))
    for name in entry.authors:
        _add(item, f"{{{_DC}}}creator", name)
    _add(item, "description", entry.summary)
    _add(item, f"{{{_CONTENT}}}encoded", entry.html)


def _in_atom(name: str) -> str:
    return f"{{{_ATOM}}}{name}"


def _add(parent: Xml.Element, name: str, text: str = "", **attributes: str) -> Xml.Element:
    made = Xml.SubElement(parent, name, attributes)
    if text:
        made.text = _NEVER.sub("", text)
    return made


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _written(root: Xml.Element, default: str | None) -> bytes:
    if default:  # ElementTree wants every attribute in a namespace too when it writes a default one
        for element in root.iter():
            element.tag = element.tag.removeprefix(f"{{{default}}}")
        root.set("xmlns", default)
    else:
        Xml.register_namespace("atom", _ATOM)
    written: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return written
