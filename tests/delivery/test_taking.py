"""Taking returned mail in: what it says is stored once, and who asks to leave has left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading
from newsletter.core.errors import ConfigurationError, InputError
from newsletter.core.settings import Settings, load
from newsletter.core.tokens import Claim, Purpose
from newsletter.delivery.message_ids import RETURN_PATH, delivery_of
from newsletter.delivery.models import Event
from newsletter.delivery.returning.paths import return_path
from newsletter.delivery.returning.taking import Sort, take
from subscribers import spool
from subscribers.models import Subscriber, Subscription
from tests.delivery import newsroom, returned_mails, returns


def _with_address(services: Services, address: str) -> Settings:
    bounces = services.settings.bounces.model_copy(update={"address": address})
    return services.settings.model_copy(update={"bounces": bounces})


def _claim(services: Services, number: int = 0) -> Claim:
    with reading(services.engine) as session:
        readers = session.scalars(select(Subscriber).order_by(Subscriber.id)).all()
        scope = session.scalars(select(Subscription.publication_id)).first() or 0
        return Claim(readers[number].public_id, scope, Purpose.UNSUBSCRIBE)


def _states(services: Services) -> list[str]:
    with reading(services.engine) as session:
        return list(session.scalars(select(Subscription.state).order_by(Subscription.id)))


def _wish(token: str) -> list[bytes]:
    """The ways in which a wish to leave may be written."""
    to = "leave@news.example"
    return [
        returned_mails.letter(to, subject=f"leave {token}"),
        returned_mails.letter(to, subject=f"Re: leave\n {token}"),
        returned_mails.letter(f"leave+{token}@news.example", subject=""),
        returned_mails.letter(to, subject="please", text=f"Hello,\nleave {token}\n\nJane"),
    ]


@pytest.mark.parametrize("way", range(4))
def test_whoever_asks_by_mail_has_left_and_nobody_else(services: Services, way: int) -> None:
    newsroom.publish(services, 3)
    token = services.signer.sign(_claim(services, 1))
    mail = _wish(token)[way]
    assert take(services, [mail], now()) == [Sort.LEAVE]
    assert _states(services) == ["active", "ended", "active"]
    assert take(services, [mail], now()) == [Sort.LEAVE]


def test_nobody_leaves_by_a_quoted_link_a_forged_token_or_a_machine(services: Services) -> None:
    newsroom.publish(services, 1)
    claim = _claim(services)
    token = services.signer.sign(claim)
    to = "leave@news.example"
    forged = token[:-3] + ("AAA" if token[-3:] != "AAA" else "BBB")
    preferences = services.signer.sign(Claim(claim.subject, claim.scope, Purpose.PREFERENCES))
    quoted = f"> leave {token}\nI like it: https://news.example/u/{token}\nnever leave {token} out"
    automatic = returned_mails.letter(to, subject=f"leave {token}").replace(
        b"Subject:", b"Auto-Submitted: auto-replied\r\nSubject:"
    )
    mails = [
        returned_mails.letter(to, subject=f"leave {forged}"),
        returned_mails.letter(to, subject=f"leave {preferences}"),
        returned_mails.letter(to, text=quoted),
        automatic,
    ]
    assert take(services, mails, now()) == [Sort.FOREIGN] * 4
    assert _states(services) == ["active"]


def test_a_bounce_can_unsubscribe_nobody(services: Services) -> None:
    """However many genuine tokens of others its text holds."""
    numbers = returns.taken(services, newsroom.publish(services, 2))
    token = services.signer.sign(_claim(services, 1))
    secret = services.ring.index
    to = return_path(_with_address(services, "bounces@news.example"), secret, numbers[0])
    mail = returned_mails.postfix(to, returned_mails.original(numbers[0], secret)).replace(
        b"did not arrive", f"\r\nleave {token}\r\n".encode()
    )
    assert take(services, [mail], now()) == [Sort.BOUNCE]
    assert _states(services) == ["active", "active"]


def test_a_wish_outlives_a_database_that_takes_nothing(file_services: Services) -> None:
    services = file_services
    newsroom.publish(services, 1)
    claim = _claim(services)
    mail = _wish(services.signer.sign(claim))[0]
    listening = _read_only(services)
    assert take(services, [mail], now()) == [Sort.LEAVE]
    assert _states(services) == ["active"]
    assert [wish.subject for wish in spool.waiting(services.settings.home)] == [claim.subject]
    event.remove(services.engine, "begin", listening)
    services.engine.dispose()
    spool.drain(services.engine, services.settings.home)
    assert _states(services) == ["ended"]


def _read_only(services: Services) -> Callable[[Any], None]:
    """From now on the database refuses every change, as a file system that is mounted so does."""

    def refuse(connection: Any) -> None:
        connection.exec_driver_sql("PRAGMA query_only = ON")

    services.engine.dispose()
    event.listen(services.engine, "begin", refuse)
    return refuse


def test_a_bounce_waits_where_it_is_while_the_database_takes_nothing(
    file_services: Services,
) -> None:
    services = file_services
    (number,) = returns.taken(services, newsroom.publish(services, 1))
    secret = services.ring.index
    to = return_path(_with_address(services, "bounces@news.example"), secret, number)
    mail = returned_mails.postfix(to, "")
    listening = _read_only(services)
    with pytest.raises(ConfigurationError):
        take(services, [mail], now())
    event.remove(services.engine, "begin", listening)
    services.engine.dispose()
    with reading(services.engine) as session:
        assert session.scalars(select(Event)).all() == []


def test_the_same_news_from_two_ways_is_kept_once(any_services: Services) -> None:
    services = any_services
    (number,) = returns.taken(services, newsroom.publish(services, 1))
    secret = services.ring.index
    to = return_path(_with_address(services, "bounces@news.example"), secret, number)
    mail = returned_mails.postfix(to, returned_mails.original(number, secret))
    for _ in range(2):
        assert take(services, [mail, mail], now()) == [Sort.BOUNCE, Sort.BOUNCE]
    with reading(services.engine) as session:
        (row,) = session.scalars(select(Event))
    assert (row.source, row.delivery_id, row.status) == ("mailbox", number, "5.1.1")


def test_a_test_message_changes_nothing(services: Services) -> None:
    newsroom.publish(services, 1)
    token = services.signer.sign(Claim(UUID(int=0), 1, Purpose.TEST))
    assert take(services, [_wish(token)[0]], now()) == [Sort.LEAVE]
    assert _states(services) == ["active"]


def test_a_return_path_names_its_delivery_alone(services: Services) -> None:
    secret = services.ring.index
    settings = _with_address(services, "bounces@news.example")
    found = {return_path(settings, secret, number) for number in range(1, 200)}
    assert len(found) == 199
    for number in (1, 2**40, 2**63):
        path = return_path(settings, secret, number)
        local, _, domain = path.rpartition("@")
        assert (local.partition("+")[0], domain) == ("bounces", "news.example")
        assert len(local) <= 64
        assert delivery_of(secret, path, RETURN_PATH) == number
        assert delivery_of(secret, path) is None
    assert return_path(services.settings, secret, 1) == ""


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        (f"{'b' * 32}@news.example", "write one of 31 or less"),
        (f"bounces@{'d' * 60}.{'d' * 60}.{'d' * 60}.{'d' * 40}.example", "too long"),
        ("bounces+x@news.example", "without a '+'"),
        ("bounces", "write one such as bounces@example.org"),
        ("ပြန်@news.example", "plain ASCII"),
    ],
)
def test_a_bounce_address_without_room_is_refused_in_a_sentence(
    services: Services, address: str, sentence: str
) -> None:
    with pytest.raises(InputError, match=r"bounces\.address") as caught:
        load(services.settings.home, {"NEWSLETTER_BOUNCES__ADDRESS": address})
    assert sentence in str(caught.value)


def test_the_longest_bounce_address_fits(services: Services) -> None:
    given = {"NEWSLETTER_BOUNCES__ADDRESS": f"{'b' * 31}@news.example"}
    settings = load(services.settings.home, given)
    path = return_path(settings, services.ring.index, 2**63)
    assert len(path.rpartition("@")[0]) == 64
