"""What readers choose: stored, proved once for each change, and theirs only while they stay."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.app import Services
from newsletter.core.addresses import parse
from newsletter.core.db import writing
from subscribers import directory, leaving, optin, preferences
from subscribers.models import Consent
from subscribers.preferences import Choice
from tests.subscribers.conftest import NOW, Add
from tests.subscribers.returning import come_back

WEEK = timedelta(weeks=1)


@pytest.fixture
def reader(any_services: Services, publication_id: int, add: Add) -> UUID:
    """The public id of somebody on the list with the edition en."""
    with writing(any_services.engine) as session:
        add(session, "own@example.org", "en")
        (row,) = directory.listing(session, publication_id)
        return row.public_id


def _proofs(session: Session) -> list[str]:
    changed = select(Consent.wording).where(Consent.kind == "changed", Consent.how == "page")
    return list(session.scalars(changed.order_by(Consent.id)))


def test_each_change_leaves_one_proof_and_none_without_a_change(
    any_services: Services, publication_id: int, reader: UUID
) -> None:
    who = {"public_id": reader, "publication_id": publication_id}

    def choose(choice: Choice, at: datetime = NOW) -> str:
        return preferences.choose(session, choice=choice, now=at, **who)  # type: ignore[arg-type]

    def seen(at: datetime) -> preferences.View:
        found = preferences.view(
            session, any_services.sealer, public_id=reader, publication_id=publication_id, now=at
        )
        assert found
        return found

    with writing(any_services.engine) as session:
        assert choose(Choice("en", text_only=False)) == "same"
        assert choose(Choice("en", text_only=False, pause_weeks=0)) == "same"
        both = Choice("my", text_only=True, pause_weeks=2)
        assert choose(both) == "changed"
        assert choose(both, NOW + timedelta(minutes=2)) == "same"  # pressed twice
        assert len(_proofs(session)) == 3
        until = NOW + 2 * WEEK
        assert (seen(NOW).text_only, seen(NOW).paused_until_at) == (True, until)
        assert choose(Choice("my", text_only=True), NOW + WEEK) == "same"  # the pause is kept
        assert seen(until).paused_until_at is None
        assert choose(Choice("my", text_only=True), until + WEEK) == "same"  # it is just over
        assert choose(Choice("my", text_only=True, pause_weeks=0), NOW + WEEK) == "changed"
        assert seen(NOW + WEEK).paused_until_at is None
        assert "ended the pause" in _proofs(session)[-1]


def test_who_left_cannot_choose_and_who_comes_back_is_not_paused(
    any_services: Services, publication_id: int, reader: UUID
) -> None:
    who = {"public_id": reader, "publication_id": publication_id}
    with writing(any_services.engine) as session:
        paused = Choice("en", text_only=False, pause_weeks=4)
        preferences.choose(session, choice=paused, now=NOW, **who)  # type: ignore[arg-type]
        told = {**who, "how": "page", "wording": "the button", "now": NOW}
        leaving.leave(session, **told)  # type: ignore[arg-type]
        again = Choice("my", text_only=True)
        assert preferences.choose(session, choice=again, now=NOW, **who) == "ended"  # type: ignore[arg-type]
        later = NOW + timedelta(hours=1)
        come_back(session, any_services.sealer, publication_id, "own@example.org", later)
        found = preferences.view(session, any_services.sealer, reader, publication_id, NOW)
        assert found
        assert (found.edition, found.text_only, found.paused_until_at) == ("en", False, None)


def test_the_edition_asked_for_at_sign_up_is_stronger_than_a_file(
    any_services: Services, publication_id: int, add: Add
) -> None:
    with writing(any_services.engine) as session:
        asked = optin.subscribe(
            session, any_services.sealer, publication_id=publication_id,
            address=parse("own@example.org"), edition="my", wording="the form",
            limits=optin.Limits(1, 3, 99, 7), now=NOW,
        )  # fmt: skip
        assert asked
        optin.confirm(
            session, public_id=asked.public_id, publication_id=publication_id,
            wording="the button", now=NOW,
        )  # fmt: skip
        assert add(session, "own@example.org", "en", "import") == "there"
        (row,) = directory.listing(session, publication_id)
        assert (row.state, row.edition) == ("active", "my")
