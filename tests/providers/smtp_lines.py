"""What the SMTP tests share: settings with short limits, small messages, and who was told what."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from newsletter.core.addresses import Address
from newsletter.core.errors import ProviderError, Retry
from newsletter.core.settings import Smtp
from newsletter.providers.base import Envelope
from newsletter.providers.smtp import SmtpConnection, SmtpProvider
from tests.smtp_server import HANG, Kept, ScriptedServer

MESSAGE = b"Subject: Rain\r\n\r\n.first\r\nsecond\r\n"

SAFE, UNSURE, FINAL = Retry.LATER, Retry.UNKNOWN, Retry.NEVER
FOUR, FIVE, SHUT = "451 4.3.0 not now", "554 5.6.0 no <aye.aye@example.org>", "421 4.3.2 closing"

LOCKSTEP: tuple[str, ...] = ()
PIPELINED = ("PIPELINING",)
CHUNKED = ("PIPELINING", "CHUNKING")
MODES = {"lockstep": LOCKSTEP, "pipelined": PIPELINED, "chunked": CHUNKED}
EVERY_MODE = pytest.mark.parametrize("offers", MODES.values(), ids=MODES)


def settings(port: int, **changed: Any) -> Smtp:
    """Plain, on this machine, with short time limits."""
    usual: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "allow_plain": False,
        "username": "",
        "password": "",
        "timeout": 60,
        "final_timeout": 60,
        "max_per_connection": 100,
        "pipelining": True,
        "chunking": True,
        "helo": "test.example",
    }
    return Smtp(**{**usual, **changed})


def connected(server: ScriptedServer, **changed: Any) -> SmtpConnection:
    """A line to this server."""
    return SmtpProvider(settings(server.port, **changed)).connect()


def limits(stage: str, reply: str) -> dict[str, float]:
    """A short time limit only where the server keeps silent, and only for that stage."""
    if reply != HANG:
        return {}
    return {"DOT": {"final_timeout": 0.3}, "CONNECT": {"timeout": 0.3}}.get(stage, {"timeout": 0.5})


def envelope(number: int = 1, recipient: str = "aye.aye@example.org", **changed: Any) -> Envelope:
    """One small message."""
    usual = {"sender": "desk@news.example", "data": MESSAGE}
    return Envelope(delivery_id=number, recipient=Address(recipient), **{**usual, **changed})


def letters(numbers: Iterable[int], **changed: Any) -> list[Envelope]:
    """One small message to each of r1@example.org, r2 …"""
    return [envelope(number, f"r{number}@example.org", **changed) for number in numbers]


def arrived(kept: Iterable[Kept]) -> list[int]:
    """Whose messages a server answers for, in order."""
    return [int(one.recipient[1:].partition("@")[0]) for one in kept]


def fails(deed: Callable[[], object]) -> ProviderError:
    """What it raises, without any address in it."""
    with pytest.raises(ProviderError) as caught:
        deed()
    about_nobody(caught.value)
    return caught.value


def about_nobody(error: ProviderError) -> None:
    """One line, and no address in it."""
    for text in (str(error), error.answer):
        assert "aye.aye" not in text.lower()
        assert "@example" not in text
        assert "\n" not in text


def sent(connection: SmtpConnection, one: Envelope) -> tuple[ProviderError, int]:
    """The failure of one message, and how often the intent was written down."""
    intents: list[int] = []
    error = fails(lambda: connection.submit(one, lambda: intents.append(1)))
    return error, len(intents)


@dataclass
class Told:
    """A watch that writes down everything."""

    leaving_before: Callable[[int], None] = lambda _number: None
    left: list[int] = field(default_factory=list)
    verdicts: dict[int, Retry | None] = field(default_factory=dict)
    """None: taken."""
    errors: dict[int, ProviderError] = field(default_factory=dict)

    def leaving(self, envelope: Envelope) -> None:
        assert envelope.delivery_id not in self.verdicts, "it was told already"
        self.leaving_before(envelope.delivery_id)
        self.left.append(envelope.delivery_id)

    def taken(self, envelope: Envelope, answer: str) -> None:
        assert envelope.delivery_id in self.left, "taken, but nobody knew that it left"
        assert answer.startswith("250"), answer
        self._tell(envelope, None)

    def failed(self, envelope: Envelope, error: ProviderError) -> None:
        about_nobody(error)
        if error.retry is Retry.UNKNOWN:
            assert envelope.delivery_id in self.left
        self.errors[envelope.delivery_id] = error
        self._tell(envelope, error.retry)

    def _tell(self, envelope: Envelope, verdict: Retry | None) -> None:
        assert envelope.delivery_id not in self.verdicts, "told twice"
        self.verdicts[envelope.delivery_id] = verdict

    def is_true(self, kept: Iterable[Kept]) -> None:
        """What the server answers for agrees with what was said here."""
        numbers = arrived(kept)
        assert len(numbers) == len(set(numbers)), f"doubled: {numbers}"
        taken = {number for number, verdict in self.verdicts.items() if verdict is None}
        unsure = {number for number, verdict in self.verdicts.items() if verdict is Retry.UNKNOWN}
        assert taken <= set(numbers), "lost"
        assert set(numbers) <= taken | unsure, "kept, though we say that it was not"
