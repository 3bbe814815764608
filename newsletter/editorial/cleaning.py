"""What word processors, web pages and rogues leave in a text, taken out before it is kept. Pure.

What shows and means nothing goes silently: soft hyphens, byte order marks, odd line ends, spaces
that hold lines together for no reason. What could have meant something, or was put there to
deceive, goes with a reason for the editor: control characters, the signs that turn the direction
of writing (Unicode TR 36 §2.5: they make a link or a title read as another), letters that only
one font has (Word's bullets), Word's own markup. Emoji, typographic quotation marks and the
harmless marks of direction (U+200E, U+200F) stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

from newsletter.editorial import word_paste

_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ENTITY = re.compile(r"&#(?:x([0-9a-f]{1,6})|([0-9]{1,7}));", re.IGNORECASE)
_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a\U000e0030-\U000e0039]+\U000e007f")
"""A flag of a part of a country (UTS 51): the only use of tags; elsewhere they hide words."""
_UNSEEN = re.compile("[\u206a-\u206f\ufff9-\ufffc\U000e0000-\U000e007f]")
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")
_BULLET = re.compile("^([ \t\u00a0]*)(?:[\uf020-\uf0ff]+[ \t\u00a0]*|[•·▪◦‣o§]\t+)", re.MULTILINE)
"""Symbol and Wingdings at U+F0xx, or a mark and a tab, as Word writes the items of a list."""
_NUMBERED = re.compile(r"^([ \t]*\d{1,3}[.)])\t+", re.MULTILINE)
_SILENT = re.compile("[\u00ad\ufeff]")
_GLUE = re.compile("[\u00a0\u2007\u202f]")
_INDENT = re.compile("^[ \t]*[\u00a0\u2007\u202f][ \t\u00a0\u2007\u202f]*", re.MULTILINE)
"""Four spaces would make it a block of code."""
_HELD = re.compile("(?<=[0-9၀-၉«§])[\u00a0\u202f](?=\\S)|(?<=\\S)[\u00a0\u202f](?=[0-9၀-၉:;!?»%])")
_MANUAL_BREAK = re.compile("(?<![ \t])[ \t]*\x0b[ \t]*")
_PARAGRAPH_ENDS = re.compile("(?<![ \t])[ \t]*[\x0c\u2028\u2029][ \t]*")
_WORD = re.compile("\r(?!\n)|[\x0b\u2028\u2029\uf020-\uf0ff]|[•·▪◦‣o§]\t")
_BLOCK = re.compile(r"\s*(?:[-+*>#|]|\d{1,9}[.)]\s|```|~~~|\[\^|$)")
_MOST_NAMED = 4
TAKEN = "took out "
"""So each reason of this file begins."""
_DECEIT = "signs that turn the direction of writing and can make a title read as another"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text fit to be kept, and what an editor has to know of what was taken out."""

    text: str
    reasons: tuple[str, ...] = ()


def line(text: str) -> Cleaned:
    """A title, a name: one line, with single spaces."""
    found = _clean(text, word_paste.as_text, bullet=" ")
    return Cleaned(" ".join(found.text.split()), found.reasons)


def is_anything(text: str) -> bool:
    """Whether anybody could read something of this line once it is cleaned."""
    return any(letter.isalnum() for letter in line(text).text)


def plain(text: str) -> Cleaned:
    """Words without Markdown that may have several lines: a quotation, a note, an address."""
    found = _clean(text, word_paste.as_text, bullet="• ")
    return Cleaned(_paragraphs(found.text, "\n").strip(), found.reasons)


def prose(text: str) -> Cleaned:
    """Paragraphs in Markdown, parted by empty lines, with lines ended by LF.

    A text that shows signs of a word processor (its bullets, its line breaks, bare CR) has one
    paragraph on each line, so each becomes a paragraph of its own.
    """
    found = _clean(text, word_paste.as_markdown, bullet="- ")
    shaped = _paragraphs(_NUMBERED.sub(r"\1 ", found.text), "\\\n")
    was_word = _WORD.search(text) is not None and not word_paste.is_word_html(text)
    return Cleaned(_parted(shaped) if was_word else shaped, found.reasons)


def _clean(text: str, out_of_word: Callable[[str], str], *, bullet: str) -> Cleaned:
    reasons: list[str] = []
    left = text
    if word_paste.is_word_html(left):
        left = out_of_word(left)
        reasons.append(f"{TAKEN}Word's own markup")
    left = left.replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n")
    left = _without_entities(left)
    left = _without(_CONTROL, left, reasons, "control characters")
    left = _without(_TURNING, left, reasons, _DECEIT)
    left = _without_unseen(left, reasons)
    left = _BULLET.sub(rf"\1{bullet}", left)
    left = _without(_PRIVATE, left, reasons, "letters that only one font has")
    return Cleaned(_spaced(_SILENT.sub("", left)), tuple(reasons))


def visible(text: str) -> str:
    """The text with control characters shown by signs of their own, fit for any database.

    PostgreSQL refuses U+0000 in a text, and no database takes half a surrogate pair.
    """
    return _CONTROL.sub(_picture, text)


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"


def _without(pattern: re.Pattern[str], text: str, reasons: list[str], what: str) -> str:
    found = pattern.findall(text)
    if not found:
        return text
    reasons.append(f"{TAKEN}{what} ({_named(found)})")
    return pattern.sub("", text)


def _named(signs: Iterable[str]) -> str:
    codes = [f"U+{ord(sign):04X}" for sign in dict.fromkeys(signs)]
    return ", ".join(codes[:_MOST_NAMED]) + (" …" if len(codes) > _MOST_NAMED else "")


def _without_unseen(text: str, reasons: list[str]) -> str:
    flags = _FLAG.findall(text)
    pieces = _FLAG.split(text)
    found = [sign for piece in pieces for sign in _UNSEEN.findall(piece)]
    if not found:
        return text
    reasons.append(f"{TAKEN}what nobody sees ({_named(found)})")
    kept = [_UNSEEN.sub("", piece) for piece in pieces]
    return "".join(a + b for a, b in zip(kept, [*flags, ""], strict=True))


def _without_entities(text: str) -> str:
    """`&#8238;` becomes the sign itself, which is taken out next: Markdown would decode it."""

    def plain(found: re.Match[str]) -> str:
        code = int(found[1], 16) if found[1] else int(found[2])
        sign = chr(code) if code <= 0x10FFFF else ""
        bad = any(p.fullmatch(sign) for p in (_CONTROL, _TURNING, _UNSEEN, _PRIVATE, _SILENT))
        return sign if bad else found[0]

    return _ENTITY.sub(plain, text) if "&#" in text else text


def _spaced(text: str) -> str:
    """Spaces that hold words together only beside digits and French punctuation."""
    if not _GLUE.search(text):
        return text
    text = _INDENT.sub("", text)
    held = {found.start() for found in _HELD.finditer(text)}
    return _GLUE.sub(lambda m: "\u00a0" if m.start() in held else " ", text)


def _paragraphs(text: str, line_break: str) -> str:
    ends = _PARAGRAPH_ENDS.sub("\n\n", text)
    ends = _MANUAL_BREAK.sub("\x0b", ends)
    ends = re.sub("\x0b{2,}", "\n\n", ends)
    ends = re.sub("\x0b?\n\x0b?", "\n", ends).replace("\x0b", line_break)
    kept = [one if one.strip() else "" for one in ends.split("\n")]
    return re.sub("\n{3,}", "\n\n", "\n".join(kept)).strip("\n")


def _parted(text: str) -> str:
    """Each line a paragraph, but those of a list or a quotation, and those broken by hand."""
    lines = [one.strip("\t") if not _BLOCK.match(one) else one for one in text.split("\n")]
    joined = lines[0]
    for before, after in pairwise(lines):
        plain = not (_BLOCK.match(before) and _BLOCK.match(after)) and not before.endswith("\\")
        joined += ("\n\n" if plain and before and after else "\n") + after
    return joined
