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


def require_move(number: int, current: str, to: Status) -> None:
    """NotAllowedNow with the way out, when an issue cannot go from here to there."""
    if to not in MOVES[Status(current)]:
        raise NotAllowedNow(
            f"issue {number} is {current} and cannot become {to}; "
            f"'newsletter show {number}' tells what is left to do"
        )
