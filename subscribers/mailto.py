"""Leaving by mail: finds the token in what came to the leave address. Pure."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

from newsletter.core.tokens import TOKEN_IN_TEXT

_WHERE = ("Subject", "To", "Cc", "Delivered-To", "X-Original-To")


def token_in_mail(data: bytes) -> str | None:
    """The token that asks to leave, or None; it proves itself, so the sender is not looked at.

    Mail programs fill in the subject of a `mailto:` link (RFC 6068), some people rewrite it,
    and relays fold it, so the receiving addresses are searched too. Never the text: a reply
    that quotes an issue holds its unsubscribe link and does not ask to leave. An automatic
    answer (`Auto-Submitted` other than `no`, RFC 3834 §5) is nobody's wish.
    """
    message = message_from_bytes(data, _class=EmailMessage, policy=policy.default)
    if not _by_hand(message):
        return None
    for value in _values(message):
        # A line folded inside the token still holds it once the white space is taken out.
        for text in (value, re.sub(r"\s+", "", value)):
            if found := TOKEN_IN_TEXT.search(text):
                return found[0]
    return None


def _by_hand(message: EmailMessage) -> bool:
    automatic = str(message.get("Auto-Submitted", "no")).split(";")[0].strip().lower()
    return automatic == "no"


def _values(message: EmailMessage) -> list[str]:
    return [str(value) for name in _WHERE for value in message.get_all(name, [])]
