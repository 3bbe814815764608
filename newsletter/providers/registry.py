"""Which provider the settings name."""

from __future__ import annotations

from importlib import import_module

from newsletter.core.settings import Settings
from newsletter.providers.base import Provider
from newsletter.providers.console import ConsoleProvider
from newsletter.providers.memory import MemoryProvider
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


def build(settings: Settings) -> Provider:
    """The provider in force; nothing is contacted before `connect()`."""
    name = settings.delivery.provider
    match name:
        case "memory":
            return MemoryProvider()
        case "console":
            return ConsoleProvider()
        case "smtp":
            return SmtpProvider(settings.smtp)
    # Loaded only now: who sends by SMTP needs no HTTP client.
    kind = getattr(import_module(f"newsletter.providers.{name}"), OVER_HTTP[name])
    provider: Provider = kind(getattr(settings, name), settings.http)
    return provider
