"""Which column of a list holds the addresses, the editions, and whether somebody left.

Found by the names that spreadsheets and other systems give (English, Burmese; Mailchimp,
listmonk, Ghost, Substack, Google Groups), else by where addresses stand in the first rows, or
told by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from newsletter.core.errors import InputError
from newsletter.core.log import redact
from subscribers.status_names import kind_of, plain
from subscribers.statuses import DOUBTFUL, Kind, tells, words
from subscribers.wishes import name_languages

PERSON = re.compile(r"[^\s@<>\"',;]+@[^\s@<>\"',;]+")
MAPPABLE = ("email", "edition", "discreet", "status", "reason")
NONE = "-"
"""`--column edition=-`: do without it."""

_SURE = words(
    "email emails emailaddress emailaddresses subscriberemail memberemail useremail primaryemail "
    "emailid အီးမေးလ် အီးမေးလ်လိပ်စာ အီးမေး"
)
_LIKELY = frozenset(("mail", "address", "mailaddress", "recipient", "email1value", "email1"))
_EDITION = words("edition language lang locale languages preferredlanguage ဘာသာစကား ဘာသာ")
_REASON = words("reason suppressionreason type bouncetype suppressiontype status category")


class Status(NamedTuple):
    """A column that tells who left, and how; not `sure`: its unknown words are passed over."""

    place: int
    name: str
    kind: Kind
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Columns:
    """Places counted from 0."""

    address: int
    edition: int | None = None
    statuses: tuple[Status, ...] = ()
    reason: int | None = None
    discreet: int | None = None
    untaken: tuple[str, ...] = ()


def known(cells: Sequence[str]) -> bool:
    """Whether this row names a column of addresses, so that it is the header."""
    return any(plain(cell) in _SURE or plain(cell) in _LIKELY for cell in cells)


def choose(
    header: Sequence[str],
    sample: Sequence[Sequence[str]],
    chosen: Mapping[str, str],
    where: str,
    *,
    barring: bool = False,
) -> Columns:
    """The columns to read; `sample` are the first rows, `chosen` what was told by hand.

    `barring`: the list is one of suppressions, so a word beside the address is a reason.
    InputError (at `where`) when no column or more than one can hold the addresses.
    """
    names = [plain(cell) for cell in header]
    told = {kind: _told(kind, name, header, where) for kind, name in chosen.items()}
    address = told.get("email")
    if address is None:
        address = _addresses(header, names, sample, where)
    edition = told["edition"] if "edition" in told else _editions(header, names, sample, where)
    reason = told["reason"] if "reason" in told else _reason(names) if barring else None
    discreet = told["discreet"] if "discreet" in told else _discreet(names)
    others = {place for place in range(len(header)) if place not in (address, edition, discreet)}
    statuses = () if barring else _statuses(header, others, sample, told.get("status"))
    taken = {address, edition, reason, discreet, *(one.place for one in statuses if one.sure)}
    untaken = tuple(
        redact(cell.strip())[:40] or f"column {place + 1}"
        for place, cell in enumerate(header)
        if place not in taken
    )
    if barring:
        edition = discreet = None
    return Columns(address, edition, statuses, reason, discreet, untaken)


def _discreet(names: Sequence[str]) -> int | None:
    """The column of that name, as an export writes it; never guessed by what stands in it."""
    places = [place for place, name in enumerate(names) if name == "discreet"]
    return places[0] if len(places) == 1 else None


def _told(kind: str, name: str, header: Sequence[str], where: str) -> int | None:
    if kind not in MAPPABLE:
        raise InputError("--column", f"'{kind}' is none of {', '.join(MAPPABLE)}")
    if name == NONE and kind == "status":
        raise InputError(
            "--column",
            "who left is never taken in; name the column that tells it, as in --column "
            "status=NAME, or give a column that tells something else another name in the file",
        )
    if name == NONE and kind != "email":
        return None
    places = [place for place, cell in enumerate(header) if plain(cell) == plain(name)]
    if not places and name.isdecimal() and 0 < int(name) <= len(header):
        return int(name) - 1
    if len(places) == 1:
        return places[0]
    wrong = "more than one column has" if places else "no column has"
    raise InputError(
        where,
        f"{wrong} the name '{redact(name)[:40]}' (found: {_found(header)}); name another, or its "
        f"number, as in --column {kind}=1",
    )


def _addresses(
    header: Sequence[str], names: Sequence[str], sample: Sequence[Sequence[str]], where: str
) -> int:
    for group in (_SURE, _LIKELY):
        places = [place for place, name in enumerate(names) if name in group]
        if len(places) == 1:
            return places[0]
        if places:
            raise _ambiguous("more than one column of addresses", header, where)
    hits = [sum(_person(row, place) for row in sample) for place in range(len(header))]
    best = max(hits, default=0)
    if not best:
        raise _ambiguous("no column of addresses", header, where)
    if hits.count(best) > 1 or sorted(hits)[-2:-1] > [best // 2]:
        raise _ambiguous("more than one column that holds addresses", header, where)
    return hits.index(best)


def _person(row: Sequence[str], place: int) -> bool:
    return place < len(row) and PERSON.search(row[place]) is not None


def _editions(
    header: Sequence[str], names: Sequence[str], sample: Sequence[Sequence[str]], where: str
) -> int | None:
    """The column of languages by its name, or by what stands in it."""
    places = [place for place, name in enumerate(names) if name in _EDITION]
    if not places:
        cells = ([row[p] for row in sample if p < len(row)] for p in range(len(header)))
        places = [place for place, column in enumerate(cells) if name_languages(column)]
    if len(places) > 1:
        raise _ambiguous("more than one column of editions", header, where, "edition")
    return places[0] if places else None


def _reason(names: Sequence[str]) -> int | None:
    return next((place for place, name in enumerate(names) if name in _REASON), None)


def _statuses(
    header: Sequence[str],
    places: set[int],
    sample: Sequence[Sequence[str]],
    told: int | None,
) -> tuple[Status, ...]:
    """Every column that may say that somebody left; one told by hand hides none of the others."""
    found = []
    for place in sorted(places):
        kind, known = kind_of(header[place]) or (Kind.REMARK, False)
        if place == told:
            kind, sure = Kind.WORD if kind is Kind.REMARK else kind, True
        elif plain(header[place]) in DOUBTFUL:
            sure = told is None and tells(row[place] for row in sample if place < len(row))
        else:
            sure = known and (told is None or kind is not Kind.WORD)
        found.append(Status(place, header[place].strip()[:40], kind, sure))
    return tuple(found)


def _ambiguous(wrong: str, header: Sequence[str], where: str, kind: str = "email") -> InputError:
    return InputError(
        where,
        f"the first line names {wrong}; it must hold one 'email' and may hold one 'edition' "
        f"(found: {_found(header)}); or say which with --column {kind}=NAME",
    )


def _found(header: Sequence[str]) -> str:
    # Without a header the first person stands here, who must not land in an error message.
    shown = ["an address instead of a name" if "@" in c else f"'{c.strip()[:30]}'" for c in header]
    return ", ".join(shown[:12]) or "nothing"
