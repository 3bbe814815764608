"""Settings of the providers that are spoken to over HTTP: one section each, and one for all."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from newsletter.core.validation_words import wanted

_HTTPS = r"https://[^\s/?#@]+(/[^\s?#]*)?"
_PROXY = r"https?://[^\s/]+/?"
_IN_AN_ADDRESS = r"[A-Za-z0-9_-]{20,200}"
_TOPIC = r"arn:aws(-cn|-us-gov)?:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,256}"
_ON_THIS_MACHINE = r"http://(127\.0\.0\.1|localhost)(:\d+)?"


def _secret(value: object) -> str:
    """A key as providers give them out; what it was stands in no message."""
    if not isinstance(value, str):
        raise ValueError('it must be a text in quotation marks, such as "this"')
    if not value.isascii() or not all("!" <= letter <= "~" for letter in value):
        raise ValueError("it holds blanks or letters that no key has; copy it again")
    return value


Secret = Annotated[str, BeforeValidator(_secret), Field(repr=False)]


def _hook_secret(value: object) -> str:
    """What a provider says to prove itself; it stands in an address, so only such letters."""
    text = _secret(value)
    if text and not re.fullmatch(_IN_AN_ADDRESS, text):
        raise ValueError(
            "make one of at least 20 letters and digits, for example by 'openssl rand -hex 24'"
        )
    return text


HookSecret = Annotated[str, BeforeValidator(_hook_secret), Field(repr=False)]
Endpoint = Annotated[
    str,
    Field(pattern=rf"^({_HTTPS}|{_ON_THIS_MACHINE})$"),
    wanted("write the whole https:// address, without a key or a question mark in it"),
]


def _proxy(value: object) -> str:
    """An address with perhaps a login in it, which stands in no message either."""
    if not isinstance(value, str) or (value and not re.fullmatch(_PROXY, value)):
        raise ValueError("write the proxy as http://host:port")
    return value


class ProviderSection(BaseModel):
    """A section of its own, as those in settings.py."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Http(ProviderSection):
    """How any of them is reached."""

    proxy: Annotated[str, BeforeValidator(_proxy), Field(repr=False)]
    connect_timeout: float = Field(gt=0)
    write_timeout: float = Field(gt=0)
    answer_timeout: float = Field(gt=0)


class Ses(ProviderSection):
    """Amazon SES, API version 2."""

    region: Annotated[
        str, Field(pattern=r"^[a-z0-9-]*$"), wanted("write a region such as eu-central-1")
    ]
    access_key: Secret
    secret_key: Secret
    session_token: Secret
    configuration_set: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9_-]{0,64}$"), wanted("write the name of one, or nothing")
    ]
    endpoint: Annotated[
        str,
        Field(pattern=rf"^({_HTTPS}|{_ON_THIS_MACHINE})?$"),
        wanted("write the whole https:// address, or nothing for the region's own"),
    ]
    webhook_topic: Annotated[
        str,
        Field(pattern=rf"^({_TOPIC})?$"),
        wanted("write the topic's ARN, such as arn:aws:sns:eu-central-1:123456789012:mail"),
    ]


class Mailgun(ProviderSection):
    """Mailgun."""

    domain: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9.-]*$"),
        wanted("write the sending domain, such as mg.example.org"),
    ]
    key: Secret
    endpoint: Endpoint
    webhook_key: Secret
    webhook_secret: HookSecret


class SparkPost(ProviderSection):
    """SparkPost."""

    key: Secret
    endpoint: Endpoint
    webhook_secret: HookSecret


class Resend(ProviderSection):
    """Resend."""

    key: Secret
    endpoint: Endpoint
    webhook_key: Secret


class Postmark(ProviderSection):
    """Postmark."""

    key: Secret
    stream: Annotated[
        str,
        Field(pattern=r"^[a-z0-9-]+$"),
        wanted("write the id of a message stream, such as broadcast"),
    ]
    endpoint: Endpoint
    webhook_secret: HookSecret


class Brevo(ProviderSection):
    """Brevo; `tracking_is_off` is the operator's word, because no request can switch it off."""

    key: Secret
    tracking_is_off: bool
    endpoint: Endpoint
    webhook_secret: HookSecret


class SendGrid(ProviderSection):
    """SendGrid, which takes our mail by SMTP; only its events are known here."""

    webhook_key: Secret


class Mailjet(ProviderSection):
    """Mailjet, in the same way."""

    webhook_secret: HookSecret
