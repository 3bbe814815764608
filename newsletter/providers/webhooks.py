"""Which webhooks there are, and the one door for whoever has a body that came to one."""

from __future__ import annotations

from importlib import import_module

from newsletter.core.routing_settings import kind_of, section_of
from newsletter.core.settings import Settings
from newsletter.providers.hook import Hook

HOOKS = {
    "ses": "SesHook",
    "mailgun": "MailgunHook",
    "sparkpost": "SparkPostHook",
    "resend": "ResendHook",
    "postmark": "PostmarkHook",
    "brevo": "BrevoHook",
    "sendgrid": "SendGridHook",
    "mailjet": "MailjetHook",
}
"""The class in providers/NAME_events.py; its settings are the section of that name."""


class Hooks:
    """The hooks of these settings, by the provider's name: its kind, or one of its own.

    Each is made when it is first asked for, and kept, because it may remember certificates.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[str, Hook] = {}

    def get(self, name: str) -> Hook | None:
        """The hook of this provider; None for a name that is none. It may be closed (`lacks`)."""
        kind = kind_of(self._settings, name)
        if kind not in HOOKS:
            return None
        if name not in self._made:
            self._made.setdefault(name, self._build(name, kind))
        return self._made[name]

    def _build(self, name: str, kind: str) -> Hook:
        settings = self._settings
        found = getattr(import_module(f"newsletter.providers.{kind}_events"), HOOKS[kind])
        own = name in settings.providers
        section = section_of(settings, name) if own else getattr(settings, kind)
        made: Hook = found(section, settings.http) if kind == "ses" else found(section)
        return made
