"""The mail of a sign-up: small, calm, and without a word of whoever filled in the form.

RFC 3834 §5.2: `Auto-Submitted: auto-generated`, so that no holiday answer comes back. No
List-Unsubscribe: there is nothing yet to leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from newsletter.core.addresses import Address
from newsletter.language.dates_digits import N_
from newsletter.rendering import headers
from newsletter.rendering.environment import Theme
from newsletter.rendering.finishing import finish_mail
from newsletter.rendering.look import HOUSE
from newsletter.rendering.message import lines, part_head
from newsletter.rendering.mime import boundary
from newsletter.rendering.plaintext import tidy
from newsletter.rendering.promises import refuse_remote
from newsletter.rendering.splicing import SplicedText

SUBJECT = N_("Please confirm your subscription")


@dataclass(frozen=True, slots=True)
class Notice:
    """What such a mail says, all of it the publication's own words."""

    languages: tuple[str, ...]
    """One part for each, in this order."""
    names: Mapping[str, str]
    """Of the publication, by language."""
    sender_name: str
    sender_address: str
    reply_to: str
    link: str
    """Leads to the page with the button; it stands in each part."""
    days: int
    """How long the link is good."""


def build(notice: Notice, theme: Theme, *, to: Address, message_id: str, date: datetime) -> bytes:
    """The complete message: multipart/alternative, text first, ASCII but for an SMTPUTF8 address.

    InputError names what no header may hold, RenderError the template at fault.
    """
    subject = theme.words(notice.languages[0]).gettext(SUBJECT)
    text, html = _rendered(notice, theme, subject)
    plain, marked = SplicedText(text, ()), SplicedText(html, ())
    edge = boundary(text.encode(), html.encode())
    own = [
        headers.mailbox("To", "", to.text),
        headers.unstructured("Subject", subject),
        headers.date(date),
        headers.message_id(message_id),
    ]
    return b"".join(
        [
            lines(*own, *_common_headers(notice, edge), ""),
            *(part_head(edge, "text/plain", plain.encoding), plain.encoded()),
            *(part_head(edge, "text/html", marked.encoding), marked.encoded()),
            lines(f"--{edge}--"),
        ]
    )


def _common_headers(notice: Notice, edge: str) -> list[str]:
    answers = [headers.mailbox("Reply-To", "", notice.reply_to)] if notice.reply_to else []
    return [
        headers.mailbox("From", notice.sender_name, notice.sender_address),
        *answers,
        headers.field("Auto-Submitted", "auto-generated"),
        headers.field("Content-Language", ", ".join(notice.languages)),
        headers.field("MIME-Version", "1.0"),
        headers.field("Content-Type", f'multipart/alternative;\r\n boundary="{edge}"'),
    ]


def _rendered(notice: Notice, theme: Theme, subject: str) -> tuple[str, str]:
    parts = [_part(notice, theme, language) for language in notice.languages]
    values = {"parts": parts, "subject": subject, "look": HOUSE}
    main = notice.languages[0]
    html = finish_mail(theme.mjml("mail/confirm.mjml", main, **values))
    refuse_remote(html)
    return tidy(theme.page("mail/confirm.txt", main, **values)), html


def _part(notice: Notice, theme: Theme, language: str) -> dict[str, Any]:
    name = notice.names[language]
    top = 1 if language == notice.languages[0] else 2
    values: dict[str, Any] = {"called": name, "link": notice.link, "days": notice.days, "top": top}
    values["look"] = HOUSE
    return {
        "language": language,
        "tall": theme.is_tall(language),
        "name": name,
        "html": theme.fragment("mail/confirm_part.html", language, **values),
        "text": theme.page("mail/confirm_part.txt", language, **values),
    }
