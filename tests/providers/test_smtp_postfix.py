"""A server that none of us wrote: some hundred messages to a real Postfix, each way of talking."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from newsletter.core.errors import Retry
from newsletter.providers.smtp import SmtpProvider
from tests.postfix import Postfix, postfix
from tests.providers.smtp_lines import Told, envelope, settings

WAYS = {"lockstep": {"pipelining": False}, "pipelined": {"chunking": False}, "chunked": {}}
NUMBERS = range(1, 301)
BODY = ".dots\n" + "x" * 70 + "\n..\n"


@pytest.fixture(scope="module")
def relay() -> Iterator[Postfix]:
    """Running."""
    with postfix() as running:
        yield running


@pytest.mark.xdist_group("postfix")
@pytest.mark.parametrize("way", WAYS)
def test_some_hundred_messages_are_delivered_once_and_the_refused_are_told(
    relay: Postfix, way: str
) -> None:
    names = {n: f"{'gone' if n % 10 == 0 else way}{n}@example.org" for n in NUMBERS}
    told = Told()
    provider = SmtpProvider(settings(relay.port, timeout=30, final_timeout=30, **WAYS[way]))
    connection = provider.connect()
    connection.carry((envelope(n, name, data=message(n)) for n, name in names.items()), told)
    connection.close()
    assert told.verdicts == {n: None if n % 10 else Retry.NEVER for n in NUMBERS}
    wanted = sorted(name for name in names.values() if name.startswith(way))
    delivered = relay.delivered(way, len(wanted))
    assert sorted(one.recipient for one in delivered) == wanted
    assert {one.body for one in delivered} == {BODY}


def message(number: int) -> bytes:
    text = f"Subject: Rain\nMessage-ID: <{number}@news.example>\n\n{BODY}"
    return text.replace("\n", "\r\n").encode()
