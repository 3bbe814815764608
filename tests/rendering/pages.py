"""Reads a page the way the tests ask about it: its elements, its text, its links."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr"}


@dataclass
class Element:
    """An element with what it says and the languages it stands in, outermost first."""

    tag: str
    attributes: dict[str, str]
    languages: tuple[str, ...]
    text: str = ""


@dataclass
class Page(HTMLParser):
    """All elements of a document in order; `fault` names the first tag that does not close."""

    source: str
    elements: list[Element] = field(default_factory=list)
    fault: str = ""
    _open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        around = self._open[-1].languages if self._open else ()
        own = (attributes["lang"],) if "lang" in attributes else ()
        element = Element(tag, attributes, (*around, *own))
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1].tag != tag:
            self.fault = self.fault or f"</{tag}> at line {self.getpos()[0]}"
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str) -> list[Element]:
        """Every element of a kind."""
        return [element for element in self.elements if element.tag == tag]
