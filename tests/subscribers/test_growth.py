"""Growth: every week there, and its last total the readers there are."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.app import Services
from newsletter.core.addresses import parse
from newsletter.core.clock import week_of
from newsletter.core.db import reading, writing
from newsletter.editorial import publications
from subscribers import directory, growth, leaving, listing, optin, suppression
from subscribers.models import Consent
from tests.subscribers.conftest import Add
from tests.subscribers.returning import come_back

YANGON = ZoneInfo("Asia/Yangon")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
START = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
LIMITS = optin.Limits(9, 99, 999, 7)


def _at(days: float) -> datetime:
    return START + timedelta(days=days)


def _person(services: Services, session: Any, name: str) -> Any:
    person = directory.find(session, services.sealer, f"{name}@example.org")
    assert person
    return person


def _join(services: Services, session: Any, publication_id: int, name: str, at: datetime) -> None:
    directory.add(
        session, services.sealer, publication_id=publication_id, address=f"{name}@example.org",
        edition="en", how="import", wording="list", now=at,
    )  # fmt: skip


def _leave(services: Services, session: Any, publication_id: int, name: str, at: datetime) -> None:
    who = _person(services, session, name).public_id
    leaving.leave(
        session, public_id=who, publication_id=publication_id, how="page", wording="x", now=at
    )


def _back(services: Services, session: Any, publication_id: int, name: str, at: datetime) -> None:
    come_back(session, services.sealer, publication_id, f"{name}@example.org", at)


def _bar(services: Services, session: Any, name: str, at: datetime) -> None:
    index = services.sealer.blind_index(f"{name}@example.org")
    suppression.suppress(session, index, "hard_bounce", at)


def test_weeks_are_told_one_after_the_other(any_services: Services, publication_id: int) -> None:
    services = any_services
    with writing(services.engine) as session:
        for name, day in (("a", 0), ("b", 1), ("c", 15)):
            _join(services, session, publication_id, name, _at(day))
        _leave(services, session, publication_id, "a", _at(2))
        _back(services, session, publication_id, "a", _at(16))
        _bar(services, session, "b", _at(22))
        due = optin.subscribe(
            session, services.sealer, publication_id=publication_id, address=parse("d@example.org"),
            edition="my", wording="form", limits=LIMITS, now=_at(15),
        )  # fmt: skip
        assert due
        pressed = optin.confirm(
            session, public_id=due.public_id, publication_id=publication_id, wording="b",
            now=_at(16),
        )  # fmt: skip
        assert pressed == "confirmed"
    with reading(services.engine) as session:
        told = growth.growth(session, publication_id, by="week", zone=YANGON, now=_at(29))
        assert [(p.name, p.joined, p.confirmed, p.left, p.suppressed, p.total) for p in told] == [
            ("2026-W02", 2, 0, 1, 0, 1),
            ("2026-W03", 0, 0, 0, 0, 1),
            ("2026-W04", 3, 2, 0, 0, 4),
            ("2026-W05", 0, 0, 0, 1, 3),
            ("2026-W06", 0, 0, 0, 0, 3),
        ]
        (month, february) = growth.growth(
            session, publication_id, by="month", zone=YANGON, now=_at(29)
        )
        assert (month.name, month.joined, month.left, month.total) == ("2026-01", 5, 1, 3)
        assert (february.start, february.total) == (date(2026, 2, 1), 3)


def test_days_begin_where_the_publication_is(any_services: Services, publication_id: int) -> None:
    late_on_sunday_utc = datetime(2026, 1, 11, 18, 15, tzinfo=UTC)  # Monday 00:45 in Yangon
    with writing(any_services.engine) as session:
        _join(any_services, session, publication_id, "a", late_on_sunday_utc)
    with reading(any_services.engine) as session:
        for zone, week in ((YANGON, "2026-W03"), (KATHMANDU, "2026-W03"), (UTC, "2026-W02")):
            (told,) = growth.growth(
                session, publication_id, by="week", zone=zone, now=late_on_sunday_utc
            )
            assert told.name == week


def test_nobody_has_no_growth(any_services: Services, publication_id: int) -> None:
    with reading(any_services.engine) as session:
        assert growth.growth(session, publication_id, by="week", zone=UTC, now=START) == []


def test_only_what_changed_something_counts(
    any_services: Services, publication_id: int, add: Add
) -> None:
    services = any_services
    with writing(services.engine) as session:
        add(session, "a@example.org")
        person = _person(services, session, "a")
        held = directory.subscription_of(session, person, publication_id)
        assert held
        again = Consent(kind="given", how="form", wording="once more", at=_at(400))
        again.subscription_id = held.id
        session.add(again)
        assert optin.subscribe(
            session, services.sealer, publication_id=publication_id,
            address=parse("b@example.org"), edition="my", wording="form", limits=LIMITS,
            now=_at(400),
        )  # fmt: skip
        _leave(services, session, publication_id, "b", _at(401))
    with reading(services.engine) as session:
        told = growth.growth(session, publication_id, by="month", zone=UTC, now=_at(430))
    assert sum(period.joined for period in told) == 1
    assert sum(period.left for period in told) == 0
    assert told[-1].total == 1


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(("join", "leave", "back", "bar")),
        st.sampled_from("abc"),
        st.integers(0, 40),
    ),
    max_size=14,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deeds=DEEDS)
def test_the_last_total_is_those_who_would_be_mailed(
    services: Services, deeds: list[tuple[str, str, int]]
) -> None:
    with writing(services.engine) as session:
        wanted = publications.default()
        wanted.slug = f"p{len(publications.listing(session))}"
        publication_id = publications.create(session, wanted, now=START).id
        at = START
        for deed, letter, days in deeds:
            at, name = at + timedelta(days=days), f"{wanted.slug}{letter}"
            known = directory.find(session, services.sealer, f"{name}@example.org")
            if deed == "join":
                _join(services, session, publication_id, name, at)
            elif known is None:
                continue
            elif deed == "bar":
                _bar(services, session, name, at)
            else:
                move = _leave if deed == "leave" else _back
                move(services, session, publication_id, name, at)
    with reading(services.engine) as session:
        told = growth.growth(session, publication_id, by="week", zone=YANGON, now=at)
        active = listing.counts(session, publication_id)["active"]
    assert (told[-1].total if told else 0) == active
    starts = [period.start for period in told]
    assert (
        starts == [starts[0] + timedelta(weeks=n) for n in range(len(starts))] if starts else True
    )
    assert all(period.name == week_of(period.start) for period in told)


@pytest.mark.parametrize("by", ["week", "month"])
def test_years_and_short_months_are_stepped_over(
    any_services: Services, publication_id: int, by: growth.By
) -> None:
    with writing(any_services.engine) as session:
        _join(any_services, session, publication_id, "a", datetime(2024, 1, 31, 1, tzinfo=UTC))
    with reading(any_services.engine) as session:
        told = growth.growth(
            session, publication_id, by=by, zone=UTC, now=datetime(2026, 3, 1, tzinfo=UTC)
        )
    assert len(told) == len({period.start for period in told}) == (27 if by == "month" else 109)
