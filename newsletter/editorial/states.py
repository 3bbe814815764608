"""The life of an issue, as one table of moves. Pure.

draft → in_review → approved → scheduled → sending ⇄ paused → sent; from any state before
`sending` → cancelled; at a slot that is not ready → held. An edit after approval → draft.
"""

from __future__ import annotations

from enum import StrEnum

from newsletter.core.errors import NotAllowedNow


class Status(StrEnum):
    """Where an issue stands."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    HELD = "held"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"


S = Status

MOVES: dict[Status, frozenset[Status]] = {
    S.DRAFT: frozenset({S.IN_REVIEW, S.APPROVED, S.HELD, S.CANCELLED}),
    S.IN_REVIEW: frozenset({S.DRAFT, S.APPROVED, S.HELD, S.CANCELLED}),
    S.APPROVED: frozenset({S.DRAFT, S.SCHEDULED, S.HELD, S.CANCELLED}),
    S.SCHEDULED: frozenset({S.DRAFT, S.APPROVED, S.SENDING, S.HELD, S.CANCELLED}),
    S.HELD: frozenset({S.DRAFT, S.APPROVED, S.SCHEDULED, S.CANCELLED}),
    S.SENDING: frozenset({S.PAUSED, S.SENT, S.CANCELLED}),
    S.PAUSED: frozenset({S.SENDING, S.CANCELLED}),
    S.SENT: frozenset(),
    S.CANCELLED: frozenset(),
}
"""Cancelling an issue that is already going out stops what is left: see delivery."""

EDITABLE = frozenset({S.DRAFT, S.IN_REVIEW, S.APPROVED, S.SCHEDULED, S.HELD})
"""An edit in any of these leads back to draft; the others can no longer be edited."""


_DEEDS = {
    S.DRAFT: "edited",
    S.IN_REVIEW: "submitted",
    S.APPROVED: "approved",
    S.SCHEDULED: "scheduled or sent",
    S.HELD: "held",
    S.SENDING: "sent",
    S.PAUSED: "paused",
    S.SENT: "finished",
    S.CANCELLED: "cancelled",
}
_WAYS = {
    S.DRAFT: "it is a draft; run 'newsletter check {n}', then 'newsletter approve {n}'",
    S.IN_REVIEW: "it waits for approval; run 'newsletter approve {n}'",
    S.APPROVED: "it is approved and not going out yet; run 'newsletter send {n}' for that",
    S.SCHEDULED: "it waits for its time; 'newsletter status {n}' says when that is",
    S.HELD: "it is held; 'newsletter status {n}' says why; once that is mended, "
    "'newsletter approve {n}' and 'newsletter send {n}' let it go",
    S.SENDING: "it is going out; 'newsletter pause {n}' or 'newsletter cancel {n}' stops it",
    S.PAUSED: "it is paused; run 'newsletter resume {n}' or 'newsletter cancel {n}'",
    S.SENT: "it was sent already; what is to be said now belongs into the next issue",
    S.CANCELLED: "it was cancelled; import or assemble a new one",
}


def require_move(number: int, current: str, to: Status) -> None:
    """NotAllowedNow with the way out, when an issue cannot go from here to there."""
    if to not in MOVES[Status(current)]:
        raise NotAllowedNow(f"issue {number} cannot be {_DEEDS[to]}: {way_on(number, current)}")


def way_on(number: int, current: str) -> str:
    """Where an issue stands and what can be done with it, as the second half of a refusal."""
    return _WAYS[Status(current)].format(n=number)
