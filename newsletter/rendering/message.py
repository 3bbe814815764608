"""From a rendered edition to the exact bytes of one recipient's message.

multipart/alternative, text first (RFC 2046 §5.1.4); with a picture the HTML stands in a
multipart/related of its own. Who asked for text alone gets the same text as the whole body.
Everything common is made once; `build` only writes the few headers and encoded lines that differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape

from newsletter.core.addresses import Address
from newsletter.core.errors import InputError
from newsletter.rendering import headers
from newsletter.rendering.content import (
    PREFERENCES_URL,
    UNSUBSCRIBE_URL,
    Letter,
    Picture,
    RenderedEdition,
)
from newsletter.rendering.edition import picture_id
from newsletter.rendering.mime import SplicedText, base64_lines, boundary

_PLACEHOLDERS = (UNSUBSCRIBE_URL, PREFERENCES_URL)


@dataclass(frozen=True, slots=True)
class Recipient:
    """What differs from one message of an edition to the next."""

    address: Address
    message_id: str
    """Without angle brackets; unique per delivery and the same at every attempt."""
    unsubscribe_url: str
    preferences_url: str
    leave_mailto: str
    """`mailto:…`, the other way out of List-Unsubscribe."""
    date: datetime
    subject_mark: str = ""
    """Before the subject of a test message: `[TEST] `."""


class MessageTemplate:
    """One edition encoded once; `build` gives each recipient's message. Safe between threads."""

    def __init__(self, letter: Letter, rendered: RenderedEdition) -> None:
        self.subject = rendered.subject
        self._text = SplicedText(rendered.text, _PLACEHOLDERS)
        self._html = SplicedText(rendered.html, _PLACEHOLDERS)
        edge = boundary(rendered.text.encode(), rendered.html.encode())
        common = _common_headers(letter)
        several = f'multipart/alternative;\r\n boundary="{edge}"'
        self._head = [*common, headers.field("Content-Type", several)]
        self._text_head = [*common, *_part_headers("text/plain", self._text.encoding)]
        self._subject = headers.unstructured("Subject", self.subject)
        inner = f"{edge}.r"
        self._before_text = part_head(edge, "text/plain", self._text.encoding)
        self._before_html = lines(f"--{edge}") if letter.picture else b""
        if letter.picture:
            self._before_html += _related_head(inner)
        html_edge = inner if letter.picture else edge
        self._before_html += part_head(html_edge, "text/html", self._html.encoding)
        picture = _picture_part(letter, letter.picture, inner) if letter.picture else b""
        self._after = picture + lines(f"--{edge}--")

    def build(self, to: Recipient, *, text_only: bool = False) -> bytes:
        """The complete message: ASCII but for an address that needs SMTPUTF8, CRLF throughout.

        With `text_only` it is text/plain and nothing else: no HTML, no picture.
        InputError when an address, link or Message-ID could not stand in a header.
        """
        unsubscribe, preferences = to.unsubscribe_url, to.preferences_url
        plain = {UNSUBSCRIBE_URL: unsubscribe.encode(), PREFERENCES_URL: preferences.encode()}
        own = self._own_headers(to)
        if text_only:
            return lines(*self._text_head, *own, "") + self._text.encoded(plain)
        head = lines(*self._head, *own, "")
        marked = {name: escape(url.decode()).encode() for name, url in plain.items()}
        return b"".join(
            [
                *(head, self._before_text, self._text.encoded(plain)),
                *(self._before_html, self._html.encoded(marked), self._after),
            ]
        )

    def _own_headers(self, to: Recipient) -> list[str]:
        if not to.preferences_url.isascii() or any(c in to.preferences_url for c in "<> \r\n\t\0"):
            raise InputError("preferences_url", "the link is no plain ASCII address")
        subject = self._subject
        if to.subject_mark:
            subject = headers.unstructured("Subject", to.subject_mark + self.subject)
        return [
            headers.mailbox("To", "", to.address.text),
            subject,
            headers.date(to.date),
            headers.message_id(to.message_id),
            headers.list_unsubscribe([to.unsubscribe_url, to.leave_mailto]),
        ]


def _common_headers(letter: Letter) -> list[str]:
    domain = letter.sender_address.rpartition("@")[2]
    described = (block.publication_name for block in letter.blocks)
    found = [headers.mailbox("From", letter.sender_name, letter.sender_address)]
    if letter.reply_to:
        found.append(headers.mailbox("Reply-To", "", letter.reply_to))
    return [
        *found,
        headers.list_id(
            next((name for name in described if name.isascii()), ""),
            f"{letter.publication_slug}.{domain}",
        ),
        headers.field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        headers.field("Content-Language", ", ".join(b.language for b in letter.blocks)),
        headers.field("MIME-Version", "1.0"),
    ]


def _part_headers(kind: str, encoding: str) -> list[str]:
    return [
        headers.field("Content-Type", f"{kind}; charset=utf-8"),
        headers.field("Content-Transfer-Encoding", encoding),
    ]


def part_head(edge: str, kind: str, encoding: str) -> bytes:
    """The boundary before a text part, its headers and the empty line after them."""
    return lines(f"--{edge}", *_part_headers(kind, encoding), "")


def _related_head(inner: str) -> bytes:
    kind = f'multipart/related; type="text/html";\r\n boundary="{inner}"'
    return lines(headers.field("Content-Type", kind), "")


def _picture_part(letter: Letter, picture: Picture, inner: str) -> bytes:
    identifier = picture_id(letter)
    name = identifier.partition("@")[0]
    head = lines(
        f"--{inner}",
        headers.field("Content-Type", picture.media_type),
        headers.field("Content-Transfer-Encoding", "base64"),
        headers.field("Content-ID", f"<{identifier}>"),
        headers.field("Content-Disposition", f'inline; filename="{name}"'),
        "",
    )
    return head + base64_lines(picture.data) + lines(f"--{inner}--")


def lines(*texts: str) -> bytes:
    """Header lines as they go out."""
    return "".join(f"{text}\r\n" for text in texts).encode()
