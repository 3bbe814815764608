"""Sending over the real path: each reader once, and what happens to those who are not reached."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
import time_machine
from sqlalchemy import QueuePool, create_engine, select

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import InputError, NotAllowedNow, NotFound
from newsletter.core.tokens import Purpose
from newsletter.delivery.ledger import doubtful, refused
from newsletter.delivery.models import Delivery
from newsletter.delivery.proofs import send_test
from newsletter.delivery.sending import Line
from newsletter.delivery.settling import settle, settle_all, suppressed_among_doubtful
from newsletter.editorial.models import Issue
from newsletter.worker import Worker
from subscribers import leaving, suppression
from subscribers.models import Subscriber, Suppression
from tests.delivery import newsroom
from tests.smtp_server import DROP, ScriptedServer, nth
from tests.system import PATIENCE


def test_everybody_gets_their_edition_once_with_links_of_their_own(any_services: Services) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 25)
    newsroom.start(services, issue_id)
    newsroom.work_off(services)
    found = newsroom.counts(services, issue_id)
    assert (found.submitted, found.done) == (25, True)
    assert newsroom.status(services, issue_id)[0] == "sent"
    mails = [message_from_bytes(e.data, policy=policy.default) for e in newsroom.taken(services)]
    assert sorted(str(m["To"]) for m in mails) == sorted(f"r{n}@example.org" for n in range(1, 26))
    assert len({str(m["Message-ID"]) for m in mails}) == 25
    by_reader = {str(m["To"]): m for m in mails}
    assert by_reader["r1@example.org"]["Subject"] == "A Week of Waiting"
    assert by_reader["r2@example.org"]["Content-Language"] == "my"
    assert by_reader["r3@example.org"]["Content-Language"] == "en, my"
    with reading(services.engine) as session:
        for person in session.scalars(select(Subscriber)):
            mail = by_reader[services.sealer.open(person.sealed_address)]
            token = str(mail["List-Unsubscribe"]).partition("/u/")[2].partition(">")[0]
            claim = services.signer.read(token, Purpose.UNSUBSCRIBE)
            assert claim.subject == person.public_id


def test_who_leaves_after_the_launch_gets_nothing_more(any_services: Services) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 3)
    newsroom.start(services, issue_id)
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        people = session.scalars(select(Subscriber).order_by(Subscriber.id)).all()
        leaving.leave(
            session,
            public_id=people[0].public_id,
            publication_id=issue.publication_id,
            how="one_click",
            wording="List-Unsubscribe=One-Click",
            now=now(),
        )
        session.delete(people[1])
    newsroom.work_off(services)
    found = newsroom.counts(services, issue_id)
    assert found.skipped == {"erased": 1, "unsubscribed": 1}
    assert (found.submitted, found.done) == (1, True)
    assert [m.recipient.text for m in newsroom.taken(services)] == ["r3@example.org"]


@pytest.mark.usefixtures("every_look")
def test_who_leaves_while_the_server_thinks_gets_nothing(services: Services) -> None:
    issue_id = newsroom.publish(services, 1)
    newsroom.start(services, issue_id)

    def leave_at_data(stage: str, _nth: int) -> str | None:
        if stage == "DATA":
            with writing(services.engine) as session:
                person = session.scalars(select(Subscriber)).one()
                leaving.leave(
                    session, public_id=person.public_id, publication_id=1, how="page",
                    wording="left", now=now(),
                )  # fmt: skip
        return None

    with ScriptedServer(leave_at_data) as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
    assert server.kept == []
    assert newsroom.counts(services, issue_id).skipped == {"unsubscribed": 1}


def test_an_unknown_mailbox_is_refused_barred_and_harms_nobody_else(services: Services) -> None:
    issue_id = newsroom.publish(services, 3)
    newsroom.start(services, issue_id)
    with ScriptedServer(nth("RCPT", 2, "550 5.1.1 <r2@example.org> who?")) as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
    rows = newsroom.rows(services, issue_id)
    assert [(row.state, row.reason) for row in rows] == [
        ("submitted", None),
        ("refused", "hard_bounce"),
        ("submitted", None),
    ]
    assert rows[1].answer == "550 5.1.1 <[address]> who?"
    with reading(services.engine) as session:
        barred = session.scalars(select(Suppression)).one()
        assert barred.reason == "hard_bounce"
        assert barred.address_index == services.sealer.blind_index("r2@example.org")


def test_greylisting_is_waited_out(services: Services) -> None:
    with (
        time_machine.travel("2026-11-23T02:30:00Z", tick=False) as clock,
        ScriptedServer(nth("RCPT", 1, "451 4.7.1 greylisted")) as server,
    ):
        issue_id = newsroom.publish(services, 1)
        newsroom.start(services, issue_id)
        smtp = newsroom.over_smtp(services, server.port)
        newsroom.work_off(smtp)
        (row,) = newsroom.rows(services, issue_id)
        assert (row.state, row.attempts) == ("planned", 1)
        assert row.not_before_at is not None
        assert timedelta(minutes=5) <= row.not_before_at - now() <= timedelta(minutes=6.25)
        clock.shift(timedelta(minutes=4))
        newsroom.work_off(smtp)
        assert server.commands.count("DATA") == 0
        clock.shift(timedelta(minutes=3))
        newsroom.work_off(smtp)
    assert newsroom.counts(services, issue_id).submitted == 1
    assert newsroom.status(services, issue_id)[0] == "sent"


def test_what_is_put_off_for_ever_is_given_up(services: Services) -> None:
    tries = 0
    with (
        time_machine.travel("2026-11-23T02:30:00Z", tick=False) as clock,
        ScriptedServer(lambda at, nth: "452 4.2.2 full" if at == "RCPT" else None) as server,
    ):
        issue_id = newsroom.publish(services, 1)
        newsroom.start(services, issue_id)
        smtp = newsroom.over_smtp(services, server.port)
        while newsroom.status(services, issue_id)[0] == "sending":
            newsroom.work_off(smtp)
            clock.shift(timedelta(minutes=10))
            tries += 1
            assert tries < 100
    (row,) = newsroom.rows(services, issue_id)
    assert (row.state, row.reason) == ("refused", "gave_up")
    with reading(services.engine) as session:
        launched_at = session.get_one(Issue, issue_id).launched_at
    assert launched_at is not None
    assert row.changed_at - launched_at >= timedelta(hours=12)
    assert 10 < row.attempts < 20


def test_two_readers_a_server_will_not_serve_stop_nobody_and_can_be_sent_to_again(
    services: Services,
) -> None:
    script = lambda at, nth: "550 5.7.1 not that one" if at == "RCPT" and nth != 2 else None  # noqa: E731
    with (
        time_machine.travel("2026-11-23T02:30:00Z", tick=False) as clock,
        ScriptedServer(script) as server,
    ):
        issue_id = newsroom.publish(services, 3)
        newsroom.start(services, issue_id)
        smtp = newsroom.over_smtp(services, server.port)
        for _ in range(100):
            newsroom.work_off(smtp)
            clock.shift(timedelta(minutes=10))
        assert newsroom.status(services, issue_id) == ("sent", None)
        rows = newsroom.rows(services, issue_id)
        assert [(row.state, row.reason) for row in rows] == [
            ("refused", "policy"),
            ("submitted", None),
            ("refused", "policy"),
        ]
        with reading(services.engine) as session:
            listed = refused(session, issue_id)
        assert [row["delivery"] for row in listed] == [rows[0].id, rows[2].id]
        assert listed[0]["answer"] == "550 5.7.1 not that one"
        with writing(services.engine) as session:
            issue = session.get_one(Issue, issue_id)
            with pytest.raises(NotAllowedNow, match="was refused"):
                settle(session, issue, rows[0].id, "submitted", now())
            settle(session, issue, rows[0].id, "planned", now())
        assert newsroom.status(services, issue_id)[0] == "sending"
        newsroom.work_off(smtp)
        assert newsroom.rows(services, issue_id)[0].state == "planned", "it gets its tries anew"
    with time_machine.travel("2026-11-24T02:30:00Z", tick=False), ScriptedServer() as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
        assert [kept.recipient for kept in server.kept] == ["r1@example.org"]
    assert newsroom.counts(services, issue_id).done
    assert newsroom.status(services, issue_id)[0] == "sent"


def test_all_in_doubt_are_settled_alike_and_nobody_else(any_services: Services) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 4)
    newsroom.start(services, issue_id)
    script = {("DOT", 1): DROP, ("RCPT", 2): "550 5.1.1 nobody", ("DOT", 2): DROP}
    with ScriptedServer(lambda stage, count: script.get((stage, count))) as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
    states = [row.state for row in newsroom.rows(services, issue_id)]
    assert sorted(states) == ["refused", "submitted", "unknown", "unknown"]
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        assert settle_all(session, issue, "submitted", now()) == 2
        with pytest.raises(NotFound, match="no delivery in doubt"):
            settle_all(session, issue, "planned", now())
    states = [row.state for row in newsroom.rows(services, issue_id)]
    assert sorted(states) == ["refused", "submitted", "submitted", "submitted"]
    assert newsroom.counts(services, issue_id).done


def test_suppressed_among_all_in_doubt_are_named_and_stay(any_services: Services) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 3)
    newsroom.start(services, issue_id)
    lost = nth("DOT", 1, DROP), nth("DOT", 2, DROP)
    with ScriptedServer(lambda stage, n: lost[0](stage, n) or lost[1](stage, n)) as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
    lost_ones = [row for row in newsroom.rows(services, issue_id) if row.state == "unknown"]
    barred, other = (row.id for row in lost_ones)
    with writing(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        reader = lost_ones[0].subscriber_id
        assert reader is not None
        suppression.suppress_reader(session, reader, "manual", now())
        assert suppressed_among_doubtful(session, issue) == [barred]
        assert settle_all(session, issue, "planned", now()) == 1
    states = {row.id: row.state for row in newsroom.rows(services, issue_id)}
    assert (states[barred], states[other]) == ("unknown", "planned")


def test_a_lost_answer_is_listed_and_never_sent_again_by_itself(any_services: Services) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 3)
    newsroom.start(services, issue_id)
    with ScriptedServer(nth("DOT", 2, DROP)) as server:
        smtp = newsroom.over_smtp(services, server.port)
        newsroom.work_off(smtp)
        newsroom.work_off(smtp)
        assert len(server.kept) == 3
        found = newsroom.counts(services, issue_id)
        assert (found.submitted, found.unknown, found.balanced) == (2, 1, True)
        with reading(services.engine) as session:
            (listed,) = doubtful(session, issue_id)
        assert listed["answer"] == "no answer: hung up"
        with writing(services.engine) as session:
            issue = session.get_one(Issue, issue_id)
            with pytest.raises(NotAllowedNow, match="only what is unknown or refused"):
                settle(session, issue, listed["delivery"] - 1, "planned", now())
            with pytest.raises(InputError):
                settle(session, issue, listed["delivery"], "refused", now())
            settle(session, issue, listed["delivery"], "planned", now())
        newsroom.work_off(smtp)
    assert newsroom.counts(services, issue_id).submitted == 3
    ids = [kept.message_id for kept in server.kept]
    assert (len(ids), len(set(ids))) == (4, 3), "sent twice by decision, under the same id"


def test_an_answer_is_written_down_when_the_database_is_busy(services: Services) -> None:
    issue_id = newsroom.publish(services, 1)
    newsroom.start(services, issue_id)
    narrow = create_engine(
        services.engine.url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.1
    )

    def take_the_only_connection(_count: int) -> None:
        threading.Timer(0.5, narrow.connect().close).start()

    with ScriptedServer(on_kept=take_the_only_connection) as server:
        smtp = replace(newsroom.over_smtp(services, server.port), engine=narrow)
        line = Line(newsroom.crew(smtp))
        line.round()
        line.hang_up()
    narrow.dispose()
    assert [row.state for row in newsroom.rows(services, issue_id)] == ["submitted"]


def test_two_workers_on_postgresql_share_without_doubling(any_services: Services) -> None:
    services = any_services
    if services.engine.dialect.name == "sqlite":
        with pytest.raises(Exception, match="already sending"):
            first, second = Worker(services), Worker(services)
            try:
                first.step()
                second.step()
            finally:
                first.close()
        return
    issue_id = newsroom.publish(services, 120)
    newsroom.start(services, issue_id)
    with ScriptedServer() as server:
        smtp = newsroom.over_smtp(services, server.port)
        threads = [threading.Thread(target=newsroom.work_off, args=(smtp,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    assert len({kept.recipient for kept in server.kept}) == len(server.kept) == 120
    assert newsroom.counts(services, issue_id).submitted == 120


def test_a_proof_is_marked_and_leaves_no_trace(services: Services) -> None:
    issue_id = newsroom.publish(services, 2)
    with reading(services.engine) as session:
        issue = session.get_one(Issue, issue_id)
        answers = send_test(services, issue, "my", ["editor@example.org"], now())
    assert answers == ["250 2.0.0 kept in memory"]
    (envelope,) = newsroom.taken(services)
    mail = message_from_bytes(envelope.data, policy=policy.default)
    assert mail["Subject"] == "[TEST] စောင့်ဆိုင်းရသော တစ်ပတ်"
    token = str(mail["List-Unsubscribe"]).partition("/u/")[2].partition(">")[0]
    assert services.signer.read(token, Purpose.TEST).subject.int == 0
    assert newsroom.rows(services, issue_id) == []
    with reading(services.engine) as session, pytest.raises(InputError):
        send_test(services, session.get_one(Issue, issue_id), "my", ["no address"], now())
    with reading(services.engine) as session:
        assert session.scalars(select(Delivery)).all() == []
