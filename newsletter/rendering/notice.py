"""A mail to one person: of a sign-up, of welcome or goodbye, or to an editor. Small and calm.

RFC 3834 §5.2: `Auto-Submitted: auto-generated`, so that no holiday answer comes back. Only where
there is something to leave does it have List-Unsubscribe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from newsletter.core.addresses import Address
from newsletter.language.dates_digits import N_, digits
from newsletter.rendering import headers
from newsletter.rendering.discreet import GAP_MARK, below_the_fold
from newsletter.rendering.environment import Theme
from newsletter.rendering.finishing import finish_mail
from newsletter.rendering.look import HOUSE, Look
from newsletter.rendering.message import lines, part_head
from newsletter.rendering.mime import boundary
from newsletter.rendering.plaintext import tidy
from newsletter.rendering.promises import refuse_remote
from newsletter.rendering.splicing import SplicedText

SUBJECT = N_("Please confirm your subscription")
_SUBJECTS = {
    "confirm": SUBJECT,
    "welcome": N_("You are now subscribed"),
    "goodbye": N_("You have been unsubscribed"),
}
WEEKDAYS = (
    N_("Mondays"),
    N_("Tuesdays"),
    N_("Wednesdays"),
    N_("Thursdays"),
    N_("Fridays"),
    N_("Saturdays"),
    N_("Sundays"),
)
QUIET = N_(
    "A short word on how these notes come to you. Nothing here needs an answer, and nothing has to "
    "be done today. You can read it whenever you have the time. The text begins further down."
)
"""Longer than what any mail program shows beside a subject."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What such a mail says, all of it the publication's own words."""

    languages: tuple[str, ...]
    """One part for each, in this order."""
    names: Mapping[str, str]
    """Of the publication, by language; the neutral ones in the discreet form."""
    sender_name: str
    sender_address: str
    reply_to: str
    link: str
    """Where the button leads; it stands in each part."""
    days: int
    """How long the link of a confirmation is good."""
    kind: str = "confirm"
    """confirm | welcome | goodbye | editors: which templates say it."""
    is_discreet: bool = False
    look: Look = HOUSE
    leave: tuple[str, ...] = ()
    """URIs of List-Unsubscribe, https first (RFC 8058 §3.1)."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """Further values for the templates of its kind."""
    subject: str = ""
    """Instead of the one of its kind."""


def build(
    notice: Notice,
    theme: Theme,
    *,
    to: Address,
    message_id: str,
    date: datetime,
    text_only: bool = False,
) -> bytes:
    """The complete message: multipart/alternative, text first, ASCII but for an SMTPUTF8 address.

    `text_only`: text/plain and nothing else. InputError names what no header may hold, RenderError
    the template at fault.
    """
    subject = notice.subject or _subject(notice, theme)
    text, html = _rendered(notice, theme, subject)
    plain, marked = SplicedText(text, ()), SplicedText(html, ())
    own = [
        headers.mailbox("To", "", to.text),
        headers.unstructured("Subject", subject),
        headers.date(date),
        headers.message_id(message_id),
        *_common_headers(notice),
    ]
    if text_only:
        return b"".join([lines(*own), _alone(plain), plain.encoded()])
    edge = boundary(text.encode(), html.encode())
    several = headers.field("Content-Type", f'multipart/alternative;\r\n boundary="{edge}"')
    return b"".join(
        [
            lines(*own, several, ""),
            *(part_head(edge, "text/plain", plain.encoding), plain.encoded()),
            *(part_head(edge, "text/html", marked.encoding), marked.encoded()),
            lines(f"--{edge}--"),
        ]
    )


def editors_subject(theme: Theme, language: str, issue: int | None) -> str:
    """What a mail to editors is about, in their first language."""
    words = theme.words(language)
    if issue is None:
        return words.gettext(N_("The newsletter needs you"))
    number = digits(issue, theme.rules(language))
    return words.gettext(N_("Issue %(number)s needs you")) % {"number": number}


def _alone(text: SplicedText) -> bytes:
    kind = headers.field("Content-Type", "text/plain; charset=utf-8")
    return lines(kind, headers.field("Content-Transfer-Encoding", text.encoding), "")


def _subject(notice: Notice, theme: Theme) -> str:
    """In the discreet form it is the name and nothing more."""
    main = notice.languages[0]
    if notice.is_discreet:
        return notice.names[main]
    return theme.words(main).gettext(_SUBJECTS[notice.kind])


def _common_headers(notice: Notice) -> list[str]:
    found = [headers.mailbox("From", notice.sender_name, notice.sender_address)]
    if notice.reply_to:
        found.append(headers.mailbox("Reply-To", "", notice.reply_to))
    if notice.leave:
        found.append(headers.list_unsubscribe(notice.leave))
        found.append(headers.field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    return [
        *found,
        headers.field("Auto-Submitted", "auto-generated"),
        headers.field("Content-Language", ", ".join(notice.languages)),
        headers.field("MIME-Version", "1.0"),
    ]


def _rendered(notice: Notice, theme: Theme, subject: str) -> tuple[str, str]:
    form = "quiet" if notice.is_discreet else "notice"
    values = {
        "parts": [_part(notice, theme, language) for language in notice.languages],
        "subject": subject,
        "look": notice.look,
        "gap": notice.is_discreet and notice.kind != "confirm",
    }
    main = notice.languages[0]
    html = finish_mail(theme.mjml(f"mail/{form}.mjml", main, **values), notice.look.light.link)
    refuse_remote(html)
    text = theme.page(f"mail/{form}.txt", main, **values)
    return below_the_fold(text) if GAP_MARK in text else tidy(text), html


def _part(notice: Notice, theme: Theme, language: str) -> dict[str, Any]:
    words, told = theme.words(language), dict(notice.told)
    if "weekday" in told:
        day = WEEKDAYS[told["weekday"] - 1]
        told["weekday"] = words.gettext(day)
    addresses = told.pop("postal_addresses", {})
    values: dict[str, Any] = {
        "called": notice.names[language],
        "link": notice.link,
        "days": notice.days,
        "top": 1 if language == notice.languages[0] else 2,
        "look": notice.look,
        "postal_address": addresses.get(language) or next(iter(addresses.values()), ""),
        **told,
    }
    name = f"mail/{notice.kind}_{'quiet' if notice.is_discreet else 'part'}"
    return {
        "language": language,
        "tall": theme.is_tall(language),
        "name": notice.names[language],
        "opening": words.gettext(QUIET),
        "html": theme.fragment(f"{name}.html", language, **values),
        "text": theme.page(f"{name}.txt", language, **values),
    }
