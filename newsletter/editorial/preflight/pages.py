"""A finished page taken apart once, for all that judge it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_OVER = 1_000_000
_VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "wbr", "col", "source", "base"})
_HIDDEN = re.compile(r"(?:^|;)\s*display:\s*none")
_FETCHED = ("src", "srcset", "background", "poster", "data")


@dataclass
class Anchor:
    """A link as a reader sees it; `text` includes the words for pictures in it."""

    href: str
    text: str = ""
    lang: str = ""


@dataclass
class Page:
    """What stands in a page. Names are in lower case."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)
    sheets: list[str] = field(default_factory=list)
    """What stands in `<style>`."""
    inline: list[str] = field(default_factory=list)
    """What stands in `style="…"`, each different one once."""
    text: str = ""
    """All that is shown, without white space at the joints."""
    hidden: str = ""
    """What the first hidden element says: the line beside the subject in the list of mails."""

    @property
    def fetched(self) -> list[tuple[str, str]]:
        """Element and address of everything that a program would fetch to show the page."""
        found = [
            (tag, attributes[name])
            for tag, attributes in self.elements
            for name in _FETCHED
            if attributes.get(name)
        ]
        linked = [given.get("href", "") for tag, given in self.elements if tag == "link"]
        return [*found, *(("link", href) for href in linked if href)]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._styles: dict[str, None] = {}
        self._parts: list[str] = []
        self._open: Anchor | None = None
        self._in_sheet = False
        self._languages: list[tuple[str, str]] = []
        self._hidden_below: int | None = None
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element, its styles, and whether a link or a style sheet begins."""
        given = {name: value or "" for name, value in attrs}
        self.page.elements.append((tag, given))
        if given.get("style"):
            self._styles[given["style"]] = None
        if tag not in _VOID:
            inherited = self._languages[-1][1] if self._languages else ""
            self._languages.append((tag, given.get("lang") or inherited))
            if self._hidden_below is None and _HIDDEN.search(given.get("style", "")):
                self._hidden_below = len(self._languages)
        if tag == "a" and given.get("href"):
            language = self._languages[-1][1]
            self._open = Anchor(given["href"], lang=language)
            self.page.anchors.append(self._open)
        elif tag == "img" and self._open is not None:
            self._open.text += given.get("alt", "")
        self._in_sheet = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        """Note where a link or a language ends."""
        if tag == "a":
            self._open = None
        self._in_sheet = False
        if any(open_tag == tag for open_tag, _ in self._languages):
            while self._languages.pop()[0] != tag:
                pass
            if len(self._languages) < (self._hidden_below or 0):
                self._hidden_below = _OVER

    def handle_data(self, data: str) -> None:
        """Words, or the rules of a style sheet."""
        if self._in_sheet:
            self.page.sheets.append(data)
            return
        self._parts.append(data)
        if self._hidden_below is not None and len(self._languages) >= self._hidden_below:
            self._hidden.append(data)
        if self._open is not None:
            self._open.text += data

    def finished(self) -> Page:
        """The page, once all of it was fed."""
        self.page.inline = list(self._styles)
        self.page.text = "".join(self._parts)
        self.page.hidden = " ".join("".join(self._hidden).split())
        return self.page


def read(html: str) -> Page:
    """The page; what stands in comments, those for Outlook included, is left out."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.finished()
