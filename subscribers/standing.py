"""How many addresses stand with a publication, looked up together, and what a list may change.

The rules are those of `directory.add`, for a list: whoever left or is barred stays so, an
edition that the reader chose stands against any file, and no file takes away the discreet form.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from subscribers.bulk import among, spread
from subscribers.models import Consent
from subscribers.preferences import chosen_by_hand
from subscribers.wishes import Wish


@dataclass(frozen=True, slots=True)
class Standing:
    """What we hold under one blind index; nothing at all when all is None."""

    subscriber_id: int | None = None
    subscription_id: int | None = None
    state: str | None = None
    edition: str | None = None
    discreet: bool | None = None
    barred: str | None = None


NOBODY = Standing()

_PEOPLE = "SELECT id, address_index FROM subscribers WHERE address_index IN (…)"
_BARRED = "SELECT address_index, reason FROM suppressions WHERE address_index IN (…)"
_HELD = (
    "SELECT subscriber_id, id, state, edition, discreet FROM subscriptions "
    "WHERE subscriber_id IN (…) AND publication_id = "
)


def standings(
    session: Session, publication_id: int, marks: Sequence[bytes], *, lock: bool = False
) -> dict[bytes, Standing]:
    """The standing of each blind index that is known here, in three queries.

    With `lock` nobody can leave, change or be erased before the transaction ends.
    """
    locked = "ORDER BY id FOR KEY SHARE" if lock else ""
    wanted = set(marks)
    people = spread(session, _PEOPLE, marks, lock=locked)
    ids = {number: mark for number, mark in people if mark in wanted}
    held = _held(session, publication_id, tuple(ids), lock=lock) if ids else {}
    reasons = spread(session, _BARRED, marks)
    barred = {mark: reason for mark, reason in reasons if mark in wanted}
    found = {
        mark: replace(held.get(number, Standing(number)), barred=barred.pop(mark, None))
        for number, mark in ids.items()
    }
    return found | {mark: Standing(barred=reason) for mark, reason in barred.items()}


def _held(
    session: Session, publication_id: int, people: Sequence[int], *, lock: bool
) -> dict[int, Standing]:
    locked = "ORDER BY id FOR UPDATE" if lock else ""
    rows = among(session, f"{_HELD}{int(publication_id)}", people, lock=locked)
    return {row[0]: Standing(*row) for row in rows}


def choosers(session: Session, held: Collection[int]) -> set[int]:
    """Those of these subscriptions whose reader chose the edition with their own hand."""
    if not held:
        return set()
    own = select(Consent.subscription_id).where(Consent.subscription_id.in_(held), chosen_by_hand())
    return set(session.scalars(own))


def outcomes(
    session: Session,
    found: Mapping[bytes, Standing],
    wishes: Mapping[bytes, Wish],
) -> dict[bytes, str]:
    """What taking each in would do: new, subscribed, updated, there, ended or suppressed."""
    first = {mark: _outcome(found.get(mark, NOBODY), wish) for mark, wish in wishes.items()}
    differing = {
        number: mark
        for mark, outcome in first.items()
        if outcome == "updated" and (number := found[mark].subscription_id) is not None
    }
    for number in choosers(session, differing.keys()):
        first[differing[number]] = "there"
    return first


def _outcome(standing: Standing, wish: Wish) -> str:
    if standing.barred:
        return "suppressed"
    if standing.subscription_id is None:
        return "new"
    if standing.state == "ended":
        return "ended"
    same = wish.edition in {None, standing.edition}
    if standing.state == "active" and same and (standing.discreet or not wish.discreet):
        return "there"
    return "subscribed" if standing.state == "pending" else "updated"
