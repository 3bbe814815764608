"""Doubts that a provider's own memory settles, over real HTTP, and never by a second mail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from newsletter.app import Services
from newsletter.core.db import writing
from newsletter.core.routing_settings import Route
from newsletter.delivery import doubts, message_ids
from newsletter.delivery.press import Press
from newsletter.delivery.recovering import INTERRUPTED
from newsletter.editorial.models import Issue, Publication
from subscribers import leaving
from subscribers.audience import public_id_of
from tests.delivery import newsroom
from tests.delivery.returns import T0, delivery, put, taken
from tests.http_server import DROP, Asked, HttpServer, answer
from tests.providers.fakes import BrevoFake, Fake, MailgunFake, ResendFake, http, said
from tests.providers.test_looking_up import log

HOUR = timedelta(hours=1)


class Remembering:
    """Resend as it is: a key that comes again within its life gets the first answer and no mail;
    with another body it is refused."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.asked = 0
        self.answers: list[bytes] = []

    def __call__(self, asked: Asked, _nth: int) -> bytes:
        self.asked += 1
        key = asked.headers["idempotency-key"]
        if self.bodies.setdefault(key, asked.body) != asked.body:
            return said(409, {"name": "invalid_idempotent_request", "message": "another body"})
        return self.answers.pop(0) if self.answers else ResendFake.yes


@contextmanager
def _through(services: Services, fake: Fake, script: Any) -> Iterator[Services]:
    with HttpServer(script) as server:
        settings = services.settings
        changed = {
            "delivery": settings.delivery.model_copy(update={"provider": fake.name}),
            fake.name: fake.section(server.url),
            "http": http(),
        }
        yield replace(services, settings=settings.model_copy(update=changed))


def _in_doubt(services: Services, provider: str, *, since: datetime = T0) -> int:
    """A delivery whose only try began at T0 and whose answer was lost."""
    issue_id = newsroom.publish(services, 1)
    (first,) = taken(services, issue_id)
    values = {"state": "unknown", "submitted_at": None, "turn": 1, "owner": "host:1:ff"}
    put(services, first, provider=provider, changed_at=since, attempts=1, **values)
    _turn(services, 1, T0)
    return first


def _turn(services: Services, turn: int, at: datetime) -> None:
    from sqlalchemy import update

    from newsletter.delivery.models import Chunk

    with writing(services.engine) as session:
        session.execute(update(Chunk).values(turn=turn, turn_at=at))


def _by_key(services: Services, at: datetime) -> int:
    with time_machine.travel(at, tick=False):
        return doubts.settle_by_key(services, Press(services), at)


def test_the_same_message_with_the_same_key_settles_a_doubt(any_services: Services) -> None:
    first = _in_doubt(any_services, "resend")
    resend = Remembering()
    resend.answers = [DROP, DROP]
    with _through(any_services, ResendFake(), resend) as services:
        assert _by_key(services, T0 + timedelta(minutes=1)) == 0
        assert delivery(services, first) == ("unknown", None)
        assert _by_key(services, T0 + timedelta(minutes=1, seconds=30)) == 0
        assert resend.asked == 1  # not again at once
        assert _by_key(services, T0 + timedelta(minutes=5)) == 0
        assert _by_key(services, T0 + timedelta(minutes=60)) == 1
        assert delivery(services, first) == ("submitted", None)
        assert _by_key(services, T0 + timedelta(minutes=90)) == 0
    assert (resend.asked, len(resend.bodies)) == (3, 1)
    assert next(iter(resend.bodies)).startswith(message_ids.unique(any_services.ring.index, first))


@pytest.mark.parametrize(
    ("fake", "inside", "outside"),
    [
        (ResendFake(), timedelta(hours=23), timedelta(hours=23, minutes=31)),
        (BrevoFake(), timedelta(minutes=11), timedelta(minutes=13)),
    ],
    ids=["resend", "brevo"],
)
def test_nothing_is_tried_when_the_key_may_be_forgotten(
    services: Services, fake: Fake, inside: timedelta, outside: timedelta
) -> None:
    _in_doubt(services, fake.name)
    asked: list[Asked] = []

    def yes(one: Asked, _nth: int) -> bytes:
        asked.append(one)
        return fake.yes

    with _through(services, fake, yes) as through:
        assert _by_key(through, T0 + outside) == 0
        assert asked == []
        assert _by_key(through, T0 + inside) == 1


def test_an_earlier_turn_may_have_been_the_first_try(services: Services) -> None:
    """Then the launch counts: the chunk's present turn began later than the message left."""
    _in_doubt(services, "resend")
    _turn(services, 2, T0 + 20 * HOUR)
    with _through(services, ResendFake(), Remembering()) as through:
        assert _by_key(through, T0 + 25 * HOUR) == 0
        assert _by_key(through, T0 + 21 * HOUR) == 1


@pytest.mark.parametrize("status", ["paused", "cancelled"])
def test_a_stopped_issue_tries_nothing(services: Services, status: str) -> None:
    _in_doubt(services, "resend")
    with writing(services.engine) as session:
        session.get_one(Issue, 1).status = status
    resend = Remembering()
    with _through(services, ResendFake(), resend) as through:
        assert _by_key(through, T0 + HOUR) == 0
    assert resend.asked == 0


def test_whoever_left_meanwhile_is_not_written_to(services: Services) -> None:
    first = _in_doubt(services, "resend")
    with writing(services.engine) as session:
        leaving.leave(
            session, public_id=public_id_of(session, 1), publication_id=1, how="page",
            wording="left", now=T0,
        )  # fmt: skip
    resend = Remembering()
    with _through(services, ResendFake(), resend) as through:
        assert _by_key(through, T0 + HOUR) == 0
    assert (resend.asked, delivery(services, first)) == (0, ("unknown", None))


def test_in_quiet_hours_nothing_is_tried(services: Services) -> None:
    _in_doubt(services, "resend")
    with writing(services.engine) as session:
        session.get_one(Publication, 1).quiet_hours = "09:00-11:00"  # T0 is 09:00 in Yangon
    resend = Remembering()
    with _through(services, ResendFake(), resend) as through:
        assert _by_key(through, T0 + HOUR) == 0
        assert _by_key(through, T0 + 3 * HOUR) == 1
    assert resend.asked == 1


def test_any_answer_but_yes_leaves_the_doubt(services: Services) -> None:
    """Also a no: what was taken before may have been another matter."""
    first = _in_doubt(services, "resend")
    resend = Remembering()
    resend.answers = [ResendFake.no_such_recipient[0], ResendFake.put_off[0]]
    with _through(services, ResendFake(), resend) as through:
        assert _by_key(through, T0 + HOUR) == 0
        assert _by_key(through, T0 + 3 * HOUR) == 0
    assert (resend.asked, delivery(services, first)) == (2, ("unknown", None))


@pytest.mark.parametrize(
    ("neighbour", "others", "settled"),
    [("resend", (), 1), (None, (), 0), ("smtp", (), 0), ("resend", ("smtp",), 0)],
)
def test_after_a_kill_it_must_be_certain_who_may_have_it(
    services: Services, neighbour: str | None, others: tuple[str, ...], settled: int
) -> None:
    issue_id = newsroom.publish(services, 2)
    first, second = taken(services, issue_id)
    put(services, second, provider=neighbour)
    values = {"state": "unknown", "submitted_at": None, "turn": 1, "answer": INTERRUPTED}
    put(services, first, provider=None, changed_at=T0, **values)
    _turn(services, 1, T0)
    resend = Remembering()
    with _through(services, ResendFake(), resend) as through:
        route = [Route(providers={"resend": 1.0, **dict.fromkeys(others, 1.0)})] if others else []
        settings = through.settings.model_copy(update={"routes": tuple(route)})
        assert _by_key(replace(through, settings=settings), T0 + HOUR) == settled
    assert resend.asked == settled


def test_a_provider_without_a_key_is_never_asked_to_take_it_again(services: Services) -> None:
    first = _in_doubt(services, "memory")
    assert _by_key(services, T0 + HOUR) == 0
    assert (newsroom.taken(services), delivery(services, first)[0]) == ([], "unknown")


class Log:
    """Mailgun's log: what stands in it is said by the test."""

    def __init__(self) -> None:
        self.holds: list[str] = []
        self.asked = 0
        self.broken = False

    def __call__(self, asked: Asked, _nth: int) -> bytes:
        self.asked += 1
        assert asked.line.startswith("GET ")
        if self.broken:
            return answer(500, "?")
        return said(200, log(MailgunFake(), *self.holds))


def _policy(services: Services, policy: str) -> None:
    with writing(services.engine) as session:
        session.get_one(Publication, 1).unknown_policy = policy


def _look(services: Services, at: datetime) -> int:
    with time_machine.travel(at, tick=False):
        return doubts.look(services, at)


def test_what_stands_in_the_log_was_taken(any_services: Services) -> None:
    first = _in_doubt(any_services, "mailgun")
    _policy(any_services, "look")
    mailgun = Log()
    mailgun.holds = [message_ids.unique(any_services.ring.index, first)]
    with _through(any_services, MailgunFake(), mailgun) as services:
        assert _look(services, T0 + timedelta(minutes=14)) == 0
        assert mailgun.asked == 0
        assert _look(services, T0 + timedelta(minutes=16)) == 1
    assert delivery(any_services, first) == ("submitted", None)


def test_what_is_twice_not_in_the_log_goes_out_again(any_services: Services) -> None:
    first = _in_doubt(any_services, "mailgun")
    _policy(any_services, "look")
    mailgun = Log()
    with _through(any_services, MailgunFake(), mailgun) as services:
        assert _look(services, T0 + timedelta(minutes=20)) == 0  # it may be written later
        assert _look(services, T0 + timedelta(minutes=70)) == 0
        assert delivery(services, first) == ("unknown", "not_taken")
        assert _look(services, T0 + timedelta(minutes=80)) == 0
        assert mailgun.asked == 2
        assert _look(services, T0 + timedelta(minutes=101)) == 1
    assert delivery(any_services, first) == ("planned", None)


def test_a_log_that_is_asked_too_early_after_the_message_left_does_not_count(
    services: Services,
) -> None:
    """The turn began at T0, but it may have left just before it became unknown, two hours later."""
    first = _in_doubt(services, "mailgun", since=T0 + 2 * HOUR)
    _policy(services, "look")
    with _through(services, MailgunFake(), Log()) as through:
        assert _look(through, T0 + 2 * HOUR + timedelta(minutes=20)) == 0
        assert delivery(services, first) == ("unknown", None)
        assert _look(through, T0 + 3 * HOUR + timedelta(minutes=5)) == 0
        assert delivery(services, first) == ("unknown", "not_taken")


class TwoNames(Log):
    """A log that holds the message under its neutral name; asked for the exact Message-ID."""

    def __call__(self, asked: Asked, _nth: int) -> bytes:
        self.asked += 1
        held = "plain.example" in asked.line
        return said(200, log(MailgunFake(), *(self.holds if held else [])))


def test_a_discreet_message_is_looked_for_under_both_names(services: Services) -> None:
    """Else its log would say that it never had it, and the reader would get it twice."""
    first = _in_doubt(services, "mailgun")
    _policy(services, "look")
    with writing(services.engine) as session:
        session.get_one(Publication, 1).discreet = {"address": "notes@plain.example"}
    mailgun = TwoNames()
    mailgun.holds = [message_ids.unique(services.ring.index, first)]
    with _through(services, MailgunFake(), mailgun) as through:
        assert _look(through, T0 + timedelta(minutes=20)) == 1
    assert mailgun.asked == 2
    assert delivery(services, first) == ("submitted", None)


def test_a_log_that_cannot_be_read_decides_nothing(services: Services) -> None:
    first = _in_doubt(services, "mailgun")
    _policy(services, "look")
    mailgun = Log()
    mailgun.broken = True
    with _through(services, MailgunFake(), mailgun) as through:
        for hour in range(1, 5):
            assert _look(through, T0 + hour * HOUR) == 0
    assert delivery(services, first) == ("unknown", None)


def test_nobody_looks_unless_the_publication_wants_it(services: Services) -> None:
    _in_doubt(services, "mailgun")
    mailgun = Log()
    with _through(services, MailgunFake(), mailgun) as through:
        assert _look(through, T0 + 2 * HOUR) == 0
    assert mailgun.asked == 0
