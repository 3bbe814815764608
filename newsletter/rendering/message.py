"""From a rendered edition to the exact bytes of one recipient's message.

multipart/alternative, text first (RFC 2046 §5.1.4); with a picture the HTML stands in a
multipart/related of its own. Who asked for text alone gets the same text as the whole body.
Everything common is made once; `build` only writes the few headers and encoded lines that differ.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import NamedTuple

from newsletter.core.addresses import Address
from newsletter.rendering import headers
from newsletter.rendering.content import (
    PREFERENCES_URL,
    UNSUBSCRIBE_URL,
    Letter,
    Picture,
    RenderedEdition,
)
from newsletter.rendering.dkim import Signer, fields_of
from newsletter.rendering.edition import picture_id
from newsletter.rendering.mime import base64_lines, boundary
from newsletter.rendering.splicing import Body, SplicedText

_PLACEHOLDERS = (UNSUBSCRIBE_URL, PREFERENCES_URL)


class Recipient(NamedTuple):
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

    def __init__(
        self, letter: Letter, rendered: RenderedEdition, signer: Signer | None = None
    ) -> None:
        self.subject = rendered.subject
        self._signer = signer
        self._subject = headers.unstructured("Subject", self.subject)
        self._feedback = lines(_feedback_id(letter)) if signer else b""
        text = SplicedText(rendered.text, _PLACEHOLDERS)
        html = SplicedText(rendered.html, _PLACEHOLDERS)
        common = _common_headers(letter)
        edge = boundary(rendered.text.encode(), rendered.html.encode())
        several = f'multipart/alternative;\r\n boundary="{edge}"'
        self._alone = _Form([*common, *_part_headers("text/plain", text.encoding)], [text])
        self._whole = _Form(
            [*common, headers.field("Content-Type", several)],
            [
                *(part_head(edge, "text/plain", text.encoding), text),
                *_html_parts(letter, _carried(letter, rendered.html), html, edge),
                lines(f"--{edge}--"),
            ],
        )

    def build(self, to: Recipient, *, text_only: bool = False, signed: bool = True) -> bytes:
        """The complete message: ASCII but for an address that needs SMTPUTF8, CRLF throughout.

        No line begins with a dot and there is no bare CR or LF, so that it goes onto an SMTP line
        as it is (RFC 5321 §4.5.2). With `text_only` it is text/plain and nothing else: no HTML,
        no picture. `signed` by the domain's DKIM keys, if the template was given any.
        InputError when an address, link or Message-ID could not stand in a header.
        """
        links = (to.unsubscribe_url, headers.link(to.preferences_url, "preferences_url"))
        plain = [link.encode() for link in links]
        form = self._alone if text_only else self._whole
        values = [plain] if text_only else [plain, [escape(link).encode() for link in links]]
        own = self._own_headers(to)
        body = form.body(values)
        pieces = body.filled(values)
        signature = b""
        if signed and self._signer is not None:
            own = self._feedback + own
            fields = {**form.fields, **fields_of(own)}
            signature = self._signer.headers(fields, body.hashed(pieces))
        return b"".join([signature, form.head, own, b"\r\n", *pieces])

    def _own_headers(self, to: Recipient) -> bytes:
        subject = self._subject
        if to.subject_mark:
            subject = headers.unstructured("Subject", to.subject_mark + self.subject)
        return lines(
            headers.mailbox("To", "", to.address.text),
            subject,
            headers.date(to.date),
            headers.message_id(to.message_id),
            headers.list_unsubscribe([to.unsubscribe_url, to.leave_mailto]),
        )


class _Form:
    """One way in which an edition goes out: all its parts, or the text alone."""

    def __init__(self, common: Sequence[str], parts: Sequence[bytes | SplicedText]) -> None:
        self.head = lines(*common)
        self.fields = fields_of(self.head)
        self._parts = parts
        self._bodies: dict[tuple[int, ...], Body] = {}

    def body(self, values: Sequence[Sequence[bytes]]) -> Body:
        """For values of these lengths; links of an issue all have one, so it is made once."""
        sizes = tuple([len(value) for group in values for value in group])
        found = self._bodies.get(sizes)
        if found is None:
            found = self._bodies[sizes] = Body(self._parts, values)
        return found


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
        headers.list_owner(letter.reply_to or letter.sender_address),
        headers.field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        headers.field("Content-Language", ", ".join(b.language for b in letter.blocks)),
        headers.field("MIME-Version", "1.0"),
    ]


def _feedback_id(letter: Letter) -> str:
    """Only in what we sign: Gmail believes no other, and who signs for us writes one of its own."""
    domain = re.sub(r"[^A-Za-z0-9]", "", letter.sender_address.rpartition("@")[2])
    edition, slug = letter.edition.replace("+", "-"), letter.publication_slug[:60]
    return headers.feedback_id(str(letter.number), edition, slug, domain[-15:].ljust(5, "0"))


def _part_headers(kind: str, encoding: str) -> list[str]:
    return [
        headers.field("Content-Type", f"{kind}; charset=utf-8"),
        headers.field("Content-Transfer-Encoding", encoding),
    ]


def part_head(edge: str, kind: str, encoding: str) -> bytes:
    """The boundary before a text part, its headers and the empty line after them."""
    return lines(f"--{edge}", *_part_headers(kind, encoding), "")


def _html_parts(
    letter: Letter, carried: Sequence[Picture], html: SplicedText, edge: str
) -> list[bytes | SplicedText]:
    """The HTML, with what it shows in a multipart/related of its own."""
    if not carried:
        return [part_head(edge, "text/html", html.encoding), html]
    inner = f"{edge}.r"
    before = lines(f"--{edge}") + _related_head(inner)
    parts = b"".join(_picture_part(letter, picture, inner) for picture in carried)
    return [
        before + part_head(inner, "text/html", html.encoding),
        *(html, parts + lines(f"--{inner}--")),
    ]


def _carried(letter: Letter, html: str) -> list[Picture]:
    """The pictures that travel inside the message, each once. Only what the page shows: a part
    that nothing names would hang on the mail as an attachment."""
    named = {picture.name: picture for picture in (letter.picture, letter.logo) if picture}
    return [shown for shown in named.values() if f"cid:{picture_id(letter, shown)}" in html]


def _related_head(inner: str) -> bytes:
    kind = f'multipart/related; type="text/html";\r\n boundary="{inner}"'
    return lines(headers.field("Content-Type", kind), "")


def _picture_part(letter: Letter, picture: Picture, inner: str) -> bytes:
    identifier = picture_id(letter, picture)
    name = identifier.partition("@")[0]
    head = lines(
        f"--{inner}",
        headers.field("Content-Type", picture.media_type),
        headers.field("Content-Transfer-Encoding", "base64"),
        headers.field("Content-ID", f"<{identifier}>"),
        headers.field("Content-Disposition", f"inline;\r\n {headers.parameter('filename', name)}"),
        "",
    )
    return head + base64_lines(picture.data)


def lines(*texts: str) -> bytes:
    """Header lines as they go out."""
    return "".join(f"{text}\r\n" for text in texts).encode()
