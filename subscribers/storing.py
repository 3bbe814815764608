"""Puts a chunk of a list into the tables: three statements for thousands of people."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter.core.sealing import Sealed
from subscribers.bulk import insert, reserve, table_of
from subscribers.models import Consent, Subscriber, Subscription
from subscribers.standing import NOBODY, Standing, outcomes, standings
from subscribers.wishes import Wish


class Newcomer(NamedTuple):
    """One row of a list, ready to be stored."""

    row: int
    mark: bytes
    address: str
    sealed: Sealed
    wish: Wish
    wording: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for a whole list."""

    publication_id: int
    default_edition: str
    now: datetime


def store(
    session: Session,
    terms: Terms,
    people: Sequence[Newcomer],
    share: tuple[float, float],
    one_by_one: Callable[[Newcomer], str],
) -> dict[int, str]:
    """Take these people in, and say of each row what became of it.

    Somebody may sign up or leave at this very moment: what is there is locked, and where two
    programs put in the same row, `one_by_one` settles this chunk. `share` is the part of the
    list that this chunk is, as in (0.25, 0.5); see `_public_ids`.
    """
    marks = [person.mark for person in people]
    found = standings(session, terms.publication_id, marks, lock=True)
    becomes = outcomes(session, found, {person.mark: person.wish for person in people})
    try:
        with session.begin_nested():
            _insert(session, terms, [p for p in people if becomes[p.mark] == "new"], found, share)
    except IntegrityError:
        return {person.row: one_by_one(person) for person in people}
    held = ("subscribed", "updated")
    _change(session, terms, [p for p in people if becomes[p.mark] in held], found)
    return {person.row: becomes[person.mark] for person in people}


def _insert(
    session: Session,
    terms: Terms,
    people: Sequence[Newcomer],
    found: Mapping[bytes, Standing],
    share: tuple[float, float],
) -> None:
    if not people:
        return
    known = {p.mark: found.get(p.mark, NOBODY).subscriber_id for p in people}
    unknown = [person for person in people if known[person.mark] is None]
    ids = reserve(session, Subscriber, len(unknown))
    public_ids = _public_ids(len(unknown), share)
    known.update({person.mark: number for person, number in zip(unknown, ids, strict=True)})
    insert(
        session,
        Subscriber,
        ("id", "public_id", "sealed_address", "seal_key_id", "address_index"),
        (
            (known[p.mark], public_id, p.sealed.value, p.sealed.key_id, p.mark)
            for p, public_id in zip(unknown, public_ids, strict=True)
        ),
        created_at=terms.now,
    )
    held = reserve(session, Subscription, len(people))
    insert(
        session,
        Subscription,
        ("id", "subscriber_id", "edition", "discreet"),
        (
            (number, known[p.mark], p.wish.edition or terms.default_edition, p.wish.discreet)
            for p, number in zip(people, held, strict=True)
        ),
        publication_id=terms.publication_id,
        state="active",
        created_at=terms.now,
        text_only=False,
    )
    proofs = ((number, "given", p.wording) for p, number in zip(people, held, strict=True))
    _prove(session, proofs, terms)


def _change(
    session: Session, terms: Terms, people: Sequence[Newcomer], found: Mapping[bytes, Standing]
) -> None:
    if not people:
        return
    changes, proofs = [], []
    for person in people:
        was = found[person.mark]
        assert was.subscription_id is not None  # noqa: S101  (or it would be new)
        to, discreet = person.wish.edition or was.edition, person.wish.discreet or was.discreet
        changes.append({"held": was.subscription_id, "to": to, "hidden": bool(discreet)})
        kind = "changed" if was.state == "active" else "given"
        proofs.append((was.subscription_id, kind, person.wording))
    table = table_of(Subscription)
    statement = (
        update(table)
        .where(table.c.id == bindparam("held"))
        .values(state="active", edition=bindparam("to"), discreet=bindparam("hidden"))
    )
    session.connection().execute(statement, changes)
    _prove(session, proofs, terms)


def _prove(session: Session, proofs: Iterable[tuple[int, str, str]], terms: Terms) -> None:
    columns = ("subscription_id", "kind", "wording")
    insert(session, Consent, columns, proofs, how="import", at=terms.now)


def _public_ids(count: int, share: tuple[float, float]) -> list[str]:
    """Random ids, those of one chunk near each other.

    The index over ids from all over the place would touch as many pages as there are people
    (measured: a million take four times as long). The first four bytes come in the order of the
    chunks, whose order is that of a keyed hash: it says nothing, and 90 bits are chance.
    """
    low, high = (int(part * 0xFFFFFFFF) for part in share)
    noise = os.urandom(16 * count).hex()
    fronts = array("I", os.urandom(4 * count))
    made = []
    for place, front in enumerate(fronts):
        part = noise[32 * place : 32 * place + 24]
        # Version 4 and variant 1 of RFC 9562 §5.4.
        head = low + (front * (high - low) >> 32)
        made.append(f"{head:08x}{part[:4]}4{part[5:8]}{'89ab'[front & 3]}{part[9:]}")
    return made
