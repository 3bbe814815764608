"""A message for nobody: what a reader would get, with links that can change nothing."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newsletter.app import Services
    from newsletter.editorial.models import Publication
    from newsletter.rendering.content import Letter
    from newsletter.rendering.discreet import Words

_NOBODY = UUID(int=0)
_READER = "reader@example.org"
_NO_SENDER = "sender-is-not-set@example.invalid"


def in_discreet_form(
    services: Services, owner: Publication, letters: Mapping[str, Letter]
) -> tuple[dict[str, Letter], Words]:
    """The letters under the neutral sender; NotAllowedNow says what the publication lacks."""
    from newsletter.editorial import discreet
    from newsletter.rendering.discreet import Words, name_in

    lacking = discreet.lacking(owner, services.settings.links_url)
    if lacking:
        from newsletter.core.errors import NotAllowedNow

        raise NotAllowedNow("; ".join(lacking))
    told = discreet.settings_of(owner)
    names = {code: name_in(services.theme, code) for code in owner.languages}
    changed = {name: discreet.neutral(made, told, names) for name, made in letters.items()}
    return changed, Words(told.subjects, told.preheaders)


def sample_message(
    services: Services, letter: Letter, publication_id: int, words: Words | None = None
) -> bytes:
    """The complete message of an edition to a sample reader, as bytes.

    `words` of the discreet form go with a letter that is in it.
    """
    from newsletter.core.addresses import parse
    from newsletter.core.clock import now
    from newsletter.core.tokens import Claim, Purpose
    from newsletter.rendering import discreet as plain
    from newsletter.rendering.edition import render
    from newsletter.rendering.message import MessageTemplate, Recipient

    if not letter.sender_address:
        letter = replace(letter, sender_address=_NO_SENDER)
    token = services.signer.sign(Claim(_NOBODY, publication_id, Purpose.TEST))
    leave_at = letter.leave_address or letter.sender_address
    rendered = plain.render(letter, services.theme, words) if words else None
    template = MessageTemplate(letter, rendered or render(letter, services.theme))
    name = f"preview.{letter.number}.{letter.edition.replace('+', '-')}"
    return template.build(
        Recipient(
            address=parse(_READER),
            message_id=f"{name}@example.invalid",
            unsubscribe_url=f"{letter.public_url}/u/{token}",
            preferences_url=f"{letter.public_url}/p/{token}",
            leave_mailto=f"mailto:{leave_at}?subject=leave%20{token}",
            date=now(),
        )
    )


def parts(message: bytes) -> dict[str, bytes]:
    """html, txt and eml of a message; the HTML carries its pictures, so a browser shows them."""
    parsed = message_from_bytes(message, _class=EmailMessage, policy=policy.default)
    found = {"html": b"", "txt": b"", "eml": message}
    for kind, subtype in (("html", "html"), ("txt", "plain")):
        body = parsed.get_body(preferencelist=(subtype,))
        if body is not None:
            found[kind] = str(body.get_content()).encode()
    found["html"] = _with_pictures(found["html"].decode(), parsed).encode()
    return found


def _with_pictures(html: str, message: EmailMessage) -> str:
    for part in message.walk():
        name = str(part.get("Content-ID", "")).strip("<> ")
        payload = part.get_payload(decode=True)
        if name and isinstance(payload, bytes):
            data = base64.b64encode(payload).decode("ascii")
            url = f"data:{part.get_content_type()};base64,{data}"
            html = re.sub(rf"cid:{re.escape(name)}\b", lambda _, url=url: url, html)  # type: ignore[misc]
    return html
