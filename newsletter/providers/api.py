"""What all HTTP providers share: one message is one POST, and honest about how far it came.

A provider is one file with one class: what to send (`request`), where its words stand in an answer
(`told`), and what those words mean where the status alone would not say it (`verdict`).
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from newsletter.core.clock import now
from newsletter.core.errors import ProviderError, Retry
from newsletter.core.http import Client, Limits, NoAnswer, NotReached, Reply
from newsletter.core.provider_settings import Http
from newsletter.providers.api_answers import (
    Place,
    Told,
    Verdict,
    accepted,
    by_status,
    judged,
    silent,
)
from newsletter.providers.base import Envelope, NotConnected, Watch
from newsletter.providers.carrying import one_by_one


@dataclass(frozen=True, slots=True)
class Request:
    """One message as this provider wants it; `headers` hold the key, so it has no repr."""

    url: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Request({self.url}, {len(self.body)} bytes)"


class HttpProvider(ABC):
    """The contract of base.Provider over HTTP; `connect()` may be called from many threads."""

    name: str
    needs: ClassVar[tuple[str, ...]]
    """Settings of its section without which nothing can be sent."""
    takes_return_path = False
    """Bounces go to the provider, which tells them by its webhook."""
    repeats_safely_for: timedelta | None = None

    def __init__(self, section: Any, http: Http) -> None:
        self._section = section
        self._http = http

    @property
    def endpoint(self) -> str:
        """Where its API is, without a slash at the end."""
        return str(self._section.endpoint).rstrip("/")

    @property
    def section(self) -> str:
        """Where its settings stand: those of its kind, or its own if it has a name of its own."""
        return self.name if self.name == type(self).name else f"providers.{self.name}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must stand in no sentence."""
        return (self._section.key,)

    @property
    def place(self) -> Place:
        """Who it is, for sentences."""
        return Place(self.name, urlsplit(self.endpoint).netloc, self.secrets, self.section)

    @abstractmethod
    def request(self, envelope: Envelope) -> Request:
        """This message as a request; ProviderError when this provider cannot carry it."""

    @abstractmethod
    def told(self, reply: Reply, said: Mapping[str, Any]) -> Told:
        """Its words in an answer; `said` is the JSON object, empty when it was none."""

    def verdict(self, status: int, told: Told) -> Verdict:
        """What an answer without an id means."""
        return by_status(status)

    def shortcoming(self) -> str:
        """What keeps it from sending at all, as a sentence; empty when nothing is known."""
        lacking = [name for name in self.needs if not getattr(self._section, name)]
        if not lacking:
            return ""
        names = " and ".join(f"{self.section}.{name}" for name in lacking)
        return f"{self.name} cannot send: {names} {'is' if len(lacking) == 1 else 'are'} not set"

    def connect(self) -> HttpConnection:
        """A line for one thread. Nothing is contacted yet; NotConnected when a key is missing."""
        shortcoming = self.shortcoming()
        if shortcoming:
            raise NotConnected(f"{shortcoming}; see [{self.section}] in the settings", halts=True)
        http = self._http
        limits = Limits(http.connect_timeout, http.write_timeout, http.answer_timeout)
        return HttpConnection(self, Client(limits=limits, proxy=http.proxy))


class HttpConnection:
    """One line of one thread: a client of one kept connection, so lines bound connections."""

    def __init__(self, provider: HttpProvider, client: Client) -> None:
        self._provider = provider
        self._client = client

    def submit(self, envelope: Envelope, before_body: Callable[[], None]) -> str:
        """Hand over one message; the answer holds the provider's own id of it."""
        place = self._provider.place
        _require_ascii(envelope, place)
        request = self._provider.request(envelope)
        try:
            reply = self._client.post(request.url, request.headers, request.body, before_body)
        except NotReached as err:
            raise NotConnected(
                f"{place.name} is not reached at {place.host} ({err.cause})", halts=err.distrust
            ) from None
        except NoAnswer as err:
            raise silent(err.cause, place) from None
        return self._understood(envelope, reply)

    def carry(self, envelopes: Iterator[Envelope], watch: Watch) -> None:
        """One request after the other; many at a time are many lines."""
        one_by_one(self, envelopes, watch)

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def _understood(self, envelope: Envelope, reply: Reply) -> str:
        told = self._provider.told(reply, _json_object(reply.body))
        if told.identifier and 200 <= reply.status < 300:
            return accepted(reply, told, self._provider.place)
        raise judged(
            self._provider.verdict(reply.status, told),
            reply,
            told,
            place=self._provider.place,
            recipient=envelope.recipient.text,
            now=now(),
        )


def _json_object(body: bytes) -> Mapping[str, Any]:
    """The JSON object of an answer; nothing when it is cut off, something else, or too deep."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _require_ascii(envelope: Envelope, place: Place) -> None:
    """None of them carries a local part beyond ASCII: they refuse it, or garble it silently."""
    if envelope.recipient.needs_smtputf8:
        raise ProviderError(
            f"{place.name} cannot write to an address with letters beyond ASCII",
            retry=Retry.NEVER,
            answer="needs SMTPUTF8, which this provider does not offer",
            recipient=True,
        )
    if not envelope.data.isascii() or not envelope.sender.isascii():
        raise ProviderError(
            f"{place.name} cannot carry delivery {envelope.delivery_id}: its sender or a header "
            "has letters beyond ASCII; set another sender.address for the publication",
            retry=Retry.LATER,
            halts=True,
        )


def text(value: object) -> str:
    """A string of an answer, whatever it really was; providers write ids as numbers too."""
    return str(value) if isinstance(value, str | int) else ""


def as_json(payload: Mapping[str, Any]) -> bytes:
    """A payload as UTF-8: Burmese as itself, a third of its size in escapes."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
