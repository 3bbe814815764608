"""A plain mail from the service to its editors: a few sentences, no link that knows who reads.

RFC 3834 §5.2: `Auto-Submitted: auto-generated`, so that no holiday answer comes back.
"""

from __future__ import annotations

from datetime import datetime

from newsletter.rendering import headers
from newsletter.rendering.mime import base64_lines, canonical, quoted_printable, smaller_encoding


def build(
    *, subject: str, body: str, sender: str, to: str, message_id: str, date: datetime
) -> bytes:
    """The complete message: text/plain, ASCII but for an SMTPUTF8 address, CRLF throughout.

    InputError names what no header may hold.
    """
    raw = canonical(body)
    encoding = smaller_encoding(raw)
    encoded = base64_lines(raw) if encoding == "base64" else quoted_printable(raw)
    head = [
        headers.mailbox("From", "", sender),
        headers.mailbox("To", "", to),
        headers.unstructured("Subject", subject),
        headers.date(date),
        headers.message_id(message_id),
        headers.field("Auto-Submitted", "auto-generated"),
        headers.field("MIME-Version", "1.0"),
        headers.field("Content-Type", "text/plain; charset=utf-8"),
        headers.field("Content-Transfer-Encoding", encoding),
        "",
        "",
    ]
    return "\r\n".join(head).encode() + encoded
