"""Leaving by mail: finds the token in what came to the leave address. Pure."""

from __future__ import annotations

import re
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser

from newsletter.core.tokens import TOKEN_IN_TEXT

_WHERE = ("Subject", "To", "Cc", "Delivered-To", "X-Original-To")
_HEADER, _VALUES, _VALUE = 100_000, 20, 4_000
"""What is looked at: bytes of a header, values of one name, letters of one value."""


def token_in_mail(data: bytes) -> str | None:
    """The token that asks to leave, or None; it proves itself, so the sender is not looked at.

    Mail programs fill in the subject of a `mailto:` link (RFC 6068), some people rewrite it,
    and relays fold it, so the receiving addresses are searched too. Never the text: a reply
    that quotes an issue holds its unsubscribe link and does not ask to leave. An automatic
    answer (`Auto-Submitted` other than `no`, RFC 3834 §5) is nobody's wish.
    """
    # Not by the parser of addresses: sixty thousand quotation marks keep it busy for minutes, and
    # as many parentheses break it.
    message = BytesHeaderParser().parsebytes(data[:_HEADER])
    if not _by_hand(message):
        return None
    for value in _values(message):
        # A line folded inside the token still holds it once the white space is taken out.
        for text in (value, re.sub(r"\s+", "", value)):
            if found := TOKEN_IN_TEXT.search(text):
                return found[0]
    return None


def _by_hand(message: Message) -> bool:
    automatic = str(message.get("Auto-Submitted", "no")).split(";")[0].strip().lower()
    return automatic == "no"


def _values(message: Message) -> list[str]:
    found = (message.get_all(name, [])[:_VALUES] for name in _WHERE)
    return [_words(str(value)[:_VALUE]) for values in found for value in values]


def _words(value: str) -> str:
    """The value with its encoded words read (RFC 2047); as it stands where they are broken."""
    try:
        return str(make_header(decode_header(value)))
    except Exception:  # noqa: BLE001  (foreign codecs may raise anything; only words are lost)
        return value
