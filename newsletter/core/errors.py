"""The one tree of errors. A message says what was wrong, where, and what to do.

NewsletterError
├── InputError          the person can mend it        (CLI exit 2, web 422)
│   └── NotFound        what was named does not exist (CLI exit 2, web 404)
├── NotAllowedNow       right deed, wrong moment      (CLI exit 2, web 409)
├── TokenError          a link is damaged or foreign  (web 400)
├── ConfigurationError  the installation is at fault  (CLI exit 1, web 500)
│   └── DatabaseAway    …for the moment: restarted, locked, its disk full
├── RenderError         a template is at fault        (CLI exit 1, web 500)
└── ProviderError       the mail was not taken        (decided by `retry` and `halts`)
"""

from __future__ import annotations

from enum import StrEnum


class NewsletterError(Exception):
    """Something this service can explain in one sentence."""


class InputError(NewsletterError):
    """What was given cannot be used; `field` names the place (a field, or file:line)."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        self.message = message
        super().__init__(f"{field}: {message}" if field else message)


class NotFound(InputError):
    """What was named does not exist here."""


class NotAllowedNow(NewsletterError):
    """The deed is known but the state of things does not allow it."""


class TokenError(NewsletterError):
    """The link is damaged, foreign or out of date; says nothing about any person."""


class ConfigurationError(NewsletterError):
    """The installation is not able to work: key, database, settings, sender."""


class DatabaseAway(ConfigurationError):
    """The database cannot be used at this moment; it may come back by itself."""


class RenderError(NewsletterError):
    """A template or what it was fed is at fault."""

    def __init__(self, template: str, line: int | None, message: str) -> None:
        self.template = template
        self.line = line
        where = f"{template}:{line}" if line else template
        super().__init__(f"{where}: {message}")


class Retry(StrEnum):
    """What may be done with a message the provider did not accept."""

    NEVER = "never"
    LATER = "later"
    UNKNOWN = "unknown"
    """The body may have been taken: never sent again unless somebody decides so."""


class ProviderError(NewsletterError):
    """A provider did not say yes.

    `answer` is its own words, without any address. `halts` says that every other message
    would meet the same fate (wrong login, no TLS), so the issue is paused and nobody blamed.
    `recipient` says that the address itself was refused. `ours` says that we were: our network,
    login or content (RFC 3463 §3.8, 5.7.x), which is never held against the reader.
    `wait_seconds` is how long the provider itself asked us to wait, when it did.
    """

    def __init__(
        self,
        message: str,
        *,
        retry: Retry,
        answer: str = "",
        halts: bool = False,
        recipient: bool = False,
        ours: bool = False,
        wait_seconds: float | None = None,
    ) -> None:
        self.retry = retry
        self.answer = answer
        self.halts = halts
        self.recipient = recipient
        self.ours = ours
        self.wait_seconds = wait_seconds
        super().__init__(message)
