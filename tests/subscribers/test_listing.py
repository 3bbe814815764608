"""Lists of readers: by state, language and age of consent; counted; streamed, and found exactly."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.core.errors import InputError, NotFound
from subscribers import directory, listing, story, suppression
from subscribers.listing import Row, Wanted
from subscribers.models import Consent, Subscriber, Subscription
from tests.subscribers.conftest import NOW, Add

OLD = NOW - timedelta(days=900)


@pytest.fixture
def filled(any_services: Services, publication_id: int, add: Add) -> int:
    """Six readers: en, my, en+my, one barred, one who left, one who never confirmed."""
    sealer = any_services.sealer
    with writing(any_services.engine) as session:
        for name, edition in (
            ("en", "en"), ("my", "my"), ("both", "en+my"), ("barred", "my"), ("left", "en"),
            ("waits", "my"),
        ):  # fmt: skip
            add(session, f"{name}@example.org", edition)
        suppression.suppress(session, sealer.blind_index("barred@example.org"), "complaint", NOW)
        directory.remove(session, sealer, publication_id, "left@example.org", NOW)
        person = directory.find(session, sealer, "waits@example.org")
        assert person
        held = directory.subscription_of(session, person, publication_id)
        assert held
        held.state = "pending"
        session.execute(
            Consent.__table__.delete().where(Consent.subscription_id == held.id)  # type: ignore[attr-defined]
        )
        _agreed(session, _subscription(session, sealer, "my@example.org", publication_id), OLD)
    return publication_id


def _subscription(session: Session, sealer: Any, address: str, publication_id: int) -> int:
    person = directory.find(session, sealer, address)
    assert person
    held = directory.subscription_of(session, person, publication_id)
    assert held
    return held.id


def _agreed(session: Session, subscription_id: int, at: Any) -> None:
    """Every agreement of this subscription at this instant."""
    mine = Consent.subscription_id == subscription_id
    session.execute(Consent.__table__.update().where(mine).values(at=at))  # type: ignore[attr-defined]


def _names(services: Services, wanted: Wanted, limit: int | None = None) -> list[str]:
    with reading(services.engine) as session:
        found = list(listing.rows(session, wanted, limit))
        assert limit is not None or listing.count(session, wanted) == len(found)
        return [row.address(services.sealer).text.partition("@")[0] for row in found]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({}, ["en", "my", "both", "barred", "left", "waits"]),
        ({"state": "active"}, ["en", "my", "both"]),
        ({"state": "pending"}, ["waits"]),
        ({"state": "ended"}, ["left"]),
        ({"state": "suppressed"}, ["barred"]),
        ({"edition": "my"}, ["my", "barred", "waits"]),
        ({"edition": "en+my"}, ["both"]),
        ({"language": "my"}, ["my", "both", "barred", "waits"]),
        ({"language": "m%"}, []),
        ({"language": "my", "state": "active"}, ["my", "both"]),
        ({"consent_before": NOW}, ["my"]),
        ({"consent_after": NOW}, ["en", "both", "barred", "left"]),
        ({"consent_after": OLD, "consent_before": NOW}, ["my"]),
    ],
)
def test_whom_a_list_holds(
    any_services: Services, filled: int, given: dict[str, Any], names: list[str]
) -> None:
    assert _names(any_services, Wanted(filled, **given)) == names


def test_a_list_can_be_cut_short(any_services: Services, filled: int) -> None:
    assert _names(any_services, Wanted(filled), 2) == ["en", "my"]


def test_counts_by_state_and_edition(any_services: Services, filled: int) -> None:
    with reading(any_services.engine) as session:
        assert listing.census(session, filled) == {
            "active": {"en": 1, "en+my": 1, "my": 1},
            "pending": {"my": 1},
            "ended": {"en": 1},
            "suppressed": {"my": 1},
        }
        assert listing.counts(session, filled) == {
            "active": 3, "pending": 1, "ended": 1, "suppressed": 1,
        }  # fmt: skip
        assert listing.counts(session, filled + 1) == dict.fromkeys(listing.STATES, 0)


def test_the_newest_agreement_is_told(
    any_services: Services, publication_id: int, add: Add
) -> None:
    with writing(any_services.engine) as session:
        add(session, "one@example.org", how="import")
        held = _subscription(session, any_services.sealer, "one@example.org", publication_id)
        for kind, how, days in (("given", "form", 5), ("changed", "page", 9), ("given", "page", 1)):
            at = NOW + timedelta(days=days)
            session.add(Consent(subscription_id=held, kind=kind, how=how, wording="yes", at=at))
    with reading(any_services.engine) as session:
        (row,) = listing.rows(session, Wanted(publication_id))
        assert (row.consent_how, row.consent_at) == ("form", NOW + timedelta(days=5))


def test_a_long_list_is_never_held_whole(any_services: Services, publication_id: int) -> None:
    sealed = any_services.sealer.seal("reader@example.org")
    with writing(any_services.engine) as session:
        _many(session, publication_id, 20_000, sealed)

    def _seen(rows: Iterator[Row]) -> int:
        return sum(1 for _ in rows)

    with reading(any_services.engine) as session:
        tracemalloc.start()
        try:
            assert _seen(listing.rows(session, Wanted(publication_id))) == 20_000
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 6_000_000, "20,000 rows at once are about 20 MB"


def _many(session: Session, publication_id: int, number: int, sealed: bytes) -> None:
    from uuid import uuid4

    ids = range(1, number + 1)
    session.execute(
        insert(Subscriber),
        [
            {"id": n, "public_id": uuid4(), "sealed_address": sealed, "created_at": NOW,
             "address_index": n.to_bytes(32)}
            for n in ids
        ],
    )  # fmt: skip
    session.execute(
        insert(Subscription),
        [
            {"subscriber_id": n, "publication_id": publication_id, "state": "active",
             "edition": "en", "created_at": NOW, "text_only": False}
            for n in ids
        ],
    )  # fmt: skip


def test_one_address_is_found_exactly(any_services: Services, filled: int) -> None:
    sealer = any_services.sealer
    with reading(any_services.engine) as session:
        found = story.find(session, sealer, "  BARRED@Example.org ")
        assert found.person
        assert found.person.address == "barred@example.org"
        assert [(h.state, h.edition, h.publication_id) for h in found.held] == [
            ("active", "my", filled)
        ]
        assert found.barred == story.Barred("complaint", NOW)
        for near in ("barre@example.org", "xbarred@example.org", "barred@example.com"):
            with pytest.raises(NotFound, match="nothing is held"):
                story.find(session, sealer, near)
        with pytest.raises(InputError):
            story.find(session, sealer, "no address")


def test_of_an_erased_reader_only_the_bar_is_found(any_services: Services) -> None:
    index = any_services.sealer.blind_index("gone@example.org")
    with writing(any_services.engine) as session:
        suppression.suppress(session, index, "erased", NOW)
        found = story.tell(session, any_services.sealer, "gone@example.org")
    assert found.found == story.Found(None, (), story.Barred("erased", NOW))
    assert (found.proofs, found.signups) == ((), ())
