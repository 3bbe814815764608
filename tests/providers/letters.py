"""Ready messages for the providers' tests, as the press makes them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from newsletter.core.addresses import Address
from newsletter.providers.base import Envelope
from newsletter.rendering.content import Letter, RenderedEdition
from newsletter.rendering.edition import render
from newsletter.rendering.message import MessageTemplate, Recipient
from tests.rendering import sample

READER = "aye.aye@example.org"


@dataclass(frozen=True)
class Sent:
    """A message and what it was made of."""

    envelope: Envelope
    letter: Letter
    rendered: RenderedEdition
    reader: Recipient


@cache
def _pressed(with_picture: bool) -> tuple[Letter, RenderedEdition, MessageTemplate]:
    letter = sample.letter("en+my", with_picture=with_picture)
    rendered = render(letter, sample.theme())
    return letter, rendered, MessageTemplate(letter, rendered)


def issue(*, picture: bool = True, text_only: bool = False, number: int = 1) -> Sent:
    """The bilingual sample issue for one reader."""
    letter, rendered, template = _pressed(picture)
    reader = sample.recipient(f"v1.k1.reader{number}")
    data = template.build(reader, text_only=text_only)
    envelope = Envelope(number, letter.sender_address, Address(reader.address.text), data)
    return Sent(envelope, letter, rendered, reader)


def small(
    number: int = 1,
    recipient: str = READER,
    *,
    subject: str = "Rain",
    text: str = "first",
    html: str = "<p>first</p>",
    sender: str = "Desk <desk@news.example>",
    data: bytes | None = None,
) -> Envelope:
    """A small message with text and HTML."""
    whole = (
        f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\n"
        f"Message-ID: <{number:032x}@news.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
        f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        f"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--b--\r\n"
    )
    made = whole.encode() if data is None else data
    return Envelope(number, "desk@news.example", Address(recipient), made)
