"""The delivery room over each HTTP provider: every answer comes to its state in the ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import writing
from newsletter.delivery import notices, notifying
from newsletter.delivery.states import State
from tests.delivery import newsroom
from tests.http_server import DROP, HttpServer, answer
from tests.providers.fakes import FAKES, SECRET, Fake, http

EVERY = pytest.mark.parametrize("fake", FAKES, ids=lambda fake: fake.name)


def over(services: Services, fake: Fake, endpoint: str) -> Services:
    """The same installation, sending through this fake over one line."""
    settings = services.settings
    chosen = {"provider": fake.name, "connections": 1}
    changed = {
        "delivery": settings.delivery.model_copy(update=chosen),
        "http": http(),
        fake.name: fake.section(endpoint),
    }
    return replace(services, settings=settings.model_copy(update=changed))


@EVERY
def test_each_answer_comes_to_its_state(services: Services, fake: Fake) -> None:
    replies = [fake.yes, DROP, answer(429), fake.no_such_recipient[0], fake.yes]
    issue_id = newsroom.publish(services, len(replies))
    newsroom.start(services, issue_id)
    with HttpServer(lambda _asked, nth: replies[nth - 1]) as server:
        newsroom.work_off(over(services, fake, server.url))
        recipients = [fake.checked(asked).recipients for asked in server.kept]
    assert recipients == [[f"r{n}@example.org"] for n in range(1, 6)]
    rows = newsroom.rows(services, issue_id)
    assert [row.state for row in rows] == [
        *(State.SUBMITTED, State.UNKNOWN, State.PLANNED, State.REFUSED, State.SUBMITTED)
    ]
    assert rows[3].reason == "recipient"
    assert not any("example.org" in (row.answer or "") for row in rows)


@EVERY
def test_a_notice_to_the_editors_is_carried(services: Services, fake: Fake) -> None:
    """Brevo takes nothing without HTML."""
    newsroom.publish(services, 1)
    with writing(services.engine) as session:
        notices.raise_(session, 1, 1, "errors", "{{ the road }} “ပိတ်ထားသည်”", now())
    with HttpServer(lambda _asked, _nth: fake.yes) as server:
        sending = over(services, fake, server.url)
        told = sending.settings.notices.model_copy(update={"to": ["desk@example.org"]})
        settings = sending.settings.model_copy(update={"notices": told})
        assert notifying.mail_due(replace(sending, settings=settings), now()) == 1
        (asked,) = server.kept
        mail = fake.checked(asked)
    assert mail.recipients == ["desk@example.org"]
    assert "ပိတ်ထားသည်" in mail.text
    assert "ပိတ်ထားသည်" in mail.html


@EVERY
def test_a_wrong_key_pauses_the_issue_and_everybody_waits(services: Services, fake: Fake) -> None:
    issue_id = newsroom.publish(services, 3)
    newsroom.start(services, issue_id)
    with HttpServer(lambda _asked, _nth: answer(401, f"wrong key {SECRET}")) as server:
        newsroom.work_off(over(services, fake, server.url))
        assert len(server.kept) == 1
    status, reason = newsroom.status(services, issue_id)
    assert status == "paused"
    assert reason is not None
    assert f"[{fake.name}]" in reason
    assert SECRET not in reason
    assert {(row.state, row.attempts) for row in newsroom.rows(services, issue_id)} == {
        (State.PLANNED, 0)
    }
