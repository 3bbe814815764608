"""Who is written to at an instant: pauses, and what one message needs of its reader."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from newsletter.app import Services
from newsletter.core.db import writing
from newsletter.core.errors import NotFound
from subscribers import audience, directory
from subscribers.models import Subscription
from tests.subscribers.conftest import NOW, Add

WEEK = timedelta(days=7)


def test_a_pause_holds_back_until_its_instant_and_not_longer(
    any_services: Services, publication_id: int, add: Add
) -> None:
    with writing(any_services.engine) as session:
        for name in ("awake", "paused"):
            add(session, f"{name}@example.org")
        awake, paused = [row.subscriber_id for row in directory.listing(session, publication_id)]
        session.execute(
            update(Subscription)
            .where(Subscription.subscriber_id == paused)
            .values(paused_until_at=NOW + WEEK)
        )
        for at, reason in ((NOW, "paused"), (NOW + WEEK, None), (NOW + 2 * WEEK, None)):
            found = {
                who: why for who, _, why in session.execute(audience.candidates(publication_id, at))
            }
            assert found == {awake: None, paused: reason}
            assert audience.standing(session, paused, publication_id, at) == reason
            assert audience.standing(session, awake, publication_id, at) is None
            wanted = audience.editions_wanted(session, publication_id, at)
            assert wanted == {"en": 1 if reason else 2}


def test_all_a_message_needs_comes_in_one_look(
    any_services: Services, publication_id: int, add: Add
) -> None:
    with writing(any_services.engine) as session:
        add(session, "one@example.org")
        (row,) = directory.listing(session, publication_id)
        session.scalars(select(Subscription)).one().text_only = True
        session.flush()
        found = audience.recipient_of(
            session, any_services.sealer, row.subscriber_id, publication_id
        )
        assert (found.address.text, found.public_id) == ("one@example.org", row.public_id)
        assert found.text_only
        for missing in ((row.subscriber_id + 1, publication_id), (row.subscriber_id, 999)):
            with pytest.raises(NotFound):
                audience.recipient_of(session, any_services.sealer, *missing)
