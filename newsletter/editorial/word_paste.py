"""HTML as Word puts it on the clipboard, read as what it says: paragraphs, lists, links. Pure.

Only HTML that names Word as its maker is read so; any other HTML in a text is a text about HTML
and is shown as it stands.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

_MAKER = re.compile(
    r"""<!--\[if\s|<o:p\b|\bclass\s*=\s*["']?Mso|\bstyle\s*=\s*["'][^"'<>]{0,2000}\bmso-"""
    r"|urn:schemas-microsoft-com:office",
    re.IGNORECASE,
)
_OPENED, _CLOSED = "<!--[if ", "<![endif]-->"
_CONDITION = re.compile(r"<!\[(?:if [^<>]{0,200}|endif)\]>")
_SPECIAL = re.compile(r"[\\`*_\[\]]")
_NO_ADDRESS = re.compile(r"[<>\s]")
_SKIPPED = frozenset(("style", "script", "xml", "head", "title", "meta", "link"))
_PARAGRAPHS = frozenset(("p", "div", "table", "tr", "ul", "ol", "blockquote"))
_HEADINGS = {f"h{level}": "#" * max(2, level) + " " for level in range(1, 7)}
_STRONG = {"b": "**", "strong": "**", "i": "*", "em": "*"}
_ITEM = re.compile("mso-list:|MsoListParagraph", re.IGNORECASE)
_DRAWN_MARK = re.compile(r"^(?:[·•▪◦§oØ\uf020-\uf0ff]|\d{1,3}[.)])[\s\u00a0]+")


def is_word_html(text: str) -> bool:
    """Does the text hold HTML of which Word says that it made it?"""
    return "<" in text and _MAKER.search(text) is not None


def as_markdown(text: str) -> str:
    """The paragraphs, headings, lists, bold and italic words and links of the document."""
    reader = _Reader()
    reader.feed(_unconditional(text))
    reader.close()
    return reader.finished()


def as_text(text: str) -> str:
    """Its words alone, paragraphs parted by empty lines."""
    reader = _Reader(plain=True)
    reader.feed(_unconditional(text))
    reader.close()
    return reader.finished()


def _unconditional(text: str) -> str:
    """Without what only Word itself would read."""
    first, *rest = text.split(_OPENED)
    after = [piece.partition(_CLOSED)[2] for piece in rest]
    return _CONDITION.sub("", first + "".join(after))


class _Reader(HTMLParser):
    def __init__(self, *, plain: bool = False) -> None:
        super().__init__(convert_charrefs=True)
        self.plain = plain
        self.blocks: list[str] = []
        self.words: list[str] = []
        self.mark = ""
        self.skipped = 0
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SKIPPED:
            self.skipped += tag not in ("meta", "link")
        elif tag in _PARAGRAPHS or tag in _HEADINGS or tag == "li":
            self._close()
            told = " ".join(value or "" for name, value in attrs if name in ("class", "style"))
            self.mark = "- " if tag == "li" or _ITEM.search(told) else _HEADINGS.get(tag, "")
        elif tag == "br":
            self.words.append(" " if self.plain else "\\\n")
        elif tag in _STRONG and not self.plain:
            self.words.append(f"\0{_STRONG[tag]}")
        elif tag == "a" and not self.plain:
            self.links.append((dict(attrs).get("href") or "").strip())
            self.words.append("[" if self.links[-1].startswith("http") else "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED:
            self.skipped = max(0, self.skipped - 1)
        elif tag in _PARAGRAPHS or tag in _HEADINGS or tag == "li":
            self._close()
        elif tag in _STRONG and not self.plain:
            self.words.append(f"{_STRONG[tag]}\0")
        elif tag == "a" and self.links:
            href = _NO_ADDRESS.sub("%20", self.links.pop())
            self.words.append(f"](<{href}>)" if href.startswith("http") else "")

    def handle_data(self, data: str) -> None:
        if not self.skipped:
            words = re.sub(r"[ \t\r\n]+", " ", data)
            self.words.append(words if self.plain else _SPECIAL.sub(r"\\\g<0>", words))

    def _close(self) -> None:
        text = _balanced("".join(self.words)).strip().removesuffix("\\").strip()
        if self.mark == "- ":
            text = _DRAWN_MARK.sub("", text)
        if text:
            self.blocks.append(text if self.plain else self.mark + text)
        self.words, self.mark = [], ""

    def finished(self) -> str:
        self._close()
        joined = ""
        for block in self.blocks:
            of_list = block.startswith("- ") and joined.rpartition("\n")[2].startswith("- ")
            joined += ("\n" if of_list else "\n\n" if joined else "") + block
        return joined


def _balanced(text: str) -> str:
    """Marks of bold and italic stand right at the words, or not at all when they hold none."""
    text = re.sub(r"\0(\*+)(\s*)(\*+)\0", r"\2", text)
    text = re.sub(r"\0(\*+)(\s*)", r"\2\1", text)
    return re.sub(r"(\s*)(\*+)\0", r"\2\1", text).replace("\0", "")
