"""A slot fires once, whoever fires and whatever is killed; what is not ready is held."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.app import Services, initialise
from newsletter.core.db import reading, writing
from newsletter.core.errors import NotAllowedNow
from newsletter.delivery import press
from newsletter.delivery.launching import Launched, launch
from newsletter.delivery.models import Delivery
from newsletter.editorial import issues, publications
from newsletter.editorial.assembling import assemble
from newsletter.editorial.models import Issue
from newsletter.schedule import firing, slots
from newsletter.schedule.firing import Fired, fire_due
from newsletter.schedule.models import Slot
from subscribers import directory
from tests.conftest import fresh_database
from tests.editorial.making import NOW, WEEK, a_publication, a_resource, an_approved_issue, write
from tests.system import PATIENCE

DUE = datetime(2026, 11, 23, 2, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def _ready(services: Services, *, at: datetime | None = None) -> None:
    with writing(services.engine) as session:
        publication = a_publication(session)
        issue = an_approved_issue(session, publication)
        for name, edition in (("ann", "en"), ("bo", "my"), ("cho", "en+my")):
            directory.add(
                session,
                services.sealer,
                publication_id=publication.id,
                address=f"{name}@example.org",
                edition=edition,
                how="test",
                wording="asked by hand",
                now=NOW,
            )
        if at is not None:
            slots.schedule(session, publication, issue, at=at, now=NOW)


def _issue(session: Session, number: int = 1) -> Issue:
    return issues.get(session, publications.get(session, None), number)


def _outcomes(services: Services) -> list[tuple[str, str | None]]:
    with reading(services.engine) as session:
        rows = session.scalars(select(Slot).where(Slot.fired_at.is_not(None)).order_by(Slot.id))
        return [(slot.key, slot.outcome) for slot in rows]


def test_approved_issue_goes_out_at_the_slot_of_its_week_by_itself(any_services: Services) -> None:
    _ready(any_services)
    with writing(any_services.engine) as session:
        assert fire_due(session, DUE - timedelta(seconds=1)) == []
    with writing(any_services.engine) as session:
        assert fire_due(session, DUE) == [Fired(1, "weekly", "send", "on time", 3)]
        assert _issue(session).status == "sending"
        assert len(session.scalars(select(Delivery)).all()) == 3
    for later in (DUE, DUE + timedelta(hours=1), DUE + DAY):
        with writing(any_services.engine) as session:
            assert fire_due(session, later) == []
    assert _outcomes(any_services) == [(WEEK, "send: on time")]


def test_two_that_fire_at_once_launch_once(any_services: Services) -> None:
    at = NOW + timedelta(hours=1)
    _ready(any_services, at=at)
    launched: list[int] = []
    fired: list[Fired] = []
    failed: list[BaseException] = []
    together = threading.Barrier(4)

    def recording(session: Session, issue: Issue, now: datetime) -> Launched:
        launched.append(issue.number)
        return launch(session, issue, now)

    def fire() -> None:
        try:
            together.wait(PATIENCE)
            with writing(any_services.engine) as session:
                fired.extend(fire_due(session, at, launch=recording))
        except BaseException as err:  # noqa: BLE001
            failed.append(err)

    threads = [threading.Thread(target=fire) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert failed == []
    assert launched == [1]
    assert [f.kind for f in fired] == ["send"]
    with reading(any_services.engine) as session:
        assert len(session.scalars(select(Delivery)).all()) == 3


def test_the_row_itself_is_taken_once(any_services: Services) -> None:
    _ready(any_services, at=DUE)
    with reading(any_services.engine) as session:
        slot = slots.pending(session)[0]
    with writing(any_services.engine) as session:
        assert firing._take(session, slot, DUE)
    with writing(any_services.engine) as session:
        assert not firing._take(session, slot, DUE)


def test_killed_half_way_nothing_has_happened_and_it_fires_again(any_services: Services) -> None:
    _ready(any_services)

    def killed(session: Session, issue: Issue, now: datetime) -> Launched:
        launch(session, issue, now)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), writing(any_services.engine) as session:
        fire_due(session, DUE, launch=killed)
    with reading(any_services.engine) as session:
        assert _issue(session).status == "approved"
        assert session.scalars(select(Delivery)).all() == []
    with writing(any_services.engine) as session:
        assert [f.planned for f in fire_due(session, DUE)] == [3]


def test_missed_slot_is_late_within_the_limit(services: Services) -> None:
    _ready(services)
    with writing(services.engine) as session:
        fired = fire_due(session, DUE + timedelta(hours=23))
        assert fired == [Fired(1, "weekly", "send", "23 hours late", 3)]


def test_missed_slot_is_held_beyond_the_limit_and_can_be_given_a_new_time(
    services: Services,
) -> None:
    _ready(services)
    late = DUE + timedelta(hours=25)
    with writing(services.engine) as session:
        fired = fire_due(session, late)
        issue = _issue(session)
        assert (fired[0].kind, issue.status) == ("hold", "held")
        assert (
            issue.held_reason == "its time was missed by 25 hours, more than the 24 hours allowed"
        )
        slots.schedule(session, issue.publication, issue, at=late + DAY, now=late)
    with writing(services.engine) as session:
        assert [f.kind for f in fire_due(session, late + DAY)] == ["send"]


def test_draft_at_its_slot_is_held_with_all_reasons_and_later_slots_do_not_fire_it(
    any_services: Services,
) -> None:
    with writing(any_services.engine) as session:
        publication = a_publication(session)
        a_resource(session, publication, "Only this")
        issue = assemble(session, publication, week=WEEK, now=NOW).issue
        write(session, issue, "en")
    with writing(any_services.engine) as session:
        fired = fire_due(session, DUE)
        issue = _issue(session)
        assert (fired[0].kind, issue.status, fired[0].planned) == ("hold", "held", 0)
        assert issue.held_reason is not None
        assert issue.held_reason.startswith("it was not approved in time; editorial my: ")
        write(session, issue, "my")
        issues.approve(session, issue, [], now=DUE)
    with writing(any_services.engine) as session:
        assert fire_due(session, DUE + timedelta(hours=1)) == []
        assert _issue(session).status == "approved"


def test_edited_after_approval_is_held(services: Services) -> None:
    _ready(services, at=DUE)
    with writing(services.engine) as session:
        _issue(session).editorials[0].title = "Slipped in"
    with writing(services.engine) as session:
        fired = fire_due(session, DUE)
        assert (fired[0].kind, fired[0].reason) == ("hold", "it is not what was approved any more")


def test_edited_and_approved_anew_keeps_its_exact_time(services: Services) -> None:
    at = NOW + timedelta(hours=2)
    _ready(services, at=at)
    with writing(services.engine) as session:
        issue = _issue(session)
        write(session, issue)
        assert issue.status == "draft"
        issues.approve(session, issue, [], now=NOW)
    with writing(services.engine) as session:
        assert [f.kind for f in fire_due(session, at)] == ["send"]


def test_edit_begun_before_the_slot_fired_is_refused_after_it(
    home: Path, postgres_url: str
) -> None:
    with fresh_database(postgres_url) as url:
        services = initialise(home, {"database": {"url": url}})
        _ready(services)
        with writing(services.engine) as editor:
            issue = _issue(editor)
            assert issue.status == "approved"
            with writing(services.engine) as session:
                assert [f.kind for f in fire_due(session, DUE)] == ["send"]
            with pytest.raises(NotAllowedNow, match="is sending and can no longer be edited"):
                write(editor, issue)
        services.close()


def test_what_cannot_be_made_into_mail_is_held_with_the_reason(any_services: Services) -> None:
    services = any_services
    _own_footer(services, "<p>fine</p>\n{{ nobody_knows }}\n")
    _ready(services)
    with writing(services.engine) as session:
        fired = fire_due(session, DUE, proof=partial(press.proof, services))
        assert (fired[0].kind, _issue(session).status) == ("hold", "held")
        assert "footer.html:2" in (_issue(session).held_reason or "")
        assert session.scalars(select(Delivery)).all() == []


def test_own_template_changed_after_approval_holds_the_issue(any_services: Services) -> None:
    _ready(any_services)
    _own_footer(any_services, "<p>nobody approved this</p>\n")
    with writing(any_services.engine) as session:
        assert [f.kind for f in fire_due(session, DUE)] == ["hold"]
        assert _issue(session).held_reason == "it is not what was approved any more"


def _own_footer(services: Services, text: str) -> None:
    place = services.settings.home / "templates" / "mail" / "footer.html"
    place.parent.mkdir(parents=True)
    place.write_text(text, encoding="utf-8")


def test_launch_that_refuses_holds_the_issue_and_leaves_no_rows(services: Services) -> None:
    _ready(services)
    with writing(services.engine) as session:
        publication = publications.get(session, None)
        directory.add(
            session,
            services.sealer,
            publication_id=publication.id,
            address="dan@example.org",
            edition="shn",
            how="test",
            wording="asked by hand",
            now=NOW,
        )
    with writing(services.engine) as session:
        fired = fire_due(session, DUE)
        assert fired[0].kind == "hold"
        assert "'shn'" in (_issue(session).held_reason or "")
        assert session.scalars(select(Delivery)).all() == []


def test_week_without_an_issue_passes(any_services: Services) -> None:
    with writing(any_services.engine) as session:
        a_publication(session)
        fire_due(session, NOW)
    with writing(any_services.engine) as session:
        assert fire_due(session, DUE) == [Fired(None, "weekly", "nothing", "no issue")]
    assert _outcomes(any_services) == [(WEEK, "no issue")]


@pytest.mark.parametrize("status", ["held", "cancelled", "sent"])
def test_what_is_held_cancelled_or_sent_is_left_alone(services: Services, status: str) -> None:
    _ready(services)
    with writing(services.engine) as session:
        slots.sync(session, NOW)
        issue = _issue(session)
        issue.status, issue.held_reason = status, "by hand" if status == "held" else None
    with writing(services.engine) as session:
        assert [f.kind for f in fire_due(session, DUE)] == ["nothing"]
        assert _issue(session).status == status


def test_issue_planned_while_the_service_was_down_is_caught_up(services: Services) -> None:
    _ready(services)
    with reading(services.engine) as session:
        assert slots.pending(session) == []
    with writing(services.engine) as session:
        assert [f.kind for f in fire_due(session, DUE + timedelta(hours=2))] == ["send"]


def test_issue_made_for_a_week_gone_by_is_not_sent_by_surprise(services: Services) -> None:
    with writing(services.engine) as session:
        an_approved_issue(session, a_publication(session), "2026-W47")
        fire_due(session, NOW)
        assert _issue(session).status == "approved"


def test_an_issue_that_would_reach_nobody_is_held(services: Services) -> None:
    with writing(services.engine) as session:
        an_approved_issue(session, a_publication(session))
        (fired,) = fire_due(session, DUE)
        assert (fired.kind, fired.planned) == ("hold", 0)
        assert "nobody is subscribed" in fired.reason
        assert _issue(session).status == "held"
