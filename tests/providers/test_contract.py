"""Every provider there is passes the one contract."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from newsletter.providers.base import Envelope
from newsletter.providers.console import ConsoleProvider
from newsletter.providers.memory import MemoryProvider
from newsletter.providers.registry import OVER_HTTP
from newsletter.providers.smtp import SmtpProvider
from tests.http_server import Asked, HttpServer
from tests.providers import smtp_lines
from tests.providers.contract import House, ProviderContract
from tests.providers.fakes import (
    FAKES,
    BrevoFake,
    Fake,
    MailgunFake,
    PostmarkFake,
    ResendFake,
    SesFake,
    SparkPostFake,
)
from tests.smtp_server import ScriptedServer, nth


class _List(list[Envelope]):
    """A list that tells of each entry."""

    note: Callable[[], None] = staticmethod(lambda: None)

    def append(self, one: Envelope) -> None:
        super().append(one)
        self.note()


class MemoryHouse(House):
    def __init__(self) -> None:
        self.provider = memory = MemoryProvider()
        self._list = _List()
        memory.messages = self._list

    def kept(self) -> list[str]:
        return [one.recipient.text for one in self._list]

    def watch(self, note: Callable[[], None]) -> None:
        self._list.note = note


class TestMemory(ProviderContract):
    refuses = False

    @contextmanager
    def build(self) -> Iterator[House]:
        yield MemoryHouse()


class _Terminal(io.StringIO):
    note: Callable[[], None] = staticmethod(lambda: None)

    def write(self, text: str) -> int:
        self.note()
        return super().write(text)


class ConsoleHouse(House):
    """It shows nobody's address; the number of the delivery stands for it."""

    def __init__(self) -> None:
        self._terminal = _Terminal()
        self.provider = ConsoleProvider(self._terminal)

    def kept(self) -> list[str]:
        shown = re.findall(r"^delivery (\d+):", self._terminal.getvalue(), re.MULTILINE)
        return [
            f"r{number}@example.org" if len(number) > 1 else "b@example.org" for number in shown
        ]

    def watch(self, note: Callable[[], None]) -> None:
        self._terminal.note = note


class TestConsole(ProviderContract):
    refuses = False

    @contextmanager
    def build(self) -> Iterator[House]:
        yield ConsoleHouse()


class SmtpHouse(House):
    def __init__(self, server: ScriptedServer) -> None:
        self._server = server
        self.provider = SmtpProvider(smtp_lines.settings(server.port))

    def kept(self) -> list[str]:
        return [kept.recipient for kept in self._server.kept]

    def watch(self, note: Callable[[], None]) -> None:
        self._server.on_kept = lambda _count: note()


class TestSmtp(ProviderContract):
    offers: tuple[str, ...] = smtp_lines.LOCKSTEP

    @contextmanager
    def build(self) -> Iterator[House]:
        with ScriptedServer(offers=self.offers) as server:
            yield SmtpHouse(server)

    @contextmanager
    def refuse(self) -> Iterator[House]:
        script = nth("RCPT", 1, "550 5.1.1 <aye.aye@example.org> unknown")
        with ScriptedServer(script, offers=self.offers) as server:
            yield SmtpHouse(server)


class TestSmtpPipelined(TestSmtp):
    offers = smtp_lines.PIPELINED


class TestSmtpChunked(TestSmtp):
    offers = smtp_lines.CHUNKED


class HttpHouse(House):
    def __init__(self, fake: Fake, server: HttpServer) -> None:
        self._fake, self._server = fake, server
        self.provider = fake.provider(server.url)

    def kept(self) -> list[str]:
        taken = (self._fake.checked(asked) for asked in self._server.kept)
        return [recipient for one in taken for recipient in one.recipients]

    def watch(self, note: Callable[[], None]) -> None:
        self._server.on_kept = note


class HttpContract(ProviderContract):
    fake: Fake

    def build(self) -> AbstractContextManager[House]:
        return self._house(lambda _asked, _nth: self.fake.yes)

    def refuse(self) -> AbstractContextManager[House]:
        no = self.fake.no_such_recipient[0]
        return self._house(lambda _asked, nth: no if nth == 1 else self.fake.yes)

    @contextmanager
    def _house(self, script: Callable[[Asked, int], bytes]) -> Iterator[House]:
        with HttpServer(script) as server:
            yield HttpHouse(self.fake, server)


class TestSes(HttpContract):
    fake = SesFake()


class TestMailgun(HttpContract):
    fake = MailgunFake()


class TestSparkPost(HttpContract):
    fake = SparkPostFake()


class TestResend(HttpContract):
    fake = ResendFake()


class TestPostmark(HttpContract):
    fake = PostmarkFake()


class TestBrevo(HttpContract):
    fake = BrevoFake()


@pytest.mark.parametrize("name", OVER_HTTP)
def test_no_provider_is_left_out(name: str) -> None:
    assert name in {fake.name for fake in FAKES}
