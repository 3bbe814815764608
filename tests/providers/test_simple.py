"""The memory and console providers, and which provider the settings name."""

from __future__ import annotations

import io

import pytest

from newsletter.app import Services
from newsletter.core.addresses import Address
from newsletter.providers.base import Envelope, NotConnected
from newsletter.providers.console import ConsoleProvider
from newsletter.providers.memory import MemoryProvider
from newsletter.providers.registry import build
from newsletter.providers.smtp import SmtpProvider
from tests.providers.fakes import FAKES, Fake


def test_the_console_shows_subject_and_size_and_nobody() -> None:
    shown = io.StringIO()
    data = b"Subject: =?utf-8?b?4YCZ4YCt4YCv4YC4?= for aye@example.org\r\n\r\nhello\r\n"
    intents: list[int] = []
    connection = ConsoleProvider(shown).connect()
    one = Envelope(7, "desk@news.example", Address("aye@example.org"), data)
    connection.submit(one, lambda: intents.append(1))
    assert shown.getvalue() == "delivery 7: မိုး for [address] (0.1 kB)\n"
    assert intents == [1]


def test_the_settings_name_the_provider(services: Services) -> None:
    assert isinstance(build(services.settings), MemoryProvider)
    delivery = services.settings.delivery
    for name, kind in (("console", ConsoleProvider), ("smtp", SmtpProvider)):
        changed = {"delivery": delivery.model_copy(update={"provider": name})}
        assert isinstance(build(services.settings.model_copy(update=changed)), kind)


@pytest.mark.parametrize("fake", FAKES, ids=lambda fake: fake.name)
def test_the_settings_name_each_provider_that_is_reached_over_http(
    services: Services, fake: Fake
) -> None:
    settings = services.settings
    chosen = settings.delivery.model_copy(update={"provider": fake.name})
    made = build(settings.model_copy(update={"delivery": chosen}))
    assert type(made) is fake.kind
    assert made.name == fake.name
    with pytest.raises(NotConnected, match=rf"{fake.name}\.\w+ (and|is)") as caught:
        made.connect()
    assert caught.value.halts, "no key is set by default"
