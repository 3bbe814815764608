"""The outbox of sign-ups: nothing delays or doubles a confirmation, and none goes out unwanted."""

from __future__ import annotations

import signal
import socket
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select, update

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.editorial.models import Publication
from newsletter.worker import Worker
from subscribers import leaving, spool, suppression
from subscribers.models import Confirmation, Subscriber, Suppression
from tests.chaos import homes
from tests.chaos.companions import Nursery, SinkProcess
from tests.chaos.verdict import received
from tests.delivery import front_desk, newsroom
from tests.delivery.front_desk import mails, sign_up, sign_up_all, standing
from tests.smtp_server import HANG, ScriptedServer, nth

START = "2026-11-20T03:00:00Z"


@pytest.fixture
def publication_id(any_services: Services) -> int:
    return front_desk.open_publication(any_services)


def bar(services: Services, address: str) -> None:
    with writing(services.engine) as session:
        suppression.suppress(session, services.sealer.blind_index(address), "complaint", now())


def test_greylisting_is_waited_out(services: Services) -> None:
    with (
        time_machine.travel(START, tick=False) as clock,
        ScriptedServer(nth("RCPT", 1, "451 4.7.1 greylisted")) as server,
    ):
        sign_up(services, front_desk.open_publication(services))
        smtp = newsroom.over_smtp(services, server.port)
        newsroom.work_off(smtp)
        (row,) = mails(services)
        assert (row.state, row.attempts) == ("planned", 1)
        clock.shift(timedelta(minutes=7))
        newsroom.work_off(smtp)
    assert standing(services) == {"submitted": 1}
    assert len(server.kept) == 1


def test_what_is_put_off_for_ever_ends_with_the_link(services: Services) -> None:
    """The hours of retrying are over long before the link; a shorter link ends them sooner."""
    with (
        time_machine.travel(START, tick=False) as clock,
        ScriptedServer(lambda at, _: "452 4.2.2 full" if at == "RCPT" else None) as server,
    ):
        sign_up(services, front_desk.open_publication(services))
        smtp = newsroom.over_smtp(services, server.port)
        for _ in range(14):
            newsroom.work_off(smtp)
            clock.shift(timedelta(hours=1.3))
        (row,) = mails(services)
        assert (row.state, row.reason) == ("refused", "gave_up")
        with reading(services.engine) as session:
            assert session.scalars(select(Suppression)).all() == []


def test_a_provider_that_lets_nobody_in_blames_nobody(any_services: Services) -> None:
    services = any_services
    asked = ["a", "b", "c", "d", "e"]
    shut = True

    def script(stage: str, _nth: int) -> str | None:
        return "530 5.7.0 log in first" if stage == "MAIL" and shut else None

    with time_machine.travel(START, tick=False) as clock, ScriptedServer(script) as server:
        sign_up_all(services, front_desk.open_publication(services), asked)
        smtp = newsroom.over_smtp(services, server.port)
        newsroom.work_off(smtp)
        assert [(row.state, row.attempts) for row in mails(services)] == [("planned", 0)] * 5
        assert all(row.not_before_at for row in mails(services))
        tried = [c for c in server.commands if c.startswith("MAIL")]
        assert len(tried) == 1, "one try tells for all"
        if services.engine.dialect.name == "postgresql":
            return  # it has a clock of its own, which nobody can put forward
        shut = False
        clock.shift(timedelta(minutes=2))
        newsroom.work_off(smtp)
        assert standing(services) == {"planned": 1, "submitted": 4}
        clock.shift(timedelta(minutes=14))
        newsroom.work_off(smtp)
        assert [kept.recipient[0] for kept in server.kept] == ["b", "c", "d", "e", "a"]
    with reading(services.engine) as session:
        assert session.scalars(select(Suppression)).all() == []


def test_one_that_upsets_the_server_holds_up_nobody(services: Services) -> None:
    """Else a single odd address in the form could keep everybody out."""
    with time_machine.travel(START, tick=False) as clock:
        sign_up_all(services, front_desk.open_publication(services), ["odd", "b", "c"])
        with ScriptedServer(nth("MAIL", 1, "550 5.5.4 what is that?")) as server:
            smtp = newsroom.over_smtp(services, server.port)
            newsroom.work_off(smtp)
            clock.shift(timedelta(minutes=2))
            newsroom.work_off(smtp)
            assert [kept.recipient[0] for kept in server.kept] == ["b", "c"]


def test_a_server_that_is_away_costs_nothing_but_time(services: Services) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with time_machine.travel(START, tick=False) as clock:
        sign_up_all(services, front_desk.open_publication(services), ["a", "b"])
        newsroom.work_off(newsroom.over_smtp(services, port))
        assert [(row.state, row.attempts) for row in mails(services)] == [("planned", 0)] * 2
        clock.shift(timedelta(minutes=16))
        newsroom.work_off(services)
        assert standing(services) == {"submitted": 2}


@pytest.mark.parametrize("reason", ["suppressed", "confirmed", "expired", "unsubscribed", "erased"])
def test_what_is_no_longer_wanted_is_not_sent(any_services: Services, reason: str) -> None:
    services = any_services
    publication_id = front_desk.open_publication(services)
    asked_at = now() - timedelta(days=7 if reason == "expired" else 0, hours=1)
    sign_up(services, publication_id, at=asked_at)
    with writing(services.engine) as session:
        person = session.scalars(select(Subscriber)).one()
        if reason == "confirmed":
            session.execute(update(Confirmation).values(used_at=now()))
        if reason == "unsubscribed":
            leaving.leave(
                session, public_id=person.public_id, publication_id=publication_id,
                how="page", wording="Unsubscribe", now=now(),
            )  # fmt: skip
        if reason == "erased":
            session.delete(person)
    if reason == "suppressed":
        bar(services, "reader@example.org")
    worker = Worker(services)
    worker._cleaned_at = now()  # else what expired is forgotten before it is looked at
    newsroom.work_off(services, worker)
    worker.close()
    assert newsroom.taken(services) == []
    found = [(row.state, row.reason) for row in mails(services)]
    assert found == ([] if reason == "erased" else [("skipped", reason)])


def test_a_bar_in_the_last_moment_holds(services: Services) -> None:
    sign_up(services, front_desk.open_publication(services))

    def bar_at_data(stage: str, _nth: int) -> str | None:
        if stage == "DATA":
            bar(services, "reader@example.org")
        return None

    with ScriptedServer(bar_at_data) as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
    assert server.kept == []
    assert [(row.state, row.reason) for row in mails(services)] == [("skipped", "suppressed")]


def test_an_issue_of_many_does_not_hold_it_back(any_services: Services) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 60)
    newsroom.start(services, issue_id)
    worker = Worker(services)
    worker.step()
    sent = len(newsroom.taken(services))
    assert 0 < sent < 60
    with reading(services.engine) as session:
        publication_id = session.scalars(select(Publication.id)).one()
    sign_up(services, publication_id, "new@example.org")
    before = newsroom.counts(services, issue_id)
    worker.step()
    assert newsroom.taken(services)[sent].recipient.text == "new@example.org"
    assert newsroom.counts(services, issue_id) == before, "the issue's sums know nothing of it"
    newsroom.work_off(services, worker)
    worker.close()
    assert newsroom.counts(services, issue_id).done
    assert newsroom.status(services, issue_id)[0] == "sent"
    assert len(newsroom.taken(services)) == 61


def test_a_paused_issue_holds_no_sign_up_back(services: Services) -> None:
    issue_id = newsroom.publish(services, 1)
    newsroom.start(services, issue_id)
    with writing(services.engine) as session:
        session.execute(update(Publication).values(sender_address="desk@news.example"))
    sign_up(services, 1, "new@example.org")
    with ScriptedServer(nth("MAIL", 2, "530 5.7.0 log in")) as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
        assert newsroom.status(services, issue_id)[0] == "paused"
        sign_up(services, 1, "other@example.org")
        newsroom.work_off(newsroom.over_smtp(services, server.port))
    assert [kept.recipient for kept in server.kept] == ["new@example.org", "other@example.org"]


def test_killed_at_the_dot_it_is_in_doubt_and_not_sent_again(services: Services) -> None:
    sign_up_all(services, front_desk.open_publication(services), ["a", "b", "c"])
    home = services.settings.home
    log = home.with_name("received.txt")
    with SinkProcess() as sink, Nursery() as nursery:
        sink.begin(log)
        homes.configure(home, "", "127.0.0.1", sink.port, connections=1)
        worker = nursery.worker(home)
        sink.trap(2, worker, signal.SIGKILL)
        assert nursery.ended(worker) == -signal.SIGKILL
        assert standing(services) == {"claimed": 1, "submitted": 1, "submitting": 1}
        newsroom.work_off(newsroom.over_smtp(services, sink.port))
        assert standing(services) == {"submitted": 2, "unknown": 1}
    got = received(log)
    assert sorted(recipient[0] for recipient in got.recipients.elements()) == ["a", "b", "c"]
    assert len(got.marks) == 3


def test_no_answer_after_the_dot_is_unknown(services: Services) -> None:
    sign_up(services, front_desk.open_publication(services))
    with ScriptedServer(nth("DOT", 1, HANG)) as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port, patience=1))
        assert standing(services) == {"unknown": 1}
        newsroom.work_off(newsroom.over_smtp(services, server.port))
        assert len(server.kept) == 1


def test_the_keeper_forgets_what_ran_out_once_a_minute(services: Services) -> None:
    publication_id = front_desk.open_publication(services)

    def held() -> int:
        with reading(services.engine) as session:
            return len(session.scalars(select(Subscriber)).all())

    with time_machine.travel(START, tick=False) as clock:
        worker = Worker(services)
        sign_up(services, publication_id, at=now() - timedelta(days=7, seconds=-30))
        worker.step()
        clock.shift(timedelta(seconds=59))
        worker.step()
        assert held() == 1, "it ran out half a minute ago, but the minute is not over"
        clock.shift(timedelta(seconds=2))
        worker.step()
        assert held() == 0
        sign_up(services, publication_id, at=now() - timedelta(days=8))
        clock.shift(timedelta(days=-1))
        worker.step()
        assert held() == 0, "a clock that was put back does not stop it"
        worker.close()


def test_a_wish_to_leave_that_waits_on_the_disk_is_heard_before_anybody_is_claimed(
    services: Services,
) -> None:
    issue_id = newsroom.publish(services, 2)
    newsroom.start(services, issue_id)
    with reading(services.engine) as session:
        person = session.scalars(select(Subscriber).order_by(Subscriber.id)).first()
        assert person is not None
    wish = spool.Leaving(person.public_id, 1, "one_click", "one-click", now())
    spool.keep(services.settings.home, wish)
    newsroom.work_off(services)
    assert newsroom.counts(services, issue_id).skipped == {"unsubscribed": 1}
    assert [taken.recipient.text for taken in newsroom.taken(services)] == ["r2@example.org"]
    assert not spool.holds(services.settings.home, person.public_id, 1)


@pytest.mark.usefixtures("every_look")
def test_a_wish_that_comes_after_the_claim_is_heard_too(services: Services) -> None:
    issue_id = newsroom.publish(services, 2)
    newsroom.start(services, issue_id)
    with reading(services.engine) as session:
        people = session.scalars(select(Subscriber).order_by(Subscriber.id)).all()
    wish = spool.Leaving(people[1].public_id, 1, "one_click", "one-click", now())

    def wish_at_first(stage: str, count: int) -> None:
        if (stage, count) == ("RCPT", 1):
            spool.keep(services.settings.home, wish)

    with ScriptedServer(wish_at_first) as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
    assert [kept.recipient for kept in server.kept] == ["r1@example.org"]
    assert newsroom.counts(services, issue_id).skipped == {"unsubscribed": 1}
