"""The providers that the settings name, each built when it is first asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from newsletter.core.routing_settings import kind_of, named, provider_names, section_of
from newsletter.core.settings import Settings
from newsletter.providers.base import Provider
from newsletter.providers.console import ConsoleProvider
from newsletter.providers.memory import MemoryProvider
from newsletter.providers.pooling import Pooled
from newsletter.providers.smtp import SmtpProvider

OVER_HTTP = {
    "ses": "SesProvider",
    "mailgun": "MailgunProvider",
    "sparkpost": "SparkPostProvider",
    "resend": "ResendProvider",
    "postmark": "PostmarkProvider",
    "brevo": "BrevoProvider",
}
"""The class in the file of that name; its settings are the section of that name."""


class Registry(Mapping[str, Provider]):
    """Every provider that may take a message, by its name; may be asked by many threads.

    The same provider is the same object each time. Nothing is contacted before `connect()`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._names = provider_names(settings)
        self._built: dict[str, Provider] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Provider:
        found = self._built.get(name)
        if found is not None:
            return found
        if name not in self._names:
            raise KeyError(name)
        with self._lock:
            if name not in self._built:
                self._built[name] = build(self._settings, name)
            return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def build(settings: Settings, name: str | None = None) -> Provider:
    """The provider of a name, or the usual one; nothing is contacted before `connect()`."""
    wanted = name or settings.delivery.provider
    provider = _build(settings, kind_of(settings, wanted), section_of(settings, wanted))
    provider.name = wanted
    connections = named(settings, wanted).connections
    return Pooled(provider, connections) if connections else provider


def _build(settings: Settings, kind: str, section: Any) -> Provider:
    match kind:
        case "memory":
            return MemoryProvider()
        case "console":
            return ConsoleProvider()
        case "smtp":
            return SmtpProvider(section)
    # Loaded only now: who sends by SMTP needs no HTTP client.
    made = getattr(import_module(f"newsletter.providers.{kind}"), OVER_HTTP[kind])
    provider: Provider = made(section, settings.http)
    return provider
