"""Mending XML that is not quite XML: what feeds get wrong most. Pure."""

from __future__ import annotations

import html.entities
import re

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DECLARATION = re.compile(r"<\?xml[^>]{0,300}>", re.IGNORECASE)
_START = re.compile(r"<\?xml|<(?:\w{1,20}:)?(?:rss|rdf|feed|channel)[\s>]", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:(#\d{1,7}|#[xX][0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}))?(;?)")
_OWN = frozenset({"amp", "lt", "gt", "quot", "apos"})
_PIECE = re.compile(r"(?=<(?:item|entry)[\s>])", re.IGNORECASE)
_PIECE_END = re.compile(r"</(?:item|entry)\s{0,20}>", re.IGNORECASE)
_BODY_END = {
    name: re.compile(rf"</{name}\s{{0,20}}>", re.IGNORECASE)
    for name in ("description", "content:encoded", "content", "summary")
}
_BODY = re.compile(
    r"<(description|content:encoded|content|summary)(?:\s[^>]{0,500})?>", re.IGNORECASE
)


def fit(text: str) -> str:
    """The text from its first tag on, without characters that no XML may hold."""
    start = _START.search(text[:20_000])
    return _NOT_XML.sub("", text[start.start() :] if start else text)


def undeclared(text: str) -> str:
    """Without its XML declaration: the encoding it names is no longer the one it is in."""
    return _DECLARATION.sub("", text, count=1) if text.startswith("<?") else text


def mended(text: str) -> str:
    """Entities of HTML as numbers, and every other ampersand as one."""
    return _ENTITY.sub(_number, text)


def _number(found: re.Match[str]) -> str:
    number, name, end = found.groups()
    if number and end and _is_character(number):
        return found[0]
    if name and end:
        if name in _OWN:
            return found[0]
        letters = html.entities.html5.get(f"{name};")
        if letters:
            return "".join(f"&#{ord(letter)};" for letter in letters)
    return f"&amp;{found[0][1:]}"


def _is_character(number: str) -> bool:
    value = int(number[2:], 16) if number[1] in "xX" else int(number[1:])
    return (
        value in (9, 10, 13)
        or 32 <= value < 0xD800
        or 0xE000 <= value < 0xFFFE
        or 0x10000 <= value < 0x110000
    )


def pieces(text: str) -> tuple[str, list[str]]:
    """What stands before the first entry, and each whole entry by itself."""
    head, *rest = _PIECE.split(text)
    found = []
    for one in rest:
        end = _PIECE_END.search(one)
        if end:
            found.append(one[: end.end()])
    return head, found


def without_bodies(piece: str) -> str:
    """An entry without its long texts, in which markup is left open most often."""
    kept, at = [], 0
    while body := _BODY.search(piece, at):
        end = _BODY_END[body[1].lower()].search(piece, body.end())
        if end is None:
            break
        kept.append(piece[at : body.start()])
        at = end.end()
    return "".join([*kept, piece[at:]])
