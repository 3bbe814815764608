"""What one line of a published weekly post is: date line, byline, heading, footnote. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from newsletter.language.intake import taken_in

MONTHS = (
    ("january", "jan", "ဇန်နဝါရီ"),
    ("february", "feb", "ဖေဖော်ဝါရီ"),
    ("march", "mar", "မတ်"),
    ("april", "apr", "ဧပြီ"),
    ("may", "may", "မေ"),
    ("june", "jun", "ဇွန်"),
    ("july", "jul", "ဇူလိုင်"),
    ("august", "aug", "ဩဂုတ်", "သြဂုတ်"),
    ("september", "sep", "sept", "စက်တင်ဘာ"),
    ("october", "oct", "အောက်တိုဘာ"),
    ("november", "nov", "နိုဝင်ဘာ"),
    ("december", "dec", "ဒီဇင်ဘာ"),
)
_MONTH_NUMBER = {name: number for number, names in enumerate(MONTHS, 1) for name in names}

_WEEKDAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+)?"
_DATES = tuple(
    re.compile(_WEEKDAY + shape + r"\.?", re.IGNORECASE)
    for shape in (
        r"(?P<month>[a-z]+)\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})",
        r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month>[a-z]+)\.?,?\s+(?P<year>\d{4})",
        r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})",
        r"(?P<year>\d{4})\s*ခုနှစ်[၊,]?\s*(?P<month>[\u1000-\u109f]+)လ\s*(?P<day>\d{1,2})\s*ရက်",
    )
)
_BULLET = re.compile(r"(?:^|\s+)[•|·∙●‧⋅](?:\s+|$)")
_AUTHORS = re.compile(
    r"(?P<label>authors?|written by|ရေးသားသူ(?:များ)?)\s*[:：]\s*(?P<names>\S.*)", re.IGNORECASE
)
_MINUTES = re.compile(
    r"(?:(\d{1,3})[\s-]*min(?:ute)?s?(?:\s+read(?:ing)?)?(?:\s+time)?"
    r"|ဖတ်ရှုချိန်\s*(\d{1,3})\s*မိနစ်)\.?",
    re.IGNORECASE,
)
_BYLINE = re.compile(r"by\s*[:：]?\s+(?P<name>\S.*)", re.IGNORECASE)
_BYLINE_MY = re.compile(r"(?P<name>\S.{0,300}?)\s*မှ")
_FOOTNOTE = re.compile(r"\[(?P<mark>\d{1,3})\]\s*:?\s*(?P<text>\S.*)")
_FEATURED = re.compile(r"\[?featured image\]?(?:\s*[:：.–—-]\s*(?P<caption>.*))?", re.IGNORECASE)
_SECTION = re.compile(
    r"resources\s+(?:from|of|for|in)\s+(?:the\s+|this\s+)?(?:(?:past|last|previous)\s+)?"
    r"(?:\w+\s+)?weeks?\W*|ပြီးခဲ့သည့်အပတ်အတွင်း\s*ထွက်ရှိခဲ့သော\s*(?:အရင်းအမြစ်|ရင်းမြစ်)များ",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?။…][”’\"')\]]*$")
_MYANMAR = re.compile(r"[\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f]")
_LINE_ENDS = re.compile("([\x0c\x85\u2028\u2029])")
_EDGES = "\ufeff\u200b\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""What hangs unseen at the ends of lines that were copied from pages."""
_WORD_BULLET = re.compile("^[\uf020-\uf0ff]+\\s*")
_BLANKS = dict.fromkeys((*range(0x20), 0x7F, 0x85, 0x2028, 0x2029), " ")
"""Controls and foreign line ends, which no header and no heading may hold."""
_QUOTES = {"“": "”", '"': '"', "„": "“", "«": "»"}
_SMALL_WORDS = frozenset(
    ("a", "an", "and", "as", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to")
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank: its number in the file and how many blank ones stand before it."""

    number: int
    text: str
    gap: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the parser could not be sure of; `kind` says what would settle it."""

    line: int
    text: str
    kind: str = "not_understood"


@dataclass(frozen=True, slots=True)
class Dateline:
    """What a line such as `November 20th, 2023 • Author: NAME • 7 minute read` says."""

    day: date | None = None
    authors: tuple[str, ...] = ()
    reading_minutes: int | None = None
    unknown: tuple[str, ...] = ()
    known: int = 0
    """How many of its parts were recognised."""


def lines_of(text: str) -> list[Line]:
    """The lines that say something, trimmed of spaces of any kind, numbered from 1."""
    found, gap = [], 0
    for number, raw in enumerate(text.split("\n"), 1):
        pieces = list(_pieces(raw))
        if not pieces:
            gap += 1
        for piece, parted in pieces:
            found.append(Line(number, piece, max(gap, parted)))
            gap = 0
    return found


def _pieces(raw: str) -> Iterator[tuple[str, int]]:
    """A line of the file, which may hold foreign line ends; 1 where a paragraph ended before."""
    first, *rest = _LINE_ENDS.split(raw)
    for end, text in [("", first), *zip(rest[::2], rest[1::2], strict=True)]:
        stripped = text.translate(_BLANKS).strip().strip(_EDGES).strip()
        stripped = _WORD_BULLET.sub("• ", stripped)
        if stripped:
            yield stripped, int(end in ("\u2028", "\u2029", "\x0c"))


def legible(text: str) -> str:
    """A line as Unicode would have it, for recognising what it is, never for keeping."""
    found = taken_in(text, "my")
    return found.proposed if found.state == "asked" else found.text


def parse_day(text: str) -> date | None:
    """A date written out in English or Burmese or as 2023-11-20; None for anything else."""
    for pattern in _DATES:
        match = pattern.fullmatch(text.strip())
        if match:
            month = match["month"].lower()
            number = int(month) if month.isdigit() else _MONTH_NUMBER.get(month, 0)
            try:
                return date(int(match["year"]), number, int(match["day"]))
            except ValueError:
                return None
    return None


def dateline(text: str) -> Dateline:
    """The parts of a date line; `known` is 0 for a line that is none."""
    day: date | None = None
    authors: tuple[str, ...] = ()
    minutes: int | None = None
    unknown = []
    parts = [part.strip() for part in _BULLET.split(text) if part.strip()]
    for raw in parts:
        part = legible(raw)
        named, timed = _AUTHORS.fullmatch(part), _MINUTES.fullmatch(part)
        found = parse_day(part)
        if found and day is None:
            day = found
        elif named and not authors:
            names = named["names"] if part == raw else re.split("[:：]", raw, maxsplit=1)[-1]
            authors = split_authors(names, several=_says_several(named["label"]))
        elif timed and minutes is None:
            minutes = int(timed[1] or timed[2])
        else:
            unknown.append(raw)
    return Dateline(day, authors, minutes, tuple(unknown), len(parts) - len(unknown))


def _says_several(label: str) -> bool:
    return label.lower().endswith(("s", "များ"))


def split_authors(names: str, *, several: bool) -> tuple[str, ...]:
    """Names parted by commas and a last "and".

    An "and" without any comma parts two names only when the label says that there are several:
    it also stands inside the names of organisations.
    """
    pieces = re.split(r"\s*[,;၊]\s*", names.strip())
    if len(pieces) > 1 or several:
        last = re.split(r"(?:^|\s+)(?:and|&)\s+|\s*နှင့်\s+", pieces[-1])
        pieces = [*pieces[:-1], *last]
    return tuple(piece.strip() for piece in pieces if piece.strip())


def byline(text: str) -> str | None:
    """The publisher's name of a line `By NAME`."""
    match = _BYLINE.fullmatch(text)
    return match["name"] if match else None


def with_latin_bylines(lines: Sequence[Line]) -> list[Line]:
    """Lines `NAME မှ`, as a Burmese post may write bylines, as `By NAME`.

    Only where no line says "By", because a Burmese title may end with the same word.
    """
    if any(byline(line.text) for line in lines):
        return list(lines)
    named = [(line, _burmese_byline(line.text)) for line in lines]
    return [Line(ln.number, f"By {name}", ln.gap) if name else ln for ln, name in named]


def _burmese_byline(text: str) -> str | None:
    """The publisher's name as it stood; in Zawgyi the word မှ is written မွ."""
    match = _BYLINE_MY.fullmatch(legible(text))
    if match is None or match["name"] in text:
        return match["name"] if match else None
    return text.removesuffix("မွ").strip()


def footnote(text: str) -> tuple[str, str] | None:
    """Mark and text of a line `[1] …`; the mark in Latin digits."""
    match = _FOOTNOTE.fullmatch(text)
    return (str(int(match["mark"])), match["text"]) if match else None


def featured_image(text: str) -> str | None:
    """The caption (often empty) of a line that says that a featured image stands there."""
    match = _FEATURED.fullmatch(text)
    return (match["caption"] or "") if match and len(text) <= 200 else None


def opens_resources(text: str) -> bool:
    """Is this the heading "Resources from the past week"?"""
    return _SECTION.fullmatch(legible(text)) is not None


def is_myanmar(text: str) -> bool:
    """Are most of its letters Myanmar script?"""
    letters = sum(1 for char in text if char.isalpha() and not _MYANMAR.match(char))
    return len(_MYANMAR.findall(text)) > letters


def unquoted(text: str) -> str | None:
    """What stands inside one pair of quotation marks around the whole line; None without."""
    closing = _QUOTES.get(text[:1])
    if closing is None or len(text) < 3 or not text.endswith(closing):
        return None
    inner = text[1:-1]
    if closing in inner or text[0] in inner:
        return None
    return inner.strip() or None


def is_prose(text: str) -> bool:
    """Does it read as sentences rather than as a title or a heading?"""
    long = len(text) >= 60 if is_myanmar(text) else len(text.split()) >= 8
    return len(text) >= 240 or (long and _SENTENCE_END.search(text) is not None)


def is_headinglike(text: str) -> bool:
    """Short, without the punctuation of a title or a sentence."""
    short = len(text) <= 60 and len(text.split()) <= 8
    return short and not re.search(r"[.!?။,;:“”\"]|\d", text)


def is_title_case(text: str) -> bool:
    """Every word of weight begins with a capital letter, or the script has none."""
    words = [word for word in text.split() if word not in _SMALL_WORDS]
    return not any(word[0].islower() for word in words)
