"""The demo's mailbox: every caught mail as its reader would see it, and how it is made.

A mail is foreign matter even here: its HTML stands in a sandboxed frame under a policy of its
own, and nothing in it can run or load anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter
from fastapi import Path as Numbered
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from newsletter.core.errors import NotFound
from newsletter.web import security
from newsletter.web.pages import Pages

_SHOWN = 500
Number = Annotated[int, Numbered(ge=0, le=999_999)]
"""Of a file NNNNNN.eml."""
_TABS = ("html", "text", "headers", "source")
_CID = re.compile(r"""cid:([^"'\s)>]+)""")
_JUMP = re.compile(r"""(<a\b[^>]*?\shref=["']?#[^\s"'>]*["']?)""", re.IGNORECASE)
_IMAGES = {"image/jpeg", "image/png", "image/gif"}
_GET = ["GET", "HEAD"]


@dataclass(frozen=True, slots=True)
class Caught:
    """One message in the directory."""

    number: int
    subject: str
    to: str
    sender: str
    date: str
    edition: str
    kilobytes: int


def router(maildir: Path) -> APIRouter:
    """The routes of the mailbox over a directory of NNNNNN.eml files (see `newsletter demo`)."""
    made = APIRouter(redirect_slashes=False)
    desk = _Desk(maildir)
    made.add_api_route("/mailbox", desk.listing, methods=_GET)
    made.add_api_route("/mailbox/{number}", desk.message, methods=_GET)
    made.add_api_route("/mailbox/{number}/html", desk.html, methods=_GET)
    made.add_api_route("/mailbox/{number}/source", desk.source, methods=_GET)
    made.add_api_route("/mailbox/{number}/part/{cid}", desk.part, methods=_GET)
    return made


@dataclass(frozen=True)
class _Desk:
    maildir: Path

    def listing(self, request: Request, edition: str = "") -> Response:
        """All mails, the newest first; `edition` keeps one language."""
        mails = self._all()
        known = list(dict.fromkeys(sorted((m.edition for m in mails), key=_order)))
        shown = [mail for mail in mails if edition in {"", mail.edition}]
        pages, language = _pages(request)
        return pages.show(
            "web/mailbox.html",
            language,
            mails=shown,
            total=len(mails),
            editions=known,
            edition=edition,
            switches=pages.switches(request, language, pages.languages),
        )

    def message(self, request: Request, number: Number, tab: str = "html") -> Response:
        """One mail under its tabs."""
        raw, mail = self._read(number)
        text = mail.get_body(("plain",))
        pages, language = _pages(request)
        caught = _caught(number, raw, mail)
        return pages.show(
            "web/mailbox_message.html",
            language,
            mail=caught,
            tab=tab if tab in _TABS else "html",
            tabs=_TABS,
            text=text.get_content() if text else "",
            tall_text=any(map(pages.is_tall, caught.edition.split("+"))),
            headers=[(name, str(value)) for name, value in mail.items()],
            source=raw.decode("utf-8", "replace") if tab == "source" else "",
            switches=pages.switches(request, language, pages.languages),
        )

    def html(self, number: Number) -> Response:
        """The HTML part alone, for the frame; its links open outside of it, its jumps inside."""
        _, mail = self._read(number)
        body = mail.get_body(("html",))
        if body is None:
            raise NotFound("mail", "this mail has no HTML")
        html = _CID.sub(lambda cid: f"part/{quote(unquote(cid[1]), safe='')}", body.get_content())
        html = re.sub(r"<head[^>]*>", lambda m: f'{m[0]}<base target="_blank">', html, count=1)
        html = _JUMP.sub(r'\1 target="_self"', html)
        response = security.as_mail(HTMLResponse(html), framed=True)
        response.headers["Content-Security-Policy"] += (
            "; sandbox allow-popups allow-popups-to-escape-sandbox"
        )
        return response

    def source(self, number: Number) -> Response:
        """The message as it went over the wire, to be saved."""
        raw, _ = self._read(number)
        name = {"Content-Disposition": f'attachment; filename="{number:06d}.eml"'}
        return PlainTextResponse(raw, media_type="message/rfc822", headers=name)

    def part(self, number: Number, cid: str) -> Response:
        """A picture carried in the mail, by its Content-ID."""
        _, mail = self._read(number)
        for part in mail.walk():
            if part.get("Content-ID", "").strip("<> ") == cid:
                kind = part.get_content_type()
                if kind in _IMAGES:
                    return Response(bytes(part.get_payload(decode=True)), media_type=kind)
        raise NotFound("part", "this mail holds no such picture")

    def _all(self) -> list[Caught]:
        paths = sorted(self.maildir.glob("*.eml"), reverse=True)[:_SHOWN]
        return [_caught(int(p.stem), *_parsed(p)) for p in paths if p.stem.isdigit()]

    def _read(self, number: int) -> tuple[bytes, EmailMessage]:
        path = self.maildir / f"{number:06d}.eml"
        if not path.is_file():
            raise NotFound("mail", f"there is no mail {number}")
        return _parsed(path)


def _parsed(path: Path) -> tuple[bytes, EmailMessage]:
    raw = path.read_bytes()
    return raw, message_from_bytes(raw, _class=EmailMessage, policy=policy.default)


def _caught(number: int, raw: bytes, mail: EmailMessage) -> Caught:
    sent = mail.get("Date")
    return Caught(
        number=number,
        subject=str(mail.get("Subject", "")),
        to=str(mail.get("X-Envelope-To") or mail.get("To", "")),
        sender=str(mail.get("From", "")),
        date=parsedate_to_datetime(str(sent)).strftime("%Y-%m-%d %H:%M") if sent else "",
        edition=_edition(mail),
        kilobytes=round(len(raw) / 1024),
    )


def _edition(mail: EmailMessage) -> str:
    """The languages of a mail as an edition: Content-Language (RFC 3282) of it or of a part."""
    for part in mail.walk():
        named = [code.strip() for code in str(part.get("Content-Language", "")).split(",")]
        if any(named):
            return "+".join(code for code in named if code)
    return ""


def _order(edition: str) -> tuple[int, str]:
    return edition.count("+"), edition


def _pages(request: Request) -> tuple[Pages, str]:
    pages: Pages = request.app.state.pages
    return pages, pages.wished(request) or next(iter(pages.languages))
