"""What a bad moment must not do: double, lose or forget anybody, or hold an issue for ever."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest
import time_machine
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import DatabaseAway
from newsletter.delivery import (
    applying,
    chunks,
    claiming,
    crew,
    events,
    flight,
    message_ids,
    outcomes,
    pausing,
    recording,
    recovering,
    sending,
    turns,
)
from newsletter.delivery.finishing import finish
from newsletter.delivery.models import Delivery
from newsletter.delivery.outcomes import Outcome
from newsletter.delivery.recording import Result
from newsletter.delivery.sending import Line
from newsletter.delivery.settling import settle
from newsletter.delivery.states import State
from newsletter.editorial.models import Issue, Publication
from newsletter.providers.base import Envelope
from newsletter.providers.events import Event, Kind
from newsletter.worker import Worker
from subscribers import erasing, reported
from tests.delivery import newsroom
from tests.system import PATIENCE

READERS = 25
LATER = Outcome(State.PLANNED, "451 4.7.1 come back later")


def one_line(services: Services) -> Services:
    """The same with one connection and a short lease, so that the keeper looks often."""
    changed = {"connections": 1, "lease_seconds": 1}
    delivery = services.settings.delivery.model_copy(update=changed)
    settings = services.settings.model_copy(update={"delivery": delivery})
    made = Services(settings, services.engine, services.chain)
    newsroom.use(made, services.provider)
    return made


def got(services: Services) -> Counter[str]:
    """How often each reader got it, by what the provider took."""
    return Counter(message.recipient.text for message in newsroom.taken(services))


def run_until_sent(services: Services, issue_id: int, seconds: float = PATIENCE) -> None:
    """A worker in its own threads, ended politely when the issue is sent or time is over."""
    stop = threading.Event()
    thread = threading.Thread(target=Worker(services).run, args=(stop, 0.05))
    thread.start()
    end = time.monotonic() + seconds
    while newsroom.status(services, issue_id)[0] != "sent" and time.monotonic() < end:
        thread.join(0.05)
    stop.set()
    thread.join(PATIENCE)


def commits(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, fails: Callable[[int], bool]
) -> None:
    """The n-th commit of a module's own succeeds, and its answer is lost where `fails` says so."""
    real: Any = vars(module)["writing"]
    count = [0]

    @contextmanager
    def lossy(engine: Engine) -> Iterator[Session]:
        with real(engine) as session:
            yield session
        count[0] += 1
        if fails(count[0]):
            raise DatabaseAway("the server went away after the commit")

    monkeypatch.setattr(module, "writing", lossy)


@pytest.mark.parametrize(("module", "which"), [(crew, 1), (crew, 2), (crew, 3), (sending, 1)])
def test_a_commit_whose_answer_is_lost_holds_nothing_for_ever(
    any_services: Services, monkeypatch: pytest.MonkeyPatch, module: ModuleType, which: int
) -> None:
    services = one_line(any_services)
    issue_id = newsroom.publish(services, READERS)
    newsroom.start(services, issue_id)
    commits(monkeypatch, module, lambda count: count == which)
    run_until_sent(services, issue_id)
    assert newsroom.status(services, issue_id)[0] == "sent"
    assert got(services) == {f"r{n}@example.org": 1 for n in range(1, READERS + 1)}


def test_a_database_away_for_a_moment_between_two_messages_doubles_nobody(
    any_services: Services, monkeypatch: pytest.MonkeyPatch, every_look: None
) -> None:
    services = one_line(any_services)
    issue_id = newsroom.publish(services, READERS)
    newsroom.start(services, issue_id)
    real, looks = reading, [0]

    def flaky(engine: Engine) -> Any:
        looks[0] += 1
        if looks[0] == 4:
            raise DatabaseAway("the server went away")
        return real(engine)

    monkeypatch.setattr("newsletter.delivery.groups.reading", flaky)
    run_until_sent(services, issue_id)
    assert newsroom.status(services, issue_id)[0] == "sent"
    assert set(got(services).values()) == {1}
    assert len(got(services)) == READERS


def test_a_database_away_for_longer_than_a_group_waits_doubles_nobody(
    any_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = one_line(any_services)
    monkeypatch.setattr(crew, "_TRIES", 1)
    issue_id = newsroom.publish(services, READERS)
    newsroom.start(services, issue_id)
    commits(monkeypatch, crew, lambda count: count in (2, 3))
    run_until_sent(services, issue_id)
    assert newsroom.status(services, issue_id)[0] == "sent"
    assert set(got(services).values()) == {1}
    assert len(got(services)) == READERS


def test_counting_takes_no_chunk_from_who_has_just_claimed_it(
    any_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 20)
    newsroom.start(services, issue_id)
    with writing(services.engine) as session:  # as an event does
        chunks.touch(session, session.scalars(select(Delivery.id)).all())
    line = Line(newsroom.crew(services))
    real = chunks.close
    claimed: list[bool] = []

    def slow(session: Session, chunk_id: int, at: Any) -> None:
        if not claimed and services.engine.dialect.name == "postgresql":
            thread = threading.Thread(target=line.round)
            thread.start()
            thread.join(2)  # it claims what is free; what is being counted it leaves alone
            claimed.append(True)
        real(session, chunk_id, at)

    monkeypatch.setattr(chunks, "close", slow)
    with writing(services.engine) as session:
        chunks.count_resting(session, now())
    monkeypatch.setattr(chunks, "close", real)
    newsroom.work_off(services)
    assert set(got(services).values()) == {1}
    assert len(got(services)) == 20


def frozen(services: Services, owner: str = "frozen") -> claiming.Claim:
    """A worker that let all leave, and then nothing more was heard of it."""
    with writing(services.engine) as session:
        mine = claiming.claim(session, owner, lease_seconds=60)
        assert mine is not None
        assert claiming.intend(session, mine, owner, mine.last_id)
    return mine


def taken_over(services: Services) -> None:
    with writing(services.engine) as session:
        recovering.recover(session, services.settings.home, me="other", alone=True)


def late(services: Services, mine: claiming.Claim, outcome: Outcome) -> int:
    with writing(services.engine) as session:
        result = Result(mine.last_id, 1, 0, outcome, "memory")
        return recording.record_late(session, "frozen", [result])


@pytest.mark.parametrize("end", ["sent", "cancelled"])
def test_a_late_no_for_an_issue_that_is_over_stays_where_somebody_sees_it(
    any_services: Services, end: str
) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 1)
    newsroom.start(services, issue_id)
    mine = frozen(services)
    if end == "cancelled":
        with writing(services.engine) as session:
            pausing.cancel(session, session.get_one(Issue, issue_id), now())
    taken_over(services)
    with writing(services.engine) as session:
        finish(session, now())
    assert newsroom.status(services, issue_id)[0] == end
    late(services, mine, LATER)
    found = newsroom.counts(services, issue_id)
    assert (found.planned, found.balanced) == (0, True)
    assert found.unknown == 1 if end == "sent" else found.skipped == {"cancelled": 1}


def test_a_late_no_does_not_spoil_the_turn_of_another(any_services: Services) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 1)
    newsroom.start(services, issue_id)
    mine = frozen(services)
    taken_over(services)
    with writing(services.engine) as session:
        settle(session, session.get_one(Issue, issue_id), mine.last_id, "planned", now())
    theirs = frozen(services, "other")
    assert late(services, mine, LATER) == 0
    with writing(services.engine) as session:
        said = Result(theirs.last_id, 1, 0, outcomes.accepted("250 ok"), "memory")
        recording.record(session, theirs, [said], "sending")
        assert claiming.release(session, theirs, "other", "sending")
    assert [row.state for row in newsroom.rows(services, issue_id)] == ["submitted"]


def test_a_recorder_outlives_a_commit_that_fails(services: Services) -> None:
    issue_id = newsroom.publish(services, 8)
    newsroom.start(services, issue_id)
    home = services.settings.home
    recorder = flight.Recorder(home, "frozen", 1)
    mine = frozen(services)
    recorder.strip().leaving(mine.first_id)
    recorder.close(forget=False)
    with pytest.raises(DatabaseAway), writing(services.engine) as session:
        recovering.recover(session, home, me="me", alone=True)
        recovering.resolve(session, home, me="me")
        raise DatabaseAway("the disk is full")
    with writing(services.engine) as session:
        assert recovering.recover(session, home, me="me", alone=True).unknown == 1


def test_a_doubt_that_a_worker_wrote_itself_is_settled_by_no_recorder(services: Services) -> None:
    """The line broke after the dot, that was written down, and then the worker was killed."""
    issue_id = newsroom.publish(services, 1)
    newsroom.start(services, issue_id)
    home = services.settings.home
    recorder = flight.Recorder(home, "frozen", 1)
    mine = frozen(services)
    with writing(services.engine) as session:
        doubt = Outcome(State.UNKNOWN, "no answer: hung up")
        recording.record(session, mine, [Result(mine.last_id, 1, 0, doubt, "smtp")], "sending")
    recorder.close(forget=False)
    taken_over(services)
    with writing(services.engine) as session:
        recovering.resolve(session, home, me="me")
    assert [row.state for row in newsroom.rows(services, issue_id)] == ["unknown"]


def test_an_erasure_and_a_bounce_of_the_same_reader_do_not_stop_each_other(
    any_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 1)
    newsroom.start(services, issue_id)
    newsroom.work_off(services)
    (row,) = newsroom.rows(services, issue_id)
    named = message_ids.unique(services.ring.index, row.id)
    soft = Event(Kind.BOUNCED, "k1", now(), (named,), status="4.2.2", answer="mailbox full")
    with writing(services.engine) as session:
        events.receive(session, services.ring.index, services.sealer, "mailbox", [soft], now())
    holding, errors = threading.Event(), list[BaseException]()
    real = reported.hold

    def hold(session: Session, subscriber_id: int) -> Any:
        holding.set()
        eraser.join(0.5)  # meanwhile it waits, on PostgreSQL
        return real(session, subscriber_id)

    def erase() -> None:
        holding.wait(PATIENCE)
        try:
            with writing(services.engine) as session:
                erasing.erase(
                    session, services.sealer, subscriber_id=row.subscriber_id or 0, how="page",
                    now=now(),
                )  # fmt: skip
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    monkeypatch.setattr(reported, "hold", hold)
    eraser = threading.Thread(target=erase)
    eraser.start()
    applying.apply_waiting(services, now())
    eraser.join(PATIENCE)
    assert errors == []
    assert newsroom.rows(services, issue_id)[0].subscriber_id is None


def test_quiet_hours_that_begin_in_mid_chunk_hold_the_rest(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    with time_machine.travel("2026-11-23T15:29:00Z", tick=False) as clock:
        issue_id = newsroom.publish(services, 10)
        newsroom.start(services, issue_id)
        with writing(services.engine) as session:
            for publication in session.scalars(select(Publication)):
                publication.quiet_hours, publication.slot_zone = "22:00-07:00", "Asia/Yangon"
        monkeypatch.setattr(turns, "FIRST", 4)
        monkeypatch.setattr(sending, "FIRST", 4)
        monkeypatch.setattr(turns, "LONGEST", 4)
        monkeypatch.setattr(turns, "GROUP_SECONDS", 3600)  # however slow the machine
        real = turns.Turn.taken

        def slowly(turn: turns.Turn, envelope: Envelope, answer: str) -> None:
            clock.shift(60)
            real(turn, envelope, answer)

        monkeypatch.setattr(turns.Turn, "taken", slowly)
        newsroom.work_off(services)
        assert len(newsroom.taken(services)) == 4, "the group that was let go before 22:00"
        clock.move_to("2026-11-24T00:31:00Z")
        newsroom.work_off(services)
    assert len(newsroom.taken(services)) == 10
