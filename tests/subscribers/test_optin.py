"""Signing up counts by the press alone, once, and looks the same whoever the address belongs to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from newsletter.app import Services
from newsletter.core.addresses import parse
from newsletter.core.db import reading, writing
from subscribers import directory, leaving, optin, suppression
from subscribers.models import Confirmation, Consent, SignupMark, Subscriber, Subscription
from tests.subscribers.conftest import NOW, Add
from tests.system import PATIENCE

LIMITS = optin.Limits(1, 3, 300, 7)
FORM = "Weekly in English. We send a mail first; nothing else comes before you press in it."
BUTTON = "Confirm subscription"

Ask = Callable[..., UUID | None]
Press = Callable[..., str]


@pytest.fixture
def ask(any_services: Services, publication_id: int) -> Ask:
    """Signs up as the form does; the public id of what is to be mailed."""

    def asked(
        address: str = "reader@example.org",
        edition: str = "en",
        at: datetime = NOW,
        limits: optin.Limits = LIMITS,
    ) -> UUID | None:
        with writing(any_services.engine) as session:
            due = optin.subscribe(
                session,
                any_services.sealer,
                publication_id=publication_id,
                address=parse(address),
                edition=edition,
                wording=FORM,
                limits=limits,
                now=at,
            )
            return due.public_id if due else None

    return asked


@pytest.fixture
def press(any_services: Services, publication_id: int) -> Press:
    """Presses the button behind the link."""

    def pressed(public_id: UUID | None, at: datetime = NOW + timedelta(hours=1)) -> str:
        assert public_id is not None
        with writing(any_services.engine) as session:
            return optin.confirm(
                session,
                public_id=public_id,
                publication_id=publication_id,
                wording=BUTTON,
                now=at,
            )

    return pressed


def held(services: Services, publication_id: int) -> list[tuple[str, str]]:
    """State and edition of everybody."""
    with reading(services.engine) as session:
        rows = session.execute(
            select(Subscription.state, Subscription.edition).order_by(Subscription.id)
        )
        return [(state, edition) for state, edition in rows]


def consents(services: Services) -> list[tuple[str, str]]:
    """Kind and way of every proof."""
    with reading(services.engine) as session:
        rows = session.execute(select(Consent.kind, Consent.how).order_by(Consent.id))
        return [(kind, how) for kind, how in rows]


def leave(services: Services, publication_id: int, at: datetime = NOW) -> None:
    """The only reader leaves."""
    with writing(services.engine) as session:
        person = session.scalars(select(Subscriber)).one()
        leaving.leave(
            session, public_id=person.public_id, publication_id=publication_id,
            how="one_click", wording="one-click", now=at,
        )  # fmt: skip


def test_only_the_press_subscribes_and_leaves_the_proof(
    any_services: Services, publication_id: int, ask: Ask, press: Press
) -> None:
    due = ask(edition="en+my")
    assert held(any_services, publication_id) == [("pending", "en+my")]
    assert consents(any_services) == []
    assert press(due) == "confirmed"
    assert held(any_services, publication_id) == [("active", "en+my")]
    with reading(any_services.engine) as session:
        proof = session.scalars(select(Consent)).one()
    assert (proof.kind, proof.how, proof.at) == ("given", "form", NOW + timedelta(hours=1))
    assert proof.wording == (
        f"form, 2026-11-20T03:00:00+00:00: {FORM}\nbutton, 2026-11-20T04:00:00+00:00: {BUTTON}"
    )


def test_fifty_presses_at_once_are_one(any_services: Services, ask: Ask, press: Press) -> None:
    due = ask()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: press(due), range(50)))
    assert sorted(found) == ["already"] * 49 + ["confirmed"]
    assert consents(any_services) == [("given", "form")]


def test_an_active_reader_gets_another_edition_by_the_press_only(
    any_services: Services, publication_id: int, add: Add, ask: Ask, press: Press
) -> None:
    with writing(any_services.engine) as session:
        add(session, "reader@example.org", "en")
    due = ask("Reader@Example.org", "my")
    assert held(any_services, publication_id) == [("active", "en")]
    assert press(due) == "confirmed"
    assert held(any_services, publication_id) == [("active", "my")]
    assert consents(any_services)[1:] == [("changed", "form")]


def test_who_left_comes_back_by_the_press_only(
    any_services: Services, publication_id: int, add: Add, ask: Ask, press: Press
) -> None:
    with writing(any_services.engine) as session:
        add(session, "reader@example.org", "en")
    leave(any_services, publication_id, NOW - timedelta(days=3))
    due = ask(edition="my")
    assert held(any_services, publication_id) == [("ended", "en")]
    assert press(due) == "confirmed"
    with reading(any_services.engine) as session:
        back = session.scalars(select(Subscription)).one()
    assert (back.state, back.edition, back.ended_at, back.ended_reason) == (
        "active", "my", None, None,
    )  # fmt: skip
    assert consents(any_services)[2:] == [("given", "form")]


def test_leaving_outranks_an_earlier_sign_up(
    any_services: Services, publication_id: int, ask: Ask, press: Press
) -> None:
    first, second = ask(), ask(at=NOW + timedelta(days=2))
    assert press(first, NOW + timedelta(days=2)) == "confirmed"
    leave(any_services, publication_id, NOW + timedelta(days=3))
    assert press(first, NOW + timedelta(days=3)) == "already"
    assert press(second, NOW + timedelta(days=3)) == "expired"
    assert held(any_services, publication_id) == [("ended", "en")]


def test_a_link_is_good_for_seven_days(any_services: Services, ask: Ask, press: Press) -> None:
    due, other = ask(), ask("other@example.org")
    assert press(due, NOW + timedelta(days=7)) == "expired"
    assert press(other, NOW + timedelta(days=7, seconds=-1)) == "confirmed"


def test_a_suppressed_address_is_not_mailed_and_a_press_changes_nothing(
    any_services: Services, publication_id: int, ask: Ask, press: Press
) -> None:
    due = ask()
    with writing(any_services.engine) as session:
        for name in ("reader", "barred"):
            index = any_services.sealer.blind_index(f"{name}@example.org")
            suppression.suppress(session, index, "complaint", NOW)
    assert press(due) == "suppressed"
    assert held(any_services, publication_id) == [("pending", "en")]
    assert ask("barred@example.org") is None
    assert ask("barred@example.org", at=NOW + timedelta(days=3)) is None
    with reading(any_services.engine) as session:
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 1
        assert session.scalar(select(func.count()).select_from(SignupMark)) == 3


def test_an_unknown_link_and_one_of_another_publication_do_nothing(
    any_services: Services, publication_id: int, ask: Ask, press: Press
) -> None:
    due = ask()
    assert press(uuid4()) == "unknown"
    with writing(any_services.engine) as session:
        assert due is not None
        asked = {"public_id": due, "publication_id": publication_id + 1, "now": NOW}
        assert optin.confirm(session, wording=BUTTON, **asked) == "unknown"  # type: ignore[arg-type]
        assert optin.waiting(session, due, publication_id + 1, NOW) is None
    assert held(any_services, publication_id) == [("pending", "en")]


def test_the_page_behind_the_link_learns_a_masked_address_and_a_state(
    any_services: Services, publication_id: int, ask: Ask, press: Press
) -> None:
    due, other = ask(edition="my"), ask("other@example.org")
    assert due is not None
    assert other is not None
    press(other)

    def look(public_id: UUID, at: datetime) -> str | None:
        with reading(any_services.engine) as session:
            found = optin.waiting(session, public_id, publication_id, at)
            if found is None:
                return None
            return f"{found.edition} {found.state} {found.masked(any_services.sealer)}"

    assert look(due, NOW) == "my waiting r***@e***"
    assert look(due, NOW + timedelta(days=8)) == "my expired r***@e***"
    assert look(other, NOW + timedelta(hours=2)) == "en used o***@e***"
    assert look(uuid4(), NOW) is None


def test_one_confirmation_a_day_and_three_in_thirty_days(ask: Ask) -> None:
    def times(*hours: float) -> list[bool]:
        return [ask(at=NOW + timedelta(hours=hour)) is not None for hour in hours]

    assert times(0, 1, 23.9, 24) == [True, False, False, True]
    assert times(47, 49, 80, 240, 719) == [False, True, False, False, False]
    assert times(720, 721, 743, 744) == [True, False, False, True]


def test_only_what_was_mailed_counts(ask: Ask) -> None:
    """Else anybody could keep an address out for ever by asking for it every hour."""
    found = [ask(at=NOW + timedelta(hours=hour)) is not None for hour in range(73)]
    assert [hour for hour, mailed in enumerate(found) if mailed] == [0, 24, 48]


def test_the_same_mailbox_written_otherwise_is_braked_too(ask: Ask) -> None:
    assert ask("Reader@EXAMPLE.org") is not None
    assert ask("reader@example.org") is None


def test_the_whole_service_has_a_brake(ask: Ask) -> None:
    few = optin.Limits(1, 3, 5, 7)
    asked = [ask(f"r{n}@example.org", limits=few) is not None for n in range(8)]
    assert asked == [True] * 5 + [False] * 3
    assert ask("r7@example.org", at=NOW + timedelta(minutes=61), limits=few) is not None


def test_many_sign_ups_of_one_address_at_once_make_one_mail(
    any_services: Services, publication_id: int, ask: Ask
) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ask(), range(24)))
    assert len([due for due in found if due]) == 1
    assert held(any_services, publication_id) == [("pending", "en")]


@pytest.mark.parametrize("kind", ["new", "active", "pending", "ended", "suppressed"])
def test_as_many_marks_whoever_it_is(
    any_services: Services, publication_id: int, add: Add, ask: Ask, kind: str
) -> None:
    if kind == "pending":
        ask(at=NOW - timedelta(days=2))
    elif kind != "new":
        with writing(any_services.engine) as session:
            add(session, "reader@example.org", "en")
    if kind == "ended":
        leave(any_services, publication_id, NOW - timedelta(hours=1))
    if kind == "suppressed":
        with writing(any_services.engine) as session:
            index = any_services.sealer.blind_index("reader@example.org")
            suppression.suppress(session, index, "manual", NOW)

    def marks(session: Session) -> int:
        return session.scalar(select(func.count()).select_from(SignupMark)) or 0

    with reading(any_services.engine) as session:
        before = marks(session)
    assert (ask() is None) is (kind == "suppressed")
    assert ask() is None
    with reading(any_services.engine) as session:
        assert marks(session) == before + 2
        wanted = {"new": 1, "active": 1, "ended": 1, "pending": 2, "suppressed": 0}[kind]
        assert session.scalar(select(func.count()).select_from(Confirmation)) == wanted


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("why", ["braked", "suppressed"])
def test_no_mail_costs_the_database_what_a_mail_does(
    any_services: Services, add: Add, ask: Ask, known: bool, why: str
) -> None:
    """Else a stop-watch tells who is barred. The kinds of statements, in their order."""
    sealer = any_services.sealer
    addresses = {kind: f"{kind}@example.org" for kind in ("plain", why)}
    for address in addresses.values() if known else ():
        with writing(any_services.engine) as session:
            add(session, address)
    if why == "suppressed":
        with writing(any_services.engine) as session:
            suppression.suppress(session, sealer.blind_index(addresses[why]), "manual", NOW)

    def work(kind: str) -> list[str]:
        said: list[str] = []

        def hear(_c: object, _u: object, statement: str, *_: object) -> None:
            said.append(" ".join(statement.split()[:3]))

        event.listen(any_services.engine, "before_cursor_execute", hear)
        none = LIMITS if kind != "braked" else optin.Limits(0, 3, 300, 7)
        assert (ask(addresses[kind], limits=none) is None) is (kind == why)
        event.remove(any_services.engine, "before_cursor_execute", hear)
        return [one for one in said if "SAVEPOINT" not in one]

    expected = work("plain")
    assert "INSERT INTO confirmations" in expected
    assert work(why) == expected


def test_who_leaves_while_the_button_is_pressed_has_left(
    any_services: Services, publication_id: int, ask: Ask, press: Press
) -> None:
    due = ask()
    with ThreadPoolExecutor(1) as pool:
        with writing(any_services.engine) as session:
            person = directory.find(session, any_services.sealer, "reader@example.org")
            assert person
            leaving.leave(
                session, public_id=person.public_id, publication_id=publication_id,
                how="page", wording="Unsubscribe", now=NOW + timedelta(minutes=30),
            )  # fmt: skip
            pressed = pool.submit(press, due)
            with pytest.raises(TimeoutError):  # it waits for the row
                pressed.result(timeout=1)
        assert pressed.result(timeout=PATIENCE) == "expired"
    assert held(any_services, publication_id) == [("ended", "en")]


def test_nothing_in_a_mark_leads_to_the_address(any_services: Services, ask: Ask) -> None:
    ask()
    with reading(any_services.engine) as session:
        mark = session.scalars(select(SignupMark)).one().mark
        person = directory.find(session, any_services.sealer, "reader@example.org")
    assert person is not None
    assert len(mark) == 16
    assert mark not in person.address_index
