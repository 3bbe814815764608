"""Taking in a list of addresses that must not be mailed, as another system kept it.

A bar ends no subscription: whoever is on the list stays there and gets nothing. The first
reason stays, but the reader's own word (complaint, unsubscribed, erased) takes the place of a
machine's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import BinaryIO

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter.core.errors import InputError
from newsletter.core.log import redact
from newsletter.core.sealing import Sealer
from subscribers import bulk, statuses, suppression
from subscribers.models import Suppression
from subscribers.reading import CHUNK, Progress, Reading
from subscribers.suppression import READERS_WORD
from subscribers.tally import CHANGES, Person

BY_HAND = ("hard_bounce", "complaint", "unsubscribed", "manual")
"""Reasons that an editor may give."""
REASONS = (*BY_HAND, "erased")
_HELD = "SELECT address_index, reason FROM suppressions WHERE address_index IN (…)"


class Barring(Reading):
    """One list of suppressions on its way in: `read`, `decide`, then each of `chunks` to `store`.

    `reason` is that of every row whose own column says none that is known here.
    """

    reasons = {  # noqa: RUF012  (read only)
        "updated": "was suppressed already; now by the reader's own word",
        "there": "was suppressed already; the first reason stays",
    }

    def __init__(
        self,
        source: BinaryIO,
        name: str,
        sealer: Sealer,
        reason: str | None,
        columns: Mapping[str, str],
    ) -> None:
        super().__init__(source, name, sealer, columns, barring=True)
        self._reason = reason
        if reason is None and self.table.columns.reason is None:
            self.tally.close()
            raise InputError(
                name,
                "no column says why these addresses must not be mailed; add --reason hard_bounce, "
                "complaint, unsubscribed or manual, or name the column with --column reason=NAME",
            )

    def judge(self, cells: Sequence[str]) -> tuple[int, str]:
        """The reason of a row, as its place in REASONS."""
        place = self.table.columns.reason
        written = cells[place] if place is not None else ""
        found = statuses.reason(written) or self._reason
        if found is None:
            raise InputError(
                "",
                f"'{redact(written.strip())[:40]}' is no reason known here; write hard_bounce, "
                "complaint, unsubscribed or manual, or give one for all such rows with --reason",
            )
        return REASONS.index(found), ""

    def decide(self, session: Session, progress: Progress | None = None) -> None:
        """Compare everybody with who is barred; changes nothing."""
        done = 0
        for people in self.tally.people(CHUNK):
            for person, outcome in self._outcomes(session, people):
                self.tally.settle(person.row, outcome)
            done += len(people)
            if progress:
                progress("compare", done, len(self.tally))

    def chunks(self) -> Iterator[list[Person]]:
        """Whoever is to be barred, so many at a time."""
        return self.tally.people(CHUNK, CHANGES)

    def store(self, session: Session, chunk: Sequence[Person], now: datetime) -> None:
        """Bar these addresses; what another program barred meanwhile stays as it is."""
        becomes = list(self._outcomes(session, chunk))
        fresh = [person for person, outcome in becomes if outcome == "new"]
        rows = [(person.mark, REASONS[person.wish]) for person in fresh]
        try:
            with session.begin_nested():
                bulk.insert(session, Suppression, ("address_index", "reason"), rows, at=now)
        except IntegrityError:
            for mark, reason in rows:
                suppression.bar(session, mark, reason, now)
        for person, outcome in becomes:
            if outcome == "updated":
                suppression.bar_by_word(session, person.mark, REASONS[person.wish], now)
            self.tally.settle(person.row, outcome)

    def _outcomes(self, session: Session, people: Sequence[Person]) -> Iterator[tuple[Person, str]]:
        held = bulk.among(session, _HELD, [person.mark for person in people])
        barred = {bytes(mark): reason for mark, reason in held}
        for person in people:
            was, becomes = barred.get(person.mark), REASONS[person.wish]
            if was is None:
                yield person, "new"
            elif becomes in READERS_WORD and was not in READERS_WORD:
                yield person, "updated"
            else:
                yield person, "there"


def counts(session: Session) -> list[tuple[str, int, datetime, datetime]]:
    """Per reason: how many are barred, since when, and when the last one was."""
    wanted = (
        select(Suppression.reason, func.count(), func.min(Suppression.at), func.max(Suppression.at))
        .group_by(Suppression.reason)
        .order_by(Suppression.reason)
    )
    return [(reason, int(n), first, last) for reason, n, first, last in session.execute(wanted)]
