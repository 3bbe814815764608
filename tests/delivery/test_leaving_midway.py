"""U15: what readers decide while an issue is going out holds for the very next message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.tokens import Claim, Purpose
from newsletter.delivery.models import Delivery
from newsletter.web import application
from newsletter.web.server import WebServer
from subscribers import directory, preferences, spool
from subscribers.audience import standing
from subscribers.erasing import erase
from subscribers.models import Subscriber, Suppression
from subscribers.preferences import Choice
from subscribers.spool import Leaving
from tests.delivery import newsroom
from tests.smtp_server import ScriptedServer

pytestmark = pytest.mark.usefixtures("every_look")


@dataclass(frozen=True)
class Readers:
    """The readers r1, r2 … of an issue by their number, and what each may press."""

    services: Services
    url: str

    def public_id(self, number: int) -> UUID:
        """As it stands in links."""
        services = self.services
        index = services.sealer.blind_index(f"r{number}@example.org")
        with reading(services.engine) as session:
            wanted = select(Subscriber.public_id).where(Subscriber.address_index == index)
            return session.scalars(wanted).one()

    def press(self, number: int, purpose: Purpose, fields: dict[str, str]) -> None:
        """A button, over HTTP."""
        token = self.services.signer.sign(Claim(self.public_id(number), 1, purpose))
        path = "u" if purpose is Purpose.UNSUBSCRIBE else "p"
        answer = httpx.post(f"{self.url}/{path}/{token}", data=fields, trust_env=False)
        assert answer.status_code == 200


def _recipients(server: ScriptedServer) -> list[str]:
    return [kept.recipient.partition("@")[0] for kept in server.kept]


def _sent_while(services: Services, at: int, deed: Callable[[Readers], None]) -> list[str]:
    """Who got an issue of 20 when something is done the moment message `at` was taken."""
    issue_id = newsroom.publish(services, 20)
    newsroom.start(services, issue_id)
    web = WebServer(application.build(services), "127.0.0.1", 0)
    web.start()
    readers = Readers(services, web.url)
    try:
        kept = lambda count: deed(readers) if count == at else None  # noqa: E731
        with ScriptedServer(on_kept=kept) as server:
            newsroom.work_off(newsroom.over_smtp(services, server.port))
    finally:
        web.stop()
    assert newsroom.counts(services, issue_id).balanced
    return _recipients(server)


def test_u15_leaving_pausing_and_erasing_hold_for_the_next_message(
    any_services: Services,
) -> None:
    def deed(readers: Readers) -> None:
        readers.press(6, Purpose.UNSUBSCRIBE, {"List-Unsubscribe": "One-Click"})
        readers.press(7, Purpose.UNSUBSCRIBE, {"leave": "1"})
        readers.press(9, Purpose.PREFERENCES, {"edition": "en", "pause": "2"})
        readers.press(11, Purpose.PREFERENCES, {"erase": "yes"})

    got = _sent_while(any_services, 5, deed)
    assert got == [f"r{n}" for n in range(1, 21) if n not in {6, 7, 9, 11}]
    with reading(any_services.engine) as session:
        skipped = select(Delivery.reason).where(Delivery.state == "skipped").order_by(Delivery.id)
        assert session.scalars(skipped).all() == [
            "unsubscribed", "unsubscribed", "paused", "erased",
        ]  # fmt: skip


def test_u15_a_wish_the_database_has_not_heard_of_holds_as_well(services: Services) -> None:
    def deed(readers: Readers) -> None:
        wish = Leaving(readers.public_id(6), 1, "one_click", "the button", now())
        spool.keep(services.settings.home, wish)

    assert _sent_while(services, 5, deed) == [f"r{n}" for n in range(1, 21) if n != 6]
    with reading(services.engine) as session:
        skipped = select(Delivery.reason).where(Delivery.state == "skipped")
        assert session.scalars(skipped).all() == ["unsubscribed"]


@pytest.mark.parametrize(("stage", "visit"), [("MAIL", 6), ("RCPT", 6)])
def test_a_wish_noted_while_the_own_message_is_handed_over_holds_too(
    any_services: Services, stage: str, visit: int
) -> None:
    issue_id = newsroom.publish(any_services, 7)
    newsroom.start(any_services, issue_id)

    def note(at: str, count: int) -> None:
        if (at, count) == (stage, visit):
            who = Readers(any_services, "").public_id(6)
            wish = Leaving(who, 1, "one_click", "the button", now())
            spool.keep(any_services.settings.home, wish)

    with ScriptedServer(note) as server:
        newsroom.work_off(newsroom.over_smtp(any_services, server.port))
    assert _recipients(server) == ["r1", "r2", "r3", "r4", "r5", "r7"]
    assert newsroom.rows(any_services, issue_id)[5].reason == "unsubscribed"


@pytest.mark.parametrize(
    ("stage", "visit", "answer", "left"),
    [
        ("MAIL", 1, None, ("skipped", "erased")),  # before it is looked at
        ("RCPT", 2, None, ("skipped", "erased")),  # before its body leaves
        ("RCPT", 2, "550 5.1.1 no such user here", ("refused", "hard_bounce")),
    ],
)
def test_whoever_joins_while_another_is_erased_inherits_nothing(
    any_services: Services, stage: str, visit: int, answer: str | None, left: tuple[str, str]
) -> None:
    """SQLite gives the number of the last row out again."""
    issue_id = newsroom.publish(any_services, 2)
    newsroom.start(any_services, issue_id)

    def replace_the_second(at: str, count: int) -> str | None:
        if (at, count) != (stage, visit):
            return None
        with writing(any_services.engine) as session:
            person = directory.find(session, any_services.sealer, "r2@example.org")
            assert person
            sealer = any_services.sealer
            erase(session, sealer, subscriber_id=person.id, how="page", now=now())
        with writing(any_services.engine) as session:
            newsroom.enrol(any_services, session, 1, ["newcomer"])
        return answer

    with ScriptedServer(replace_the_second) as server:
        newsroom.work_off(newsroom.over_smtp(any_services, server.port))
    assert _recipients(server) == ["r1"]
    row = newsroom.rows(any_services, issue_id)[1]
    assert (row.state, row.reason) == left
    with reading(any_services.engine) as session:
        assert session.scalars(select(Suppression.reason)).all() == ["erased"]
        index = any_services.sealer.blind_index("newcomer@example.org")
        found = select(Subscriber.id).where(Subscriber.address_index == index)
        assert standing(session, session.scalars(found).one(), 1) is None


def test_who_is_erased_while_the_server_refuses_stops_nobody(any_services: Services) -> None:
    issue_id = newsroom.publish(any_services, 3)
    newsroom.start(any_services, issue_id)

    def refuse_the_second(stage: str, visit: int) -> str | None:
        if (stage, visit) != ("RCPT", 2):
            return None
        with writing(any_services.engine) as session:
            person = directory.find(session, any_services.sealer, "r2@example.org")
            assert person
            sealer = any_services.sealer
            erase(session, sealer, subscriber_id=person.id, how="page", now=now())
        return "550 5.1.1 no such user here"

    with ScriptedServer(refuse_the_second) as server:
        newsroom.work_off(newsroom.over_smtp(any_services, server.port))
    assert _recipients(server) == ["r1", "r3"]
    with reading(any_services.engine) as session:
        assert session.scalars(select(Suppression.reason)).all() == ["erased"]


def test_who_wants_text_alone_gets_it_over_the_wire(services: Services) -> None:
    issue_id = newsroom.publish(services, 4)
    with writing(services.engine) as session:
        for number in (2, 3):
            index = services.sealer.blind_index(f"r{number}@example.org")
            reader = session.scalars(
                select(Subscriber).where(Subscriber.address_index == index)
            ).one()
            done = preferences.choose(
                session, public_id=reader.public_id, publication_id=1,
                choice=Choice(newsroom.EDITIONS[number - 1], text_only=True), now=now(),
            )  # fmt: skip
            assert done == "changed"
    newsroom.start(services, issue_id)
    with ScriptedServer() as server:
        newsroom.work_off(newsroom.over_smtp(services, server.port))
    kinds = [message_from_bytes(kept.data).get_content_type() for kept in server.kept]
    whole, alone = "multipart/alternative", "text/plain"
    assert kinds == [whole, alone, alone, whole]
    links = [kept.data.count(b"List-Unsubscribe: ") for kept in server.kept]
    assert links == [1, 1, 1, 1]


@pytest.mark.parametrize(("weeks", "later"), [(1, "2026-11-30"), (2, "2026-12-07")])
def test_a_pause_leaves_out_as_many_issues_as_it_has_weeks(
    services: Services, weeks: int, later: str
) -> None:
    slot = datetime.fromisoformat("2026-11-23T09:00:00+06:30")
    issue_id = newsroom.publish(services, 2, at=slot)
    with writing(services.engine) as session:
        reader = session.scalars(select(Subscriber).order_by(Subscriber.id)).first()
        assert reader
        pausing = Choice("en", text_only=False, pause_weeks=weeks)
        preferences.choose(
            session, public_id=reader.public_id, publication_id=1, choice=pausing, now=slot
        )
    launched = newsroom.start(services, issue_id, at=slot)
    assert (launched.planned, launched.skipped) == (1, 1)
    with reading(services.engine) as session:
        for day, reason in ((later, None), ("2026-11-29", "paused")):
            at = datetime.fromisoformat(f"{day}T09:00:00+06:30")
            assert standing(session, reader.id, 1, at) == reason
