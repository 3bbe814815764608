"""The reader is safe: nothing here can hold who opened or clicked what, and no mail fetches."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest

from newsletter.app import Services
from newsletter.core.db import Base
from newsletter.core.errors import RenderError
from newsletter.rendering.edition import render
from newsletter.rendering.message import MessageTemplate
from newsletter.rendering.promises import require_kept
from tests.delivery import newsroom
from tests.rendering import sample

ABOUT_READERS = {
    "subscribers": {"id", "public_id", "sealed_address", "seal_key_id", "address_index",
                    "created_at"},
    "subscriptions": {"id", "subscriber_id", "publication_id", "state", "edition", "text_only",
                      "discreet", "paused_until_at", "created_at", "ended_at", "ended_reason"},
    "confirmations": {"id", "public_id", "subscription_id", "edition", "wording", "created_at",
                      "discreet", "expires_at", "used_at"},
    "greetings": {"id", "kind", "public_id", "subscription_id", "edition", "created_at"},
    "consents": {"id", "subscription_id", "kind", "how", "wording", "at"},
    "signup_marks": {"id", "mark", "at"},
    "suppressions": {"address_index", "reason", "at"},
    "deliveries": {"id", "issue_id", "confirmation_id", "greeting_id", "subscriber_id", "edition",
                   "state", "reason", "answer", "attempts", "turn", "not_before_at", "owner",
                   "lease_until_at", "provider", "changed_at", "submitted_at"},
    "events": {"id", "source", "mark", "kind", "delivery_id", "status", "answer", "outcome", "at",
               "received_at", "raw"},
    "soft_bounces": {"subscriber_id", "issues", "last_issue_id", "first_at", "last_at"},
}  # fmt: skip
"""Every column that belongs to a person. Whoever adds one answers here: can it hold what
somebody read, opened or pressed, or where they were? Then it must not exist."""

ABOUT_OTHERS = {
    "alembic_version", "audit_entries", "categories", "chunks", "conversions", "data_keys",
    "editorials", "entries", "imports", "installation", "issues", "keyholders", "leases",
    "link_checks", "list_imports", "notices", "outages", "paces", "pictures", "publications",
    "resources", "slots", "sources",
}  # fmt: skip
"""Tables that know of no single reader."""

_FETCHING = {"src", "srcset", "background", "poster", "data", "lowsrc", "dynsrc", "longdesc",
             "manifest", "codebase", "archive", "profile", "ping", "formaction"}  # fmt: skip
_RUNNING = {"script", "iframe", "object", "embed", "video", "audio", "form", "base", "link"}
_STYLE = re.compile(r"@import|image-set\(|url\(\s*[\"']?\s*(?!cid:|data:|#)", re.IGNORECASE)


class _Remote(HTMLParser):
    """What a mail program would fetch, run or tell by itself while it shows this."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.links: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: (value or "").strip() for name, value in attrs}
        self._in_style = tag == "style"
        if tag in _RUNNING:
            self.found.append(f"<{tag}>")
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self.found.append("refresh")
        for name, value in values.items():
            if name in _FETCHING and not value.lower().startswith(("cid:", "data:image/")):
                self.found.append(f"{tag} {name}={value}")
            if name == "style" and _STYLE.search(value):
                self.found.append(value)
        if "href" in values and tag == "a":
            self.links.append(values["href"])

    def handle_data(self, data: str) -> None:
        if self._in_style and _STYLE.search(data):
            self.found.append(data)

    def handle_endtag(self, _tag: str) -> None:
        self._in_style = False


def _read(html: str) -> _Remote:
    parser = _Remote()
    parser.feed(html)
    parser.close()
    return parser


def _html(data: bytes) -> str:
    message = email.message_from_bytes(data, _class=EmailMessage, policy=policy.default)
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize(
    "html",
    [
        '<img src="https://seen.example/open.gif">',
        '<img src="//seen.example/open.gif">',
        "<img src=http://seen.example/open.gif width=1>",
        '<td background="https://seen.example/b.png">',
        '<img srcset="https://seen.example/2x.png 2x" src="cid:a">',
        "<style>@import 'https://seen.example/a.css';</style>",
        "<style>@font-face{src:url(https://seen.example/f.woff2)}</style>",
        "<p style=\"background-image:url('https://seen.example/a')\">",
        '<link rel="stylesheet" href="https://seen.example/a.css">',
        '<meta http-equiv="Refresh" content="0;url=https://seen.example/">',
        '<a href="https://good.example" ping="https://seen.example/click">read</a>',
        "<script>fetch('https://seen.example')</script>",
        '<video poster="https://seen.example/p.png"></video>',
    ],
)
def test_the_look_finds_what_would_tell(html: str) -> None:
    assert _read(html).found


def test_no_table_can_hold_an_open_or_a_click() -> None:
    tables = {name: set(table.columns.keys()) for name, table in Base.metadata.tables.items()}
    assert set(tables) | {"alembic_version"} == set(ABOUT_READERS) | ABOUT_OTHERS
    assert {name: tables[name] for name in ABOUT_READERS} == ABOUT_READERS


@pytest.mark.parametrize("edition", ["en", "my", "en+my"])
@pytest.mark.parametrize("with_picture", [True, False])
def test_a_message_fetches_nothing(edition: str, with_picture: bool) -> None:
    letter = sample.letter(edition, with_picture=with_picture)
    built = MessageTemplate(letter, render(letter, sample.theme())).build(sample.recipient())
    looked = _read(_html(built))
    assert looked.found == []
    assert looked.links
    for link in looked.links:
        assert link.startswith(("https://", "mailto:", "#")), link


def test_two_readers_get_the_same_links_but_for_leaving_and_choosing(services: Services) -> None:
    issue_id = newsroom.publish(services, 6)
    newsroom.start(services, issue_id)
    newsroom.work_off(services)
    by_edition: dict[str, list[str]] = {}
    for row, envelope in zip(
        newsroom.rows(services, issue_id), newsroom.taken(services), strict=True
    ):
        by_edition.setdefault(row.edition, []).append(_html(envelope.data))
    assert sorted(by_edition) == ["en", "en+my", "my"]
    for first, second in by_edition.values():
        own = set(_own_links(first, second))
        assert {re.sub(r"v1\.\S+", "", link) for link in own} == {
            "http://127.0.0.1:8080/u/",
            "http://127.0.0.1:8080/p/",
        }
        assert _without(first, own) == _without(second, set(_own_links(second, first)))


def _own_links(one: str, other: str) -> Iterator[str]:
    shared = set(_read(other).links)
    return (link for link in _read(one).links if link not in shared)


def _without(html: str, links: set[str]) -> str:
    for link in links:
        html = html.replace(link, "")
    return html


def test_an_operators_pixel_is_refused() -> None:
    letter = sample.letter("en")
    rendered = render(letter, sample.theme())
    tampered = replace(
        rendered, html=rendered.html.replace("</body>", '<img src="https://seen.example/o"></body>')
    )
    with pytest.raises(RenderError, match="fetch and run nothing"):
        require_kept(tampered.html, tampered.text)
