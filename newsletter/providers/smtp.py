"""The SMTP provider: lines that are kept open over many messages, and honest about each one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from newsletter.core.errors import ProviderError
from newsletter.core.settings import Smtp
from newsletter.providers.base import Envelope, Watch
from newsletter.providers.smtp_carrier import Carrier
from newsletter.providers.smtp_chunking import Chunks
from newsletter.providers.smtp_dialogue import Dialogue
from newsletter.providers.smtp_letter import Pile
from newsletter.providers.smtp_opening import open_dialogue
from newsletter.providers.smtp_turns import Turns


class SmtpProvider:
    """One server, as the settings name it; `connect()` may be called from many threads."""

    name = "smtp"
    takes_return_path = True
    repeats_safely_for = None

    def __init__(self, settings: Smtp) -> None:
        self._settings = settings

    def connect(self) -> SmtpConnection:
        """An open line; NotConnected says in one sentence why there is none."""
        return SmtpConnection(self._settings)


class SmtpConnection:
    """One line of one thread; opens itself anew after `max_per_connection` or a hang-up."""

    def __init__(self, settings: Smtp) -> None:
        self._settings = settings
        self._place = f"{settings.host}:{settings.port}"
        self._line, self._carrier = self._opened()

    def carry(self, envelopes: Iterator[Envelope], watch: Watch) -> None:
        """One after the other, as fast as what the server offers allows.

        A line that was kept open and turns out dead at MAIL (idle limits, 421) is opened anew:
        nothing had been said about that message yet. Every new line settles at least one.
        """
        pile = Pile(envelopes)
        try:
            while not pile.is_empty():
                if self._line.over:
                    self._line.drop()
                    self._line, self._carrier = self._opened()
                self._carrier.carry(pile, watch)
        except BaseException:
            # The server may wait for a body that never comes; a hang-up takes it back.
            self._line.drop()
            raise
        if self._line.over:
            self._line.drop()

    def submit(self, envelope: Envelope, before_body: Callable[[], None]) -> str:
        """Hand over one message and return the server's answer."""
        single = _Single(before_body)
        self.carry(iter((envelope,)), single)
        return single.answer()

    def close(self) -> None:
        """Say QUIT and hang up."""
        self._line.quit()

    def _opened(self) -> tuple[Dialogue, Carrier]:
        settings = self._settings
        line = open_dialogue(settings)
        pipelined = settings.pipelining and "pipelining" in line.features
        if pipelined and settings.chunking and "chunking" in line.features:
            return line, Chunks(line, self._place, settings.max_per_connection)
        return line, Turns(line, self._place, settings.max_per_connection, pipelined=pipelined)


class _Single:
    """Watches one message for whoever waits for its answer."""

    def __init__(self, before_body: Callable[[], None]) -> None:
        self._before_body = before_body
        self._answer = ""
        self._error: ProviderError | None = None

    def leaving(self, envelope: Envelope) -> None:
        self._before_body()

    def taken(self, envelope: Envelope, answer: str) -> None:
        self._answer = answer

    def failed(self, envelope: Envelope, error: ProviderError) -> None:
        self._error = error

    def answer(self) -> str:
        if self._error is not None:
            raise self._error
        return self._answer
