"""RSS and Atom by the machine's own XML parser (expat), mended where they are no XML. Pure.

A document that defines entities is refused unread: a few lines of them unfold to gigabytes, or
name files of ours (XXE). No feed needs them.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from newsletter.sources import links, mending, tongues
from newsletter.sources.markup import twice
from newsletter.sources.raw import RawEntry, RawFeed, finished

_MOST_ENTRIES = 2000
_DEEPEST = 200
_FAMILIES = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://www.w3.org/2005/Atom": "",
    "http://purl.org/atom/ns#": "",
    "http://purl.org/rss/1.0/": "",
    "http://purl.org/rss/1.0/modules/content/": "content",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
}
_MAIN = ("", "atom", "rss", "a", "a10")
_ENTRIES = ("item", "entry")
_DATES = {
    **dict.fromkeys(("pubDate", "published", "issued", "created", "dc:date"), "published"),
    **dict.fromkeys(("dcterms:created", "dcterms:issued", "pubdate"), "published"),
    **dict.fromkeys(("updated", "modified", "dcterms:modified"), "changed"),
}
_TEXTS = ("description", "summary", "content", "content:encoded")
_TITLE = re.compile(
    r"<title[^>]{0,300}>([^<]{0,1000}|<!\[CDATA\[[^<]{0,1000}\]\]>)</title", re.IGNORECASE
)
_REFUSED = "it defines entities of its own, and such are not read"


def read(text: str, url: str) -> RawFeed:
    """The feed in this text; of a damaged one every entry that is whole. Never raises."""
    plain = mending.undeclared(mending.fit(text))
    found = _parsed(plain, url)
    if not found.fault or found.fault == _REFUSED:
        return found
    mended = mending.mended(plain)
    again = _parsed(mended, url)
    if not again.fault:
        return again
    return max(_by_pieces(mended, url, again.fault), again, found, key=lambda one: len(one.entries))


def _parsed(text: str, url: str) -> RawFeed:
    reader = _Reader(url)
    reader.read(text)
    return reader.feed


def _by_pieces(text: str, url: str, fault: str) -> RawFeed:
    """Each entry by itself, so that one that is broken takes no other with it."""
    head, entries = mending.pieces(text)
    title = _TITLE.search(head[:20_000])
    found = RawFeed(title=twice(_uncovered(title[1])) if title else "", fault=fault)
    opening = "<rss" + "".join(f" {name}" for name in _declarations(head)) + ">"
    for one in entries[:_MOST_ENTRIES]:
        for tried in (one, mending.without_bodies(one)):
            made = _parsed(f"{opening}<channel>{tried}</channel></rss>", url)
            if made.entries:
                found.entries += made.entries
                break
    return found


def _uncovered(text: str) -> str:
    return text.removeprefix("<![CDATA[").removesuffix("]]>")


def _declarations(head: str) -> list[str]:
    return list(
        dict.fromkeys(re.findall(r"xmlns:[\w.-]{1,40}\s?=\s?\"[^\"<&]{0,200}\"", head[:20_000]))
    )


class _Stop(Exception):
    """No more is read."""


class _Reader:
    """Follows the parser: what is open, what of it is being kept."""

    def __init__(self, url: str) -> None:
        self.feed = RawFeed()
        self._base = url
        self._atom_language = ""
        self._prefixes: dict[str, str] = {}
        self._depth = 0
        self._entry: RawEntry | None = None
        self._entry_depth = 0
        self._field = ""
        self._field_depth = 0
        self._plain = False
        self._text: list[str] = []
        self._parents: list[str] = []

    def read(self, text: str) -> None:
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._refuse
        try:
            parser.Parse(text.encode("utf-8", "replace"), True)
        except expat.ExpatError as err:
            self.feed.fault = f"it is no valid XML at line {err.lineno}"
        except _Stop as err:
            self.feed.fault = str(err)
        if not self.feed.fault and not self._is_feed:
            self.feed.fault = "it is XML, but no feed"

    _is_feed = False

    def _refuse(self, *_: object) -> None:
        self.feed.entries.clear()
        raise _Stop(_REFUSED)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Stop("it is nested deeper than any feed")
        for key, value in attributes.items():
            if key.startswith("xmlns:"):
                self._prefixes[key[6:]] = value.strip()
        called = self._called(name)
        self._parents.append(called)
        if self._field:
            return
        if called in _ENTRIES and self._entry is None:
            self._begin(attributes)
        elif called in ("rss", "feed", "rdf:RDF", "channel"):
            self._open_feed(called, attributes)
        elif self._is_wanted(called):
            self._keep(called, attributes)

    def _called(self, name: str) -> str:
        prefix, colon, local = name.rpartition(":")
        family = _FAMILIES.get(self._prefixes.get(prefix, ""), prefix) if colon else ""
        return local if family in _MAIN else f"{family}:{local}"

    def _open_feed(self, called: str, attributes: dict[str, str]) -> None:
        self._is_feed = True
        self._base = links.absolute(self._base, attributes.get("xml:base", "")) or self._base
        self.feed.language = self.feed.language or tongues.code(attributes.get("xml:lang"))

    def _begin(self, attributes: dict[str, str]) -> None:
        if len(self.feed.entries) >= _MOST_ENTRIES:
            raise _Stop(f"it has more than {_MOST_ENTRIES:,} entries")
        base = links.absolute(self._base, attributes.get("xml:base", "")) or self._base
        self._is_feed = True
        self._entry = RawEntry(base=base, language=attributes.get("xml:lang", ""))
        self._entry.fallback_link = attributes.get("rdf:about", "")
        self._entry_depth = self._depth

    def _is_wanted(self, called: str) -> bool:
        """Only what stands directly in an entry, or in the head of a feed: an image of the feed,
        or the source of an entry, has titles and links of its own."""
        if self._entry is not None:
            return self._depth == self._entry_depth + 1
        return self._parents[-2:-1] in (["channel"], ["feed"])

    def _keep(self, called: str, attributes: dict[str, str]) -> None:
        if called == "link" and "href" in attributes:
            self._link(attributes)
            return
        if called == "guid" and attributes.get("isPermaLink", "true").strip().lower() == "false":
            called = "id"
        self._field, self._field_depth, self._text = called, self._depth, []
        self._plain = attributes.get("type", "") in ("text", "text/plain")

    def _link(self, attributes: dict[str, str]) -> None:
        rel = attributes.get("rel", "alternate")
        if rel != "alternate" or "html" not in attributes.get("type", "html"):
            return
        base = self._entry.base if self._entry else self._base
        found = links.absolute(
            links.absolute(base, attributes.get("xml:base", "")) or base, attributes["href"]
        )
        if self._entry is not None:
            self._entry.link = self._entry.link or found
        else:
            self.feed.site = self.feed.site or found

    def _characters(self, text: str) -> None:
        if self._field:
            self._text.append(text)

    def _end(self, _name: str) -> None:
        self._parents.pop()
        if self._field and self._depth == self._field_depth:
            text = "".join(self._text).strip()
            if self._entry is not None:
                self._put(self._entry, text)
            else:
                self._head(text)
            self._field, self._text = "", []
        elif self._entry is not None and self._depth == self._entry_depth:
            made = finished(self._entry, self.feed.language)
            if made is None:
                self.feed.left_out += 1
            else:
                self.feed.entries.append(made)
            self._entry = None
        self._depth -= 1

    def _head(self, text: str) -> None:
        if self._field == "title":
            self.feed.title = self.feed.title or twice(text)[:500]
        elif self._field == "link":
            self.feed.site = self.feed.site or links.absolute(self._base, text)
        elif self._field in ("language", "dc:language"):
            self.feed.language = self.feed.language or tongues.code(text)

    def _put(self, entry: RawEntry, text: str) -> None:
        called = self._field
        if called == "title" and not entry.title:
            entry.title, entry.plain_title = text, self._plain
        elif called == "feedburner:origLink" or (called == "link" and not entry.link):
            entry.link = text.replace("&amp;", "&")
        elif called in ("guid", "id"):
            entry.guid = entry.guid or text
            if called == "guid":
                entry.fallback_link = text
        elif called == "dc:language":
            entry.language = text
        elif called in _TEXTS and len(entry.text) < 2:
            entry.text = text[:20_000]
        elif called in _DATES:
            self._date(entry, _DATES[called], text)

    def _date(self, entry: RawEntry, which: str, text: str) -> None:
        if which == "published":
            entry.published = entry.published or text
        else:
            entry.changed = entry.changed or text
