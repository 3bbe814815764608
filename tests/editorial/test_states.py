"""An issue moves only where the table says, and nothing leads back from readers."""

from __future__ import annotations

import pytest

from newsletter.core.errors import NotAllowedNow
from newsletter.editorial.states import EDITABLE, MOVES, Status, require_move


def test_every_status_has_its_row_and_all_but_ends_lead_on() -> None:
    assert set(MOVES) == set(Status)
    assert {s for s in Status if not MOVES[s]} == {Status.SENT, Status.CANCELLED}


def test_only_a_scheduled_or_paused_issue_can_go_out() -> None:
    assert {s for s in Status if Status.SENDING in MOVES[s]} == {Status.SCHEDULED, Status.PAUSED}


def test_nothing_returns_to_editing_once_it_went_out() -> None:
    reached, frontier = set[Status](), {Status.SENDING}
    while frontier:
        reached |= frontier
        frontier = {to for s in frontier for to in MOVES[s]} - reached
    assert not reached & EDITABLE


def test_refusal_names_the_issue_and_the_way() -> None:
    require_move(3, "draft", Status.APPROVED)
    with pytest.raises(NotAllowedNow, match="issue 3 cannot be edited: it was sent already"):
        require_move(3, "sent", Status.DRAFT)


def test_whatever_is_refused_is_said_in_the_words_of_the_deed() -> None:
    for status in Status:
        for to in set(Status) - MOVES[status]:
            with pytest.raises(NotAllowedNow, match=r"^issue 3 cannot be \w.*: it [^{}]*$"):
                require_move(3, status, to)
    with pytest.raises(NotAllowedNow, match="it was cancelled; import or assemble a new one"):
        require_move(3, "cancelled", Status.SCHEDULED)
