"""Which provider the settings name."""

from __future__ import annotations

from newsletter.core.settings import Settings
from newsletter.providers.base import Provider
from newsletter.providers.console import ConsoleProvider
from newsletter.providers.memory import MemoryProvider
from newsletter.providers.smtp import SmtpProvider


def build(settings: Settings) -> Provider:
    """The provider in force; nothing is contacted before `connect()`."""
    match settings.delivery.provider:
        case "memory":
            return MemoryProvider()
        case "console":
            return ConsoleProvider()
        case "smtp":
            return SmtpProvider(settings.smtp)
