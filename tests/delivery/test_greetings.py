"""Welcome and goodbye: once, only where wanted, and never to whom they could hurt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import delete, select, update

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.tokens import Purpose
from newsletter.delivery import recovering, singles, transactional
from newsletter.delivery.models import Delivery
from newsletter.editorial.models import Publication
from newsletter.reports import person
from newsletter.worker import Worker
from subscribers import directory, erasing, hygiene, leaving, optin, suppression
from subscribers.models import Greeting, Subscriber, Subscription
from tests.delivery import front_desk, newsroom
from tests.smtp_server import ScriptedServer, nth

READER = "reader@example.org"
PLAIN = {"address": "notes@plain.example", "url": "https://plain.example"}


def _opened(services: Services, **values: object) -> int:
    """A publication that says goodbye too; the confirmation of its first reader has left."""
    number = front_desk.open_publication(services)
    with writing(services.engine) as session:
        session.execute(update(Publication).values({"goodbye_mail": True, **values}))
    return number


def _join(services: Services, publication_id: int, edition: str = "en") -> None:
    """Sign up and press, by the doors that the pages use."""
    front_desk.sign_up(services, publication_id, edition=edition)
    newsroom.work_off(services)
    mail = front_desk.read(newsroom.taken(services)[-1].data)
    token = front_desk.links(mail)[0]
    _press(services, publication_id, services.signer.read(token, Purpose.CONFIRM).subject)


def _press(services: Services, publication_id: int, public_id: UUID) -> None:
    with writing(services.engine) as session:
        said = optin.confirm(
            session,
            public_id=public_id,
            publication_id=publication_id,
            wording="Confirm subscription",
            now=now(),
            welcome=transactional.welcome,
        )
        assert said == "confirmed"


def _leave(services: Services, publication_id: int, how: str = "one_click") -> None:
    with writing(services.engine) as session:
        reader = session.scalars(select(Subscriber)).one()
        leaving.leave(
            session,
            public_id=reader.public_id,
            publication_id=publication_id,
            how=how,
            wording="Unsubscribe",
            now=now(),
            goodbye=transactional.goodbye,
        )


def _kinds(services: Services) -> list[tuple[str, str, str | None]]:
    with reading(services.engine) as session:
        rows = session.execute(
            select(Greeting.kind, Delivery.state, Delivery.reason)
            .join(Delivery, Delivery.greeting_id == Greeting.id)
            .order_by(Delivery.id)
        )
        return [(row[0], row[1], row[2]) for row in rows]


def _subjects(services: Services) -> list[str]:
    return [str(front_desk.read(one.data)["Subject"]) for one in newsroom.taken(services)]


def test_who_joins_is_welcomed_and_who_leaves_is_seen_off(any_services: Services) -> None:
    services = any_services
    publication_id = _opened(services)
    _join(services, publication_id)
    newsroom.work_off(services)
    _leave(services, publication_id)
    newsroom.work_off(services)
    assert _subjects(services) == [
        "Please confirm your subscription",
        "You are now subscribed",
        "You have been unsubscribed",
    ]
    assert _kinds(services) == [("welcome", "submitted", None), ("goodbye", "submitted", None)]
    with reading(services.engine) as session:
        assert transactional.greetings_standing(session) == {"submitted": 2}
        told = person.account(session, services.sealer, services.ring.index, READER, now())
        assert [message.kind for message in told.messages] == ["confirmation", "welcome", "goodbye"]


@pytest.mark.parametrize("edition", ["en", "my", "en+my"])
def test_welcome_leaves_by_one_press_and_carries_nothing(services: Services, edition: str) -> None:
    _join(services, _opened(services), edition)
    newsroom.work_off(services)
    mail = front_desk.read(newsroom.taken(services)[-1].data)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "/u/v1." in str(mail["List-Unsubscribe"])
    assert mail["Auto-Submitted"] == "auto-generated"
    assert str(mail["Content-Language"]) == edition.replace("+", ", ")
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    for kind in ("plain", "html"):
        text = front_desk.body(mail, kind)
        assert text.count("/u/v1.") == len(edition.split("+"))
        assert text.count("/p/v1.") == len(edition.split("+"))
        assert "desk@news.example" in text


def test_goodbye_has_no_link_that_knows_the_reader(services: Services) -> None:
    publication_id = _opened(services)
    _join(services, publication_id)
    _leave(services, publication_id)
    newsroom.work_off(services)
    mail = front_desk.read(newsroom.taken(services)[-1].data)
    assert "/s/weekly" in front_desk.body(mail, "plain")
    assert "v1." not in front_desk.body(mail, "html")
    assert mail["List-Unsubscribe"] is None


def test_only_where_the_publication_wants_them(services: Services) -> None:
    publication_id = _opened(services, welcome_mail=False, goodbye_mail=False)
    _join(services, publication_id)
    _leave(services, publication_id)
    assert _kinds(services) == []


def test_press_that_only_changes_the_edition_welcomes_nobody(services: Services) -> None:
    publication_id = _opened(services)
    _join(services, publication_id)
    with time_machine.travel(now() + timedelta(days=2), tick=False):
        _join(services, publication_id, "my")
        assert len(_kinds(services)) == 1


def _barred(services: Services, _publication_id: int) -> None:
    with writing(services.engine) as session:
        suppression.suppress(session, services.sealer.blind_index(READER), "complaint", now())


def _by_editor(services: Services, publication_id: int) -> None:
    with writing(services.engine) as session:
        directory.remove(session, services.sealer, publication_id, READER, now())


def _erased(services: Services, _publication_id: int) -> None:
    with writing(services.engine) as session:
        found = session.scalars(select(Subscriber.id)).one()
        erasing.erase(session, services.sealer, subscriber_id=found, how="page", now=now())


def _complained(services: Services, publication_id: int) -> None:
    _leave(services, publication_id, how="complaint")


@pytest.mark.parametrize("deed", [_barred, _by_editor, _erased, _complained])
def test_nobody_else_is_seen_off(
    any_services: Services, deed: Callable[[Services, int], None]
) -> None:
    publication_id = _opened(any_services)
    _join(any_services, publication_id)
    newsroom.work_off(any_services)
    before = len(newsroom.taken(any_services))
    deed(any_services, publication_id)
    newsroom.work_off(any_services)
    assert len(newsroom.taken(any_services)) == before
    assert "goodbye" not in [kind for kind, _, _ in _kinds(any_services)]


def test_welcome_is_withdrawn_when_its_reader_left_first(any_services: Services) -> None:
    publication_id = _opened(any_services, goodbye_mail=False)
    _join(any_services, publication_id)
    _leave(any_services, publication_id)
    newsroom.work_off(any_services)
    assert _kinds(any_services) == [("welcome", "skipped", "unsubscribed")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"state": "active", "ended_at": None}, "came_back"), ({"discreet": True}, "discreet")],
)
def test_goodbye_is_withdrawn(services: Services, change: dict[str, object], reason: str) -> None:
    publication_id = _opened(services)
    _join(services, publication_id)
    newsroom.work_off(services)
    _leave(services, publication_id)
    with writing(services.engine) as session:
        session.execute(update(Subscription).values(**change))
    newsroom.work_off(services)
    assert _kinds(services)[-1] == ("goodbye", "skipped", reason)


def test_goodbye_is_withdrawn_after_a_complaint_or_a_day(services: Services) -> None:
    publication_id = _opened(services)
    _join(services, publication_id)
    newsroom.work_off(services)
    _leave(services, publication_id)
    _barred(services, publication_id)
    newsroom.work_off(services)
    assert _kinds(services)[-1] == ("goodbye", "skipped", "suppressed")


def test_what_waited_a_day_is_not_sent(services: Services) -> None:
    _join(services, _opened(services))
    with time_machine.travel(now() + timedelta(days=1, minutes=1), tick=False):
        newsroom.work_off(services)
    assert _kinds(services) == [("welcome", "skipped", "expired")]


def test_answer_that_was_lost_leaves_a_doubt_and_no_second_mail(services: Services) -> None:
    _join(services, _opened(services))
    with ScriptedServer(nth("DOT", 1, "<drop>")) as server:
        smtp = newsroom.over_smtp(services, server.port)
        newsroom.work_off(smtp)
        newsroom.work_off(smtp)
    assert _kinds(services) == [("welcome", "unknown", None)]
    assert len(server.kept) <= 1


def test_kill_before_the_body_plans_it_again_and_after_it_never(any_services: Services) -> None:
    services = any_services
    _join(services, _opened(services))
    with writing(services.engine) as session:
        (held,) = singles.claim(session, "dead", limit=9, lease_seconds=60)
        assert held.kind == "welcome"
        recovering.recover(session, services.settings.home, me="alive", alone=True)
    assert _kinds(services) == [("welcome", "planned", None)]
    with writing(services.engine) as session:
        (held,) = singles.claim(session, "dead", limit=9, lease_seconds=60)
        assert singles.intend(session, held, "dead")
    with writing(services.engine) as session:
        recovering.recover(session, services.settings.home, me="alive", alone=True)
    newsroom.work_off(services)
    assert _kinds(services) == [("welcome", "unknown", None)]


def test_greetings_are_forgotten_after_a_month_with_their_mails(any_services: Services) -> None:
    _join(any_services, _opened(any_services))
    newsroom.work_off(any_services)
    with writing(any_services.engine) as session:
        assert hygiene.clean(session, now() + timedelta(days=29)).greetings == 0
        assert hygiene.clean(session, now() + timedelta(days=31)).greetings == 1
        assert (
            session.scalars(select(Delivery).where(Delivery.greeting_id.is_not(None))).all() == []
        )


def test_greeting_goes_with_its_reader(any_services: Services) -> None:
    _join(any_services, _opened(any_services))
    with writing(any_services.engine) as session:
        session.execute(delete(Subscriber))
        assert session.scalars(select(Greeting)).all() == []
        assert (
            session.scalars(select(Delivery).where(Delivery.greeting_id.is_not(None))).all() == []
        )


def _discreet(services: Services, edition: str) -> int:
    publication_id = _opened(services, discreet=PLAIN)
    with writing(services.engine) as session:
        directory.add(
            session,
            services.sealer,
            publication_id=publication_id,
            address=READER,
            edition=edition,
            how="editor",
            wording="asked",
            now=now(),
            discreet=True,
        )
        held = session.scalars(select(Subscription)).one()
        transactional.welcome(session, held, now())
    return publication_id


@pytest.mark.parametrize("edition", ["en", "my", "en+my"])
def test_discreet_welcome_names_nobody(services: Services, edition: str) -> None:
    _discreet(services, edition)
    newsroom.work_off(services)
    (envelope,) = newsroom.taken(services)
    mail = front_desk.read(envelope.data)
    assert envelope.sender == "notes@plain.example"
    said = "\n".join(str(value) for part in mail.walk() for value in part.values())
    bodies = front_desk.body(mail, "plain") + front_desk.body(mail, "html")
    for word in ("Hill Country", "တောင်တန်းဒေသ", "news.example", "127.0.0.1"):
        assert word not in said
        assert word not in bodies
    first = front_desk.body(mail, "plain").replace("\r\n", "\n").partition("\n" * 20)[0]
    for word in ("phone", "password", "ဖုန်း", "စကားဝှက်"):
        assert word not in first
    assert "https://plain.example/u/v1." in bodies


def test_discreet_reader_is_not_seen_off(services: Services) -> None:
    publication_id = _discreet(services, "en")
    newsroom.work_off(services)
    _leave(services, publication_id)
    assert [kind for kind, _, _ in _kinds(services)] == ["welcome"]


def test_discreet_welcome_waits_while_it_cannot_be_made(services: Services) -> None:
    _discreet(services, "en")
    with writing(services.engine) as session:
        session.execute(update(Publication).values(discreet={}))
    newsroom.work_off(services)
    assert newsroom.taken(services) == [], "never as the ordinary sender"
    assert _kinds(services) == [("welcome", "planned", None)]


def test_discreet_sign_up_is_confirmed_discreetly(services: Services) -> None:
    publication_id = _opened(services, discreet=PLAIN)
    front_desk.sign_up(services, publication_id, edition="en+my", discreet=True)
    worker = Worker(services)
    newsroom.work_off(services, worker)
    worker.close()
    (envelope,) = newsroom.taken(services)
    text = envelope.data.decode()
    mail = front_desk.read(envelope.data)
    said = text + front_desk.body(mail, "plain") + front_desk.body(mail, "html")
    for word in ("Hill Country", "တောင်တန်းဒေသ", "news.example", "127.0.0.1", "subscription"):
        assert word not in said
    assert "https://plain.example/c/v1." in front_desk.body(mail, "plain")


def test_who_leaves_twice_in_a_moment_is_told_once(services: Services) -> None:
    publication_id = _opened(services)
    _join(services, publication_id)
    newsroom.work_off(services)
    _leave(services, publication_id)
    with writing(services.engine) as session:
        session.execute(update(Subscription).values(state="active", ended_at=None))
    _leave(services, publication_id)
    newsroom.work_off(services)
    assert _kinds(services)[1:] == [
        ("goodbye", "skipped", "expired"),
        ("goodbye", "submitted", None),
    ]


def test_who_never_got_anything_is_not_seen_off(services: Services) -> None:
    publication_id = _opened(services)
    front_desk.sign_up(services, publication_id)
    _leave(services, publication_id)
    assert _kinds(services) == []
