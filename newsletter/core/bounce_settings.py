"""Settings of what comes back: the bounce address, and the mailbox in which it is read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from newsletter.core import addresses
from newsletter.core.errors import InputError
from newsletter.core.validation_words import wanted

TOKEN_OCTETS = 33
"""`+` and 32 hexadecimal digits, between the local part and the @-sign."""
_LOCAL_OCTETS, _OCTETS = 64, 254
"""RFC 5321 §4.5.3.1.1 and §4.5.3.1.3, less the angle brackets."""


def _address(text: str) -> str:
    """A plain mailbox that has room for a token; the sentence says how long it may be."""
    if not text:
        return text
    try:
        found = addresses.parse(text)
    except InputError as err:
        raise ValueError(f"{err.message}; write one such as bounces@example.org") from None
    local = found.text.rpartition("@")[0]
    if not local.isascii() or local.startswith('"') or "+" in local:
        raise ValueError(
            "the part before the @-sign must be plain ASCII letters without a '+', because one "
            "and a token are put behind it"
        )
    if len(local) + TOKEN_OCTETS > _LOCAL_OCTETS or len(found.text) + TOKEN_OCTETS > _OCTETS:
        raise ValueError(
            f"it is too long: with the token of a message behind it the part before the @-sign may "
            f"take {_LOCAL_OCTETS} bytes, so write one of {_LOCAL_OCTETS - TOKEN_OCTETS} or less, "
            f"and {_OCTETS - TOKEN_OCTETS} with the domain"
        )
    return found.text


def _one_line(text: str) -> str:
    """What goes into a command of the mailbox's protocol."""
    if any(ord(letter) < 0x20 or letter == "\x7f" for letter in text):
        raise ValueError("it must be one line without control characters")
    return text


class Bounces(BaseModel):
    """Where mails that come back go, and how they are read there."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    address: Annotated[str, AfterValidator(_address)]
    mailbox: Annotated[Literal["", "imap", "pop3"], wanted("write imap or pop3, or leave it empty")]
    host: Annotated[str, AfterValidator(_one_line)]
    port: int = Field(ge=0, le=65535)
    security: Literal["tls", "starttls", "none"]
    allow_plain: bool
    username: Annotated[str, AfterValidator(_one_line)]
    password: Annotated[str, AfterValidator(_one_line)] = Field(repr=False)
    folder: Annotated[str, AfterValidator(_one_line), Field(min_length=1)]
    done_folder: Annotated[str, AfterValidator(_one_line)]
    poll_minutes: float = Field(ge=1)
    timeout: float = Field(gt=0)
    soft_issues: int = Field(default=3, ge=1)
    soft_days: int = Field(default=14, ge=0)
    complaint_percent: float = Field(default=0.3, gt=0, le=100)
    complaints_at_least: int = Field(default=3, ge=1)
    bounce_percent: float = Field(default=5, gt=0, le=100)
    bounces_at_least: int = Field(default=10, ge=1)
    ours_percent: float = Field(default=2, gt=0, le=100)
    ours_at_least: int = Field(default=10, ge=1)
