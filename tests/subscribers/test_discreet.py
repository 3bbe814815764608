"""Who chose a mail that shows nothing at first sight keeps it, whatever a form or a file says."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from newsletter.app import Services
from newsletter.core.addresses import parse
from newsletter.core.db import reading, writing
from subscribers import audience, directory, importing, optin, preferences, story
from subscribers.models import Confirmation
from subscribers.preferences import Choice
from tests.subscribers.conftest import NOW, Add

ADDRESS = "reader@example.org"
LIMITS = optin.Limits(5, 9, 300, 7)


def _import(services: Services, publication_id: int, text: str) -> importing.Report:
    with writing(services.engine) as session:
        return importing.import_csv(
            session,
            services.sealer,
            publication_id=publication_id,
            data=text.encode(),
            name="list.csv",
            editions=["en", "my", "en+my"],
            default_edition="en",
            now=NOW,
        )


def _is_discreet(services: Services, address: str = ADDRESS) -> bool:
    with reading(services.engine) as session:
        (held,) = story.find(session, services.sealer, address).held
        return held.discreet


def test_a_list_brings_it_and_never_takes_it(any_services: Services, publication_id: int) -> None:
    data = f"email,edition,discreet\n{ADDRESS},my,yes\nb@example.org,en,no\n"
    assert _import(any_services, publication_id, data).counts["new"] == 2
    assert _is_discreet(any_services)
    assert not _is_discreet(any_services, "b@example.org")
    again = f"email,edition,discreet\n{ADDRESS},my,no\nb@example.org,en,ဟုတ်\n"
    report = _import(any_services, publication_id, again)
    assert (report.counts["there"], report.counts["updated"]) == (1, 1)
    assert _is_discreet(any_services)
    assert _is_discreet(any_services, "b@example.org")


def test_word_that_is_neither_yes_nor_no_breaks_the_row(
    any_services: Services, publication_id: int
) -> None:
    report = _import(any_services, publication_id, f"email,discreet\n{ADDRESS},perhaps\n")
    assert report.rows[0].outcome == "broken"
    assert "neither yes nor no" in report.rows[0].reason


def test_one_alone_is_taken_in_as_many_are(
    any_services: Services, publication_id: int, add: Add
) -> None:
    with writing(any_services.engine) as session:
        add(session, ADDRESS, "en", "editor")
        for discreet, outcome in ((False, "there"), (True, "updated"), (False, "there")):
            found = directory.add(
                session,
                any_services.sealer,
                publication_id=publication_id,
                address=ADDRESS,
                edition="en",
                how="editor",
                wording="asked by letter",
                now=NOW,
                discreet=discreet,
            )
            assert found == outcome
    assert _is_discreet(any_services)


def _sign_up(services: Services, publication_id: int, *, discreet: bool) -> UUID:
    with writing(services.engine) as session:
        due = optin.subscribe(
            session,
            services.sealer,
            publication_id=publication_id,
            address=parse(ADDRESS),
            edition="en",
            wording="form",
            limits=LIMITS,
            now=NOW,
            discreet=discreet,
        )
        assert due is not None
        return due.public_id


def _press(services: Services, publication_id: int, public_id: UUID) -> str:
    with writing(services.engine) as session:
        return optin.confirm(
            session, public_id=public_id, publication_id=publication_id, wording="yes", now=NOW
        )


def test_sign_up_counts_by_the_press(any_services: Services, publication_id: int) -> None:
    asked = _sign_up(any_services, publication_id, discreet=True)
    assert not _is_discreet(any_services), "anybody can fill in a form"
    with reading(any_services.engine) as session:
        waiting = optin.waiting(session, asked, publication_id, NOW)
        assert waiting is not None
        assert waiting.discreet
    assert _press(any_services, publication_id, asked) == "confirmed"
    assert _is_discreet(any_services)


def test_sign_up_without_it_takes_it_from_nobody(
    any_services: Services, publication_id: int
) -> None:
    _press(any_services, publication_id, _sign_up(any_services, publication_id, discreet=True))
    asked = _sign_up(any_services, publication_id, discreet=False)
    with reading(any_services.engine) as session:
        assert session.query(Confirmation).filter_by(public_id=asked).one().discreet
    _press(any_services, publication_id, asked)
    assert _is_discreet(any_services)


@pytest.mark.parametrize(("chosen", "is_so"), [(True, True), (None, True), (False, False)])
def test_page_gives_takes_or_leaves_it(
    any_services: Services, publication_id: int, add: Add, chosen: bool | None, is_so: bool
) -> None:
    with writing(any_services.engine) as session:
        add(session, ADDRESS, "en", "editor")
        person = directory.find(session, any_services.sealer, ADDRESS)
        assert person is not None
        for one in (True, chosen):
            preferences.choose(
                session,
                public_id=person.public_id,
                publication_id=publication_id,
                choice=Choice("en", text_only=False, discreet=one),
                now=NOW,
            )
    assert _is_discreet(any_services) is is_so
    with reading(any_services.engine) as session:
        proofs = story.tell(session, any_services.sealer, ADDRESS).proofs
        assert len(proofs) == (2 if is_so else 3)
        assert any("shows nothing at first sight" in proof.wording for proof in proofs)


def test_who_would_get_it_is_counted_by_edition(
    any_services: Services, publication_id: int, add: Add
) -> None:
    data = "email,edition,discreet\na@example.org,my,yes\nb@example.org,my,yes\n"
    _import(any_services, publication_id, f"{data}c@example.org,en,yes\nd@example.org,en,\n")
    with writing(any_services.engine) as session:
        directory.remove(session, any_services.sealer, publication_id, "c@example.org", NOW)
        assert audience.discreet_wanted(session, publication_id, NOW) == {"my": 2}
        person = directory.find(session, any_services.sealer, "a@example.org")
        assert person is not None
        held = directory.subscription_of(session, person, publication_id)
        assert held is not None
        held.paused_until_at = NOW + timedelta(days=3)
        assert audience.discreet_wanted(session, publication_id, NOW) == {"my": 1}
        found = audience.readers(session, publication_id, {person.id}, NOW)
        assert found[person.id].discreet
