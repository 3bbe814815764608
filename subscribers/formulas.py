"""Cells that a spreadsheet would calculate (CWE-1236, OWASP "CSV injection"), made harmless.

A cell whose first letter is = + - or @, or a tab or line end, may be run as a formula when
somebody opens the file, also behind blanks and quotation marks and in its full-width form.
`+news@example.org` is a valid address, so nothing is refused: it goes out with an apostrophe
before it, which spreadsheets read as "this is text" and our own import takes off again.
"""

from __future__ import annotations

import unicodedata

_STARTS = frozenset("=+-@\t\r\n\0\u2212")
_QUOTES = frozenset("'\"`´‘’“”«»")
GUARD = "'"


def starts_formula(cell: str) -> bool:
    """Whether a spreadsheet could take this cell for a formula."""
    first = next((letter for letter in cell if not _skipped(letter)), "")
    return first != "" and unicodedata.normalize("NFKC", first)[0] in _STARTS


def guarded(cell: str) -> str:
    """The cell as it may stand in a file for spreadsheets."""
    return GUARD + cell if starts_formula(cell) else cell


def unguarded(cell: str) -> str:
    """The cell as it was before `guarded`."""
    return cell[1:] if cell.startswith(GUARD) and starts_formula(cell[1:]) else cell


def _skipped(letter: str) -> bool:
    return letter in _QUOTES or (letter.isspace() and letter not in _STARTS)
