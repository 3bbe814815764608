"""The life of a delivery, as one table of moves. Pure.

planned → claimed → submitting → submitted, or refused, or unknown when no answer was heard;
planned or claimed → skipped. Of an issue's delivery the row says `planned` until its outcome: that
it is claimed or submitting follows from its chunk (see chunks). Nothing leads from `unknown` back
to `planned` but an editor's own decision, for the message may have gone out: sending it again
would double it.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a delivery stands."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    """A worker holds it; nothing of it has left."""
    SUBMITTING = "submitting"
    """Its body may be leaving just now: written down before the first byte does."""
    SUBMITTED = "submitted"
    """The provider said yes."""
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    REFUSED = "refused"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    """It may have gone out; settled by a provider's event or by an editor."""


S = State

MOVES: dict[State, frozenset[State]] = {
    S.PLANNED: frozenset({S.CLAIMED, S.SKIPPED, S.SUBMITTED, S.DELIVERED, S.BOUNCED, S.COMPLAINED}),
    S.CLAIMED: frozenset({S.PLANNED, S.SUBMITTING, S.REFUSED, S.SKIPPED}),
    S.SUBMITTING: frozenset({S.SUBMITTED, S.PLANNED, S.REFUSED, S.SKIPPED, S.UNKNOWN}),
    S.SUBMITTED: frozenset({S.DELIVERED, S.BOUNCED, S.COMPLAINED}),
    S.DELIVERED: frozenset({S.BOUNCED, S.COMPLAINED}),
    S.BOUNCED: frozenset({S.DELIVERED}),
    S.COMPLAINED: frozenset(),
    S.REFUSED: frozenset({S.PLANNED, S.DELIVERED, S.BOUNCED, S.COMPLAINED}),
    S.SKIPPED: frozenset(),
    S.UNKNOWN: frozenset(
        {S.SUBMITTED, S.PLANNED, S.REFUSED, S.SKIPPED, S.DELIVERED, S.BOUNCED, S.COMPLAINED}
    ),
}
"""`submitting` goes back only when the provider certainly did not take it (it said "later", or
the line broke before the last byte); `unknown` only by a late answer to the very same attempt
or by an editor; `refused` only by an editor, who had the cause mended. From `planned` and
`refused` a provider's own event leads on too: it proves that an earlier try was taken after all."""

OPEN = frozenset({S.PLANNED, S.CLAIMED, S.SUBMITTING})
"""An issue with any of these is not done."""

TAKEN = frozenset({S.SUBMITTED, S.DELIVERED, S.BOUNCED, S.COMPLAINED})
"""The provider said yes, whatever came later."""

SETTLED_BY_EDITOR = frozenset({S.SUBMITTED, S.PLANNED})


def sources_of(target: State) -> frozenset[State]:
    """The states from which `target` may be reached: they stand in the WHERE of each move."""
    return frozenset(state for state, targets in MOVES.items() if target in targets)
