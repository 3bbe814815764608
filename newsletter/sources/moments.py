"""Dates as sites write them, as instants in UTC. Pure.

A day without a time is its noon in UTC, and so is a time without a zone: what counts is the day
that was meant, and at noon it is the same day nearly everywhere.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)"
    r"(?:[T ]+(\d\d?):?(\d\d)(?::?(\d\d))?(?:[.,]\d+)?\s*(Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?)?)?",
    re.IGNORECASE,
)
_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d\d?)[/.](\d\d?)")
_YEAR_LAST = re.compile(r"(\d\d?)([/.-])(\d\d?)\2(\d{4})")
_STAMP = re.compile(r"\d{10}(?:\d{3})?")
_IN_PATH = re.compile(r"/((?:19|20)\d\d)[/-](\d\d?)[/-](\d\d?)(?=[/-])")
_NUMBERS = re.compile(r"\d+")
_ZONES = {"MMT": "+0630", "ICT": "+0700", "IST": "+0530", "BST": "+0100", "CET": "+0100"} | {
    "CEST": "+0200",
    "JST": "+0900",
    "AEST": "+1000",
    "MYT": "+0800",
    "Z": "+0000",
}
_ZONE = re.compile(rf"\b({'|'.join(_ZONES)})\s*$")
_DIGITS = str.maketrans("၀၁၂၃၄၅၆၇၈၉", "0123456789")
_MONTHS = (
    *("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    *("ဇန်နဝါရီ", "ဖေဖော်ဝါရီ", "မတ်", "ဧပြီ", "မေ", "ဇွန်"),
    *("ဇူလိုင်", "ဩဂုတ်", "စက်တင်ဘာ", "အောက်တိုဘာ", "နိုဝင်ဘာ", "ဒီဇင်ဘာ"),
)
_MONTH = re.compile("|".join(sorted(_MONTHS, key=len, reverse=True)), re.IGNORECASE)
_LONGEST = 120


def moment(text: object) -> datetime | None:
    """The instant that is meant, or None for what says none; never raises."""
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        return None
    plain = str(text).strip().translate(_DIGITS)[:_LONGEST].replace("သြဂုတ်", "ဩဂုတ်")
    for way in (_stamp, _iso, _numeric, _mail, _words):
        try:
            found = way(plain)
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
        if found is not None and 1990 <= found.year <= 2100:
            return found
    return None


def in_address(url: str) -> datetime | None:
    """The day that stands in the path of an address: /2026/11/18/title."""
    found = _IN_PATH.search(url)
    try:
        return _day(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def _day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)


def _stamp(text: str) -> datetime | None:
    if not _STAMP.fullmatch(text):
        return None
    return datetime.fromtimestamp(int(text[:10]), UTC)


def _iso(text: str) -> datetime | None:
    found = _ISO.match(text)
    if not found:
        return None
    year, month, day = (int(part) for part in found.groups()[:3])
    hour, minute, second, offset = found.groups()[3:]
    if hour is None or offset is None:
        return _day(year, month, day)
    # 24:00 is the end of the day; a leap second is let go of.
    clock = timedelta(hours=int(hour), minutes=int(minute), seconds=min(int(second or 0), 59))
    return datetime(year, month, day, tzinfo=UTC) + clock - _offset(offset)


def _offset(text: str) -> timedelta:
    if text[0] not in "+-":
        return timedelta()
    digits = text[1:].replace(":", "").ljust(4, "0")
    found = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -found if text[0] == "-" else found


def _numeric(text: str) -> datetime | None:
    """Of 3/4/2026 nobody can say which is the month; then it is no date."""
    found = _YEAR_FIRST.match(text)
    if found:
        return _day(*map(int, found.groups()))
    found = _YEAR_LAST.match(text)
    if not found:
        return None
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    if found[2] == ".":
        return _day(year, second, first)
    if first == second or first > 12:
        return _day(year, second, first)
    return _day(year, first, second) if second > 12 else None


def _mail(text: str) -> datetime | None:
    zoned = _ZONE.sub(lambda zone: _ZONES[zone[1]], text)
    if not re.search(r"\d:\d\d", zoned):
        return None
    found = parsedate_to_datetime(zoned)
    if found.tzinfo is None:
        return _day(found.year, found.month, found.day)
    return found.astimezone(UTC)


def _words(text: str) -> datetime | None:
    """18 November 2026; November 18th, 2026; ၂၀၂၆ ခုနှစ်၊ နိုဝင်ဘာလ ၁၈ ရက်."""
    month = _MONTH.search(text)
    numbers = [int(number) for number in _NUMBERS.findall(text)]
    year = next((number for number in numbers if 1990 <= number <= 2100), None)
    day = next((number for number in numbers if 1 <= number <= 31), None)
    if month is None or year is None or day is None:
        return None
    return _day(year, _MONTHS.index(month[0].lower()) % 12 + 1, day)
