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
    _, header = next(rows, (1, []))
    address, edition = _columns(header, name)
    lines = [
        _line(number, cells, len(header), address, edition)
        for number, cells in rows
        if any(cell.strip() for cell in cells)
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


def _rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line it begins at; a quote that is never closed names its own line."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        begins = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as err:
            raise InputError(
                f"{name}:{begins}", f"this row cannot be read as CSV ({err}); mend its quotes"
            ) from err
        if cells:
            yield begins, cells


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


def _line(number: int, cells: list[str], width: int, address: int, edition: int | None) -> Line:
    if any(cell.strip() for cell in cells[width:]):
        return Line(number, "", "", f"{len(cells)} cells stand here, the header has {width}")
    padded = cells + [""] * (width - len(cells))
    return Line(number, padded[address], padded[edition] if edition is not None else "")
