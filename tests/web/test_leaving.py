"""Leaving as the mail offers it and as people do it: header, mailto, page, and the way back.

The cases U12 to U14, U16 and U17; the others stand in test_unsubscribe_cases.py.
"""

from __future__ import annotations

import email
import re
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from sqlalchemy import select

from newsletter.core.addresses import parse
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.tokens import Claim, Purpose
from newsletter.delivery.press import Press
from newsletter.editorial import publications
from newsletter.editorial.models import Issue
from subscribers import directory, suppression
from subscribers.models import Confirmation
from tests.cli.command import Command
from tests.web.conftest import ADDRESS, Site
from tests.web.sign_up import is_accepted, opened

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
UNTOUCHED = ("active", "my", ["given editor"])


def _mail(site: Site, *, text_only: bool = False) -> bytes:
    """The message this site's reader got."""
    with reading(site.services.engine) as session:
        issue = session.get_one(Issue, 1)
        issue.publication.sender_address = "desk@news.example"
        sheet = Press(site.services).print(issue, "my")
        return sheet.envelope(
            delivery_id=7,
            address=parse(ADDRESS),
            public_id=site.reader,
            date=now(),
            text_only=text_only,
        ).data


def _offered(raw: bytes) -> tuple[str, str]:
    """The two ways out of List-Unsubscribe."""
    message = email.message_from_bytes(raw, policy=policy.default)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.fullmatch(r"<(https?:[^<>]+)>, *<(mailto:[^<>]+)>", message["List-Unsubscribe"])
    assert found, message["List-Unsubscribe"]
    return found[1], found[2]


@pytest.mark.parametrize("text_only", [False, True])
def test_u12_the_header_and_the_page_name_one_plain_address(
    site: Site, client: httpx.Client, *, text_only: bool
) -> None:
    raw = _mail(site, text_only=text_only)
    url, _ = _offered(raw)
    field = re.search(rb"^List-Unsubscribe: .*?\r\n(?! )", raw, re.DOTALL | re.MULTILINE)
    assert field
    assert len(field[0]) <= 900
    assert b"=?" not in field[0]
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", url.rpartition("/")[2])
    body = email.message_from_bytes(raw, policy=policy.default)
    assert isinstance(body, EmailMessage)
    for kind in ("plain",) if text_only else ("plain", "html"):
        part = body.get_body((kind,))
        assert part is not None
        assert url in part.get_content()
    page = client.get(site.url + urlsplit(url).path)
    action = re.findall(r'<form method="post" action="([^"]+)"', page.text)
    assert action == [urlsplit(url).path]


def _written(mailto: str, **headers: str) -> bytes:
    """What a mail program makes of the link, with headers changed."""
    to, _, query = mailto.removeprefix("mailto:").partition("?")
    found = {"To": to, "Subject": unquote(query.removeprefix("subject=")), **headers}
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in found.items() if value]
    return "".join([*lines, "\r\n", "Sent from my phone\r\n"]).encode()


def _command(site: Site, home: Path) -> Command:
    """As a mail server runs it, on the site's own database."""
    url = site.services.settings.database.url
    return Command(home, {"NEWSLETTER_DATABASE__URL": url} if url else {})


@pytest.mark.parametrize("case", ["as offered", "subject changed", "folded", "forged", "answer"])
def test_u13_a_mail_to_the_leave_address_is_enough(site: Site, home: Path, case: str) -> None:
    url, mailto = _offered(_mail(site))
    token = url.rpartition("/")[2]
    change = {
        "as offered": {"From": ADDRESS},
        "subject changed": {"From": ADDRESS, "Subject": f"Re: Fwd: bitte leave {token} danke"},
        "folded": {"From": ADDRESS, "Subject": f"leave\r\n {token[:30]}\r\n {token[30:]}"},
        "forged": {"From": "somebody.else@evil.example"},
        "answer": {"From": ADDRESS, "Auto_Submitted": "auto-replied (vacation)"},
    }[case]
    ran = _command(site, home).ok(
        "subscribers", "leave", "-", stdin=_written(mailto, **change).decode()
    )
    assert "Traceback" not in ran.err
    gone = ("ended", "my", ["given editor", "withdrawn mail"])
    assert site.standing() == (UNTOUCHED if case == "answer" else gone)


def test_u13_nobody_leaves_by_the_sender_alone(site: Site, home: Path) -> None:
    _, mailto = _offered(_mail(site))
    mail = _written(mailto, From=ADDRESS, Subject="unsubscribe me").decode()
    _command(site, home).ok("subscribers", "leave", "-", stdin=mail)
    assert site.standing() == UNTOUCHED


def test_u14_the_page_speaks_the_readers_language_or_the_one_asked_for(
    site: Site, client: httpx.Client
) -> None:
    url = site.link(Purpose.UNSUBSCRIBE)
    english = {"Accept-Language": "en-GB,en;q=0.9"}
    assert '<html lang="my"' in client.get(url, headers=english).text
    for unknown in ("klingon", "", "../en", "my'"):
        page = client.get(url, params={"l": unknown}).text
        assert '<html lang="my"' in page
        assert '<span class="nw">အီးမေးလ်</span>' in page
    page = client.get(f"{url}?l=en").text
    assert '<html lang="en"' in page
    assert 'lang="my" hreflang="my"' in page
    answer = client.post(f"{url}?l=my", data=ONE_CLICK)
    assert answer.text == "စာရင်းမှ ထွက်ပြီးပါပြီ\n"


def test_u16_back_leads_a_new_confirmation_alone_and_never_a_link(
    any_site: Site, client: httpx.Client
) -> None:
    site = any_site
    url = site.link(Purpose.UNSUBSCRIBE)
    left = client.post(f"{url}?l=en", data={"leave": "1"})
    assert left.status_code == 200
    assert "You have been unsubscribed" in left.text
    assert f'action="{urlsplit(url).path}?l=en"' in left.text
    gone = ("ended", "my", ["given editor", "withdrawn page"])
    with opened(site.services) as door:
        url = f"{door.url}{urlsplit(url).path}"
        for query in ("?l=en", "?come_back=1&l=en", "?subscribe=1&l=en"):
            assert "Subscribe again" in client.get(url + query).text
        assert door.counts() == (1, 0, 0)
        for _ in range(3):  # the brakes hold as on the form, and the words are the same
            asked = client.post(f"{url}?l=en", data={"come_back": "1"})
            assert (asked.status_code, is_accepted(asked)) == (200, True)
            assert site.standing() == gone
        assert door.counts() == (1, 1, 1)
        with reading(site.services.engine) as session:
            claim = Claim(session.scalars(select(Confirmation.public_id)).one(), 1, Purpose.CONFIRM)
        confirm = f"{door.url}/c/{site.services.signer.sign(claim)}"
        assert client.get(confirm).status_code == 200
        assert site.standing() == gone
        assert client.post(confirm, data={"confirm": "1"}).status_code == 200
    assert site.standing() == ("active", "my", [*gone[2], "given form"])


@pytest.mark.parametrize("path", ["u", "p"])
def test_u16_both_pages_offer_the_way_back_to_whom_an_editor_took_off(
    site: Site, client: httpx.Client, path: str
) -> None:
    with writing(site.services.engine) as session:
        directory.remove(session, site.services.sealer, site.publication_id, ADDRESS, now())
    purpose = Purpose.UNSUBSCRIBE if path == "u" else Purpose.PREFERENCES
    with opened(site.services) as door:
        page = client.get(f"{door.url}/{path}/{site.token(purpose)}?l=en").text
        action = re.search(r'action="([^"]+)">\s*<button[^>]* name="come_back"', page)
        assert action
        assert is_accepted(client.post(door.url + action[1], data={"come_back": "1"}))
        assert door.counts() == (1, 1, 1)
    assert site.standing()[0] == "ended"


@pytest.mark.parametrize("why", ["archived", "no address", "no sender"])
def test_u16_where_nobody_can_sign_up_nobody_comes_back(
    site: Site, client: httpx.Client, why: str
) -> None:
    client.post(site.link(Purpose.UNSUBSCRIBE), data=ONE_CLICK)
    services = site.services
    if why == "no address":
        settings = services.settings
        nowhere = settings.public.model_copy(update={"url": ""})
        services = replace(services, settings=settings.model_copy(update={"public": nowhere}))
    with opened(services) as door:
        with writing(services.engine) as session:
            publication = publications.get(session, None)
            if why == "archived":
                publication.archived_at = now()
            if why == "no sender":
                publication.sender_address = ""
        url = f"{door.url}/u/{site.token(Purpose.UNSUBSCRIBE)}?l=en"
        assert "takes no new readers" in client.post(url, data={"come_back": "1"}).text
        assert door.counts() == (1, 0, 0)
    assert site.standing()[0] == "ended"


def test_u16_a_barred_or_present_reader_is_asked_nothing(site: Site, client: httpx.Client) -> None:
    with opened(site.services) as door:
        url = f"{door.url}/u/{site.token(Purpose.UNSUBSCRIBE)}?l=en"
        here = client.post(url, data={"come_back": "1"})
        assert "Press the button and you will receive no further emails." in here.text
        assert site.standing() == UNTOUCHED
        client.post(url, data=ONE_CLICK)
        with writing(site.services.engine) as session:
            index = site.services.sealer.blind_index(ADDRESS)
            suppression.suppress(session, index, "complaint", now())
        assert is_accepted(client.post(url, data={"come_back": "1"}))
        assert door.counts() == (1, 0, 0)


def test_u17_whoever_a_mail_was_forwarded_to_sees_the_list_and_no_address(
    site: Site, client: httpx.Client
) -> None:
    links = [site.link(Purpose.UNSUBSCRIBE), site.link(Purpose.PREFERENCES, "p")]
    for link in links:
        page = client.get(link).text
        assert "တောင်တန်းဒေသ စာစောင်" in page
        assert "t***@m***" in page
        for never in (ADDRESS, ADDRESS.split("@")[0], "thandar", "mail.example.org"):
            assert never not in page


def test_the_link_of_a_test_message_shows_all_and_does_nothing(
    site: Site, client: httpx.Client
) -> None:
    url = site.link(Purpose.TEST) + "?l=en"
    page = client.get(url).text
    assert "This is a test message" in page
    assert "you will receive no further" not in page
    burmese = {"Accept-Language": "my"}
    answer = client.post(site.link(Purpose.TEST), data=ONE_CLICK, headers=burmese)
    assert answer.text.startswith("ဤစာသည် စမ်းသပ်စာ ဖြစ်ပါသည်။")
    for fields in ({"leave": "1"}, {"come_back": "1"}, ONE_CLICK):
        assert client.post(url, data=fields).status_code == 200
    assert client.get(site.link(Purpose.TEST, "p")).status_code == 200
    assert site.standing() == UNTOUCHED
