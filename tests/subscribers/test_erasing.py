"""Erasing: what goes, what stays, and what happens to mail that was on its way."""

from __future__ import annotations

from threading import Thread

import pytest
from sqlalchemy import func, select

from newsletter.app import Services
from newsletter.core.addresses import parse
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import NotAllowedNow, NotFound
from newsletter.core.installation import AuditEntry
from newsletter.delivery.models import Delivery
from subscribers import directory, optin, suppression
from subscribers.erasing import erase
from subscribers.models import Confirmation, Consent, SignupMark, Subscriber, Subscription
from tests.delivery import newsroom
from tests.subscribers.conftest import NOW, Add
from tests.system import PATIENCE


def _erase(services: Services, address: str) -> bytes:
    """Erase whoever has this address; their blind index."""
    with writing(services.engine) as session:
        person = directory.find(session, services.sealer, address)
        assert person is not None
        index = person.address_index
        erase(session, services.sealer, subscriber_id=person.id, how="page", now=NOW)
    return index


def test_only_the_keyed_hash_and_a_nameless_note_stay(
    any_services: Services, publication_id: int, add: Add
) -> None:
    with writing(any_services.engine) as session:
        for name in ("goes", "stays"):
            add(session, f"{name}@example.org")
    index = _erase(any_services, "goes@example.org")
    with writing(any_services.engine) as session:
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 1
        assert session.scalar(select(func.count()).select_from(Subscription)) == 1
        assert session.scalar(select(func.count()).select_from(Consent)) == 1
        barred = suppression.barred(session, index)
        assert barred is not None
        assert barred.reason == "erased"
        note = session.scalars(select(AuditEntry)).one()
        assert (note.deed, note.how, note.detail) == ("erase", "page", {"readers": 1})
        assert add(session, "goes@example.org", how="import") == "suppressed"
        with pytest.raises(NotAllowedNow):
            suppression.release(session, index, why="a list", asked=False, now=NOW)


def test_sign_ups_and_their_marks_go_too(any_services: Services, publication_id: int) -> None:
    limits = optin.Limits(9, 9, 99, 7)
    with writing(any_services.engine) as session:
        for name in ("goes", "stays"):
            asked = optin.subscribe(
                session, any_services.sealer, publication_id=publication_id,
                address=parse(f"{name}@example.org"), edition="en", wording="the form",
                limits=limits, now=NOW,
            )  # fmt: skip
            assert asked is not None
    _erase(any_services, "goes@example.org")
    with reading(any_services.engine) as session:
        for table in (SignupMark, Confirmation, Subscription):
            assert session.scalar(select(func.count()).select_from(table)) == 1


def test_a_readers_word_takes_the_place_of_a_machines_finding_and_stays(
    any_services: Services, add: Add, publication_id: int
) -> None:
    with writing(any_services.engine) as session:
        add(session, "goes@example.org")
        index = any_services.sealer.blind_index("goes@example.org")
        suppression.suppress(session, index, "hard_bounce", NOW)
    _erase(any_services, "goes@example.org")
    with writing(any_services.engine) as session:
        suppression.suppress(session, index, "hard_bounce", NOW)
        suppression.bar_by_word(session, index, "complaint", NOW)
        found = suppression.barred(session, index)
        assert found is not None
        assert found.reason == "erased"


def test_who_is_gone_cannot_be_erased_again(any_services: Services, publication_id: int) -> None:
    with writing(any_services.engine) as session, pytest.raises(NotFound):
        erase(session, any_services.sealer, subscriber_id=7, how="page", now=NOW)


def test_a_planned_message_to_the_erased_ends_as_skipped(any_services: Services) -> None:
    issue_id = newsroom.publish(any_services, 3)
    newsroom.start(any_services, issue_id)
    _erase(any_services, "r2@example.org")
    newsroom.work_off(any_services)
    sums = newsroom.counts(any_services, issue_id)
    assert sums.skipped == {"erased": 1}
    assert sums.balanced
    mailed = sorted(e.recipient.text for e in newsroom.taken(any_services))
    assert mailed == ["r1@example.org", "r3@example.org"]
    with reading(any_services.engine) as session:
        kept = session.scalars(select(Delivery.subscriber_id).order_by(Delivery.id)).all()
    assert kept[1] is None


def test_a_launch_at_the_same_moment_goes_on_without_the_erased(any_services: Services) -> None:
    issue_id = newsroom.publish(any_services, 3)
    with writing(any_services.engine) as session:
        person = directory.find(session, any_services.sealer, "r2@example.org")
        assert person is not None
        erase(session, any_services.sealer, subscriber_id=person.id, how="page", now=now())
        launching = Thread(target=newsroom.start, args=(any_services, issue_id))
        launching.start()
        launching.join(1)  # SQLite waits for the erasure; PostgreSQL sees who is still there
    launching.join(PATIENCE)
    newsroom.work_off(any_services)
    assert sorted(m.recipient.text for m in newsroom.taken(any_services)) == [
        "r1@example.org",
        "r3@example.org",
    ]
    found = newsroom.counts(any_services, issue_id)
    assert (found.submitted, found.done) == (2, True)
    assert found.skipped in ({}, {"erased": 1})
