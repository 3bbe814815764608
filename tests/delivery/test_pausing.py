"""Pausing: when the issue must wait, why, and that nobody is blamed or lost for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import writing
from newsletter.delivery import pausing
from newsletter.editorial.models import Issue
from tests.delivery import newsroom
from tests.smtp_server import ScriptedServer

pytestmark = pytest.mark.usefixtures("every_look")


@pytest.mark.parametrize(
    ("stage", "reply", "advice"),
    [
        ("EHLO", "250 test.example", "offers no login"),
        ("MAIL", "530 5.7.0 Must issue a STARTTLS command first", "smtp.security"),
    ],
)
def test_what_would_hit_everybody_pauses_the_issue_and_blames_nobody(
    services: Services, stage: str, reply: str, advice: str
) -> None:
    issue_id = newsroom.publish(services, 5)
    newsroom.start(services, issue_id)
    with ScriptedServer(lambda at, nth: reply if at == stage else None) as server:
        username = "desk" if stage == "EHLO" else ""
        smtp = newsroom.over_smtp(services, server.port, username)
        newsroom.work_off(smtp)
        status, reason = newsroom.status(services, issue_id)
        assert status == "paused"
        assert advice in (reason or "")
        assert newsroom.counts(services, issue_id).planned == 5
        assert {row.attempts for row in newsroom.rows(services, issue_id)} == {0}
    with ScriptedServer() as server:
        with writing(services.engine) as session:
            pausing.resume(session, session.get_one(Issue, issue_id), now())
        newsroom.work_off(newsroom.over_smtp(services, server.port))
    assert len(server.kept) == 5
    assert newsroom.status(services, issue_id) == ("sent", None)


def test_a_server_that_is_not_there_pauses_after_some_errors(services: Services) -> None:
    with ScriptedServer() as server:
        port = server.port
    issue_id = newsroom.publish(services, 40)
    newsroom.start(services, issue_id)
    newsroom.work_off(newsroom.over_smtp(services, port, pause_after_errors=3))
    status, reason = newsroom.status(services, issue_id)
    assert status == "paused"
    assert reason is not None
    assert reason.startswith("3 errors one after the other")
    assert f"no SMTP server answers at 127.0.0.1:{port}" in reason
    assert newsroom.counts(services, issue_id).planned == 40


def test_a_house_that_refuses_everybody_is_not_let_to_eat_the_audience(services: Services) -> None:
    issue_id = newsroom.publish(services, 40)
    newsroom.start(services, issue_id)
    broken = lambda at, nth: "554 5.6.0 unreadable" if at == "DOT" else None  # noqa: E731
    with ScriptedServer(broken) as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port, pause_after_errors=4))
    found = newsroom.counts(services, issue_id)
    assert (found.refused, found.planned) == (4, 36)
    assert newsroom.status(services, issue_id)[0] == "paused"


def test_a_relay_that_does_not_know_us_pauses_at_once_and_loses_nobody(services: Services) -> None:
    reply = "554 5.7.1 Relay access denied"
    with time_machine.travel("2026-11-23T02:30:00Z", tick=False) as clock:
        issue_id = newsroom.publish(services, 40)
        newsroom.start(services, issue_id)
        with ScriptedServer(lambda at, nth: reply if at == "RCPT" else None) as server:
            newsroom.work_off(newsroom.over_smtp(services, server.port))
            assert sum(line.startswith("RCPT") for line in server.commands) == 2
        status, reason = newsroom.status(services, issue_id)
        assert status == "paused"
        assert reply in (reason or "")
        assert newsroom.counts(services, issue_id).planned == 40
        with writing(services.engine) as session:
            pausing.resume(session, session.get_one(Issue, issue_id), now())
        with ScriptedServer() as server:
            newsroom.work_off(newsroom.over_smtp(services, server.port))
            clock.shift(timedelta(minutes=5))
            newsroom.work_off(newsroom.over_smtp(services, server.port))
    assert len({kept.recipient for kept in server.kept}) == len(server.kept) == 40
    assert newsroom.status(services, issue_id) == ("sent", None)


def test_a_pause_holds_before_the_next_message_and_a_cancel_ends_it(any_services: Services) -> None:
    services = any_services
    issue_id = newsroom.publish(services, 30)
    newsroom.start(services, issue_id)

    def editor(count: int) -> None:
        if count == 3:
            with writing(services.engine) as session:
                pausing.pause(session, session.get_one(Issue, issue_id), "a wrong name", now())

    with ScriptedServer(on_kept=editor) as server:
        smtp = newsroom.over_smtp(services, server.port)
        newsroom.work_off(smtp)
        assert len(server.kept) == 3
        found = newsroom.counts(services, issue_id)
        assert (found.submitted, found.planned, found.claimed) == (3, 27, 0)
        with writing(services.engine) as session:
            assert pausing.cancel(session, session.get_one(Issue, issue_id), now()) == 27
        newsroom.work_off(smtp)
    found = newsroom.counts(services, issue_id)
    assert (found.submitted, found.skipped, found.done) == (3, {"cancelled": 27}, True)
    assert newsroom.status(services, issue_id)[0] == "cancelled"


def test_a_pause_while_the_server_thinks_holds_the_message_back(services: Services) -> None:
    issue_id = newsroom.publish(services, 5)
    newsroom.start(services, issue_id)

    def pause_at_data(stage: str, count: int) -> str | None:
        if (stage, count) == ("DATA", 2):
            with writing(services.engine) as session:
                pausing.pause(session, session.get_one(Issue, issue_id), "wait", now())
        return None

    with ScriptedServer(pause_at_data) as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
    assert len(server.kept) == 1
    found = newsroom.counts(services, issue_id)
    assert (found.submitted, found.planned, found.open) == (1, 4, 4)


def test_a_message_put_off_while_the_issue_is_cancelled_is_not_planned_again(
    services: Services,
) -> None:
    issue_id = newsroom.publish(services, 2)
    newsroom.start(services, issue_id)

    def cancel_at_dot(stage: str, _nth: int) -> str | None:
        if stage != "DOT":
            return None
        with writing(services.engine) as session:
            pausing.cancel(session, session.get_one(Issue, issue_id), now())
        return "451 4.3.0 later"

    with ScriptedServer(cancel_at_dot) as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
    assert newsroom.counts(services, issue_id).skipped == {"cancelled": 2}


def test_content_that_is_not_what_was_approved_stays_here(services: Services) -> None:
    issue_id = newsroom.publish(services, 2)
    newsroom.start(services, issue_id)
    with writing(services.engine) as session:
        session.get_one(Issue, issue_id).editorials[0].body = "Something else."
    newsroom.work_off(services)
    assert newsroom.taken(services) == []
    status, reason = newsroom.status(services, issue_id)
    assert status == "paused"
    assert "no longer what was approved" in (reason or "")


def test_a_template_that_changes_while_an_issue_goes_out_stops_it(services: Services) -> None:
    """Half of the readers would have the mail that was approved, the others another one."""
    own = services.settings.home / "templates" / "mail" / "jump.html"
    own.parent.mkdir(parents=True)
    own.write_text("<p>Below</p>", encoding="utf-8")
    issue_id = newsroom.publish(services, 6)
    newsroom.start(services, issue_id)
    for changed in ("<p>Further down</p>", "<p>{{ nobody_knows }}</p>"):
        own.write_text(changed, encoding="utf-8")
        newsroom.work_off(services)
        status, reason = newsroom.status(services, issue_id)
        assert status == "paused"
        assert "your own templates back as they were" in (reason or "")
        assert newsroom.counts(services, issue_id).planned == 6
        with writing(services.engine) as session:
            pausing.resume(session, session.get_one(Issue, issue_id), now())
    own.write_text("<p>Below</p>", encoding="utf-8")
    newsroom.work_off(services)
    assert newsroom.status(services, issue_id)[0] == "sent"
    assert len(newsroom.taken(services)) == 6
