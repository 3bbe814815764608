"""Reads a CSV file of subscribers into lines: bytes, encoding, columns. Pure, no database.

Files come from spreadsheets of any country: UTF-8 with or without BOM, UTF-16 with BOM,
Windows-1252 (and so Latin-1), parted by comma, semicolon or tab (RFC 4180 knows the first).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from newsletter.core.errors import InputError

_ADDRESS = {"email", "emailaddress", "address", "mail", "အီးမေးလ်", "အီးမေးလ်လိပ်စာ"}
_EDITION = {"edition", "language", "lang", "ဘာသာစကား"}
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_PERSON = re.compile(r"[^\s@]+@[^\s@]+")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Line:
    """One row as it stood; `broken` says why it cannot be read."""

    number: int
    address: str
    edition: str
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """All rows under the header, blank ones left out, and what was remarkable."""

    lines: list[Line]
    notes: list[str]


def read_table(data: bytes, name: str) -> Table:
    """The rows of a CSV file; InputError (file:line) when it is none or has no address column."""
    text, notes = _decode(data, name)
    rows = _rows(text, name)
    _, header, _ = next(rows, (1, [], ""))
    address, edition = _columns(header, name)
    lines = [
        _line(number, cells, len(header), (address, edition), wrong)
        for number, cells, wrong in rows
        if wrong or any(cell.strip() for cell in cells)
    ]
    return Table(lines, notes)


def _decode(data: bytes, name: str) -> tuple[str, list[str]]:
    if not data.strip():
        raise InputError(name, "the file is empty; a list of subscribers was expected")
    encoding, notes = _encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as err:
        line = data[: err.start].count(b"\n") + 1
        raise InputError(
            f"{name}:{line}", "the text is in no encoding known here; save the file as UTF-8"
        ) from err
    if _BINARY.search(text):
        raise InputError(name, "this is no text; in the spreadsheet, save the list as CSV (UTF-8)")
    return text, notes


def _encoding(data: bytes) -> tuple[str, list[str]]:
    if data.startswith(_UTF16):
        return "utf-16", ["the file is in UTF-16 and was read as such"]
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as err:
        if err.start and data.startswith(codecs.BOM_UTF8):
            return "utf-8-sig", []
        line = data[: err.start].count(b"\n") + 1
        return "cp1252", [
            f"the file is not in UTF-8 (see line {line}); it was read as Windows-1252 (Latin-1)"
        ]
    return "utf-8-sig", []


def _rows(text: str, name: str) -> Iterator[tuple[int, list[str], str]]:
    """Each row with the line it begins at; the first is the header, which must be readable.

    A row that is no CSV comes without cells and with the reason, and reading goes on at the
    very next line: a quote that is never closed must not swallow the people below it.
    """
    lines = list(io.StringIO(text, newline=""))
    first = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    place, width = 0, 0
    while place < len(lines):
        begins = place + 1
        reader = csv.reader(
            _until_a_person(lines, place, delimiter, width), delimiter=delimiter, strict=True
        )
        try:
            cells = next(reader)
            if reader.line_num > 1 and width and len(cells) > width:
                raise csv.Error("a quoted cell reaches over its line")
            wrong, place = "", place + reader.line_num
        except csv.Error as err:
            cells, wrong, place = [], _quoting(err, reader.line_num), place + 1
        if wrong and not width:
            raise InputError(f"{name}:{begins}", wrong)
        width = width or len(cells)
        if cells or wrong:
            yield begins, cells, wrong


def _until_a_person(lines: list[str], place: int, delimiter: str, width: int) -> Iterator[str]:
    """The lines a quoted cell may reach over: up to one that is a whole row with an address."""
    yield lines[place]
    for at in range(place + 1, len(lines)):
        cells = [cell.strip(' "') for cell in lines[at].strip().split(delimiter)]
        if len(cells) == width and any(map(_PERSON.fullmatch, cells)):
            return
        yield lines[at]


def _quoting(err: csv.Error, lines: int) -> str:
    if lines > 1 or "end of data" in str(err):
        return "a quote is opened here and never closed; mend the quotes of this row"
    return f"this row cannot be read as CSV ({err}); mend its quotes"


def _columns(header: list[str], name: str) -> tuple[int, int | None]:
    plain = [re.sub(r"[\s_-]+", "", cell).casefold() for cell in header]
    addresses = [place for place, cell in enumerate(plain) if cell in _ADDRESS]
    editions = [place for place, cell in enumerate(plain) if cell in _EDITION]
    if len(addresses) == 1 and len(editions) <= 1:
        return addresses[0], editions[0] if editions else None
    wrong = "more than one column" if addresses else "no column"
    wanted = "of editions" if len(editions) > 1 and len(addresses) == 1 else "of addresses"
    raise InputError(
        f"{name}:1",
        f"the first line names {wrong} {wanted}; it must hold one 'email' and may hold one "
        f"'edition' (found: {_found(header)})",
    )


def _found(header: list[str]) -> str:
    # Without a header the first person stands here, who must not land in an error message.
    shown = ["an address instead of a name" if "@" in c else f"'{c.strip()[:30]}'" for c in header]
    return ", ".join(shown[:12]) or "nothing"


def _line(
    number: int, cells: list[str], width: int, places: tuple[int, int | None], wrong: str
) -> Line:
    if not wrong and any(cell.strip() for cell in cells[width:]):
        wrong = f"{len(cells)} cells stand here, the header has {width}"
    if wrong:
        return Line(number, "", "", wrong)
    address, edition = places
    padded = cells + [""] * (width - len(cells))
    return Line(number, padded[address], padded[edition] if edition is not None else "")
