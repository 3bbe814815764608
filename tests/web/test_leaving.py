"""Leaving as the mail offers it and as people do it: header, mailto, page, and the way back.

The cases U12 to U14, U16 and U17; the others stand in test_unsubscribe_cases.py.
"""

from __future__ import annotations

import email
import re
from email import policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from newsletter.core.addresses import parse
from newsletter.core.clock import now
from newsletter.core.db import reading
from newsletter.core.tokens import Purpose
from newsletter.delivery.press import Press
from newsletter.editorial.models import Issue
from tests.cli.command import Command
from tests.web.conftest import ADDRESS, Site

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
    ran = Command(home, {"NEWSLETTER_DELIVERY__PROVIDER": "memory"}).ok(
        "subscribers", "leave", "-", stdin=_written(mailto, **change).decode()
    )
    assert "Traceback" not in ran.err
    gone = ("ended", "my", ["given editor", "withdrawn mail"])
    assert site.standing() == (UNTOUCHED if case == "answer" else gone)


def test_u13_nobody_leaves_by_the_sender_alone(site: Site, home: Path) -> None:
    _, mailto = _offered(_mail(site))
    mail = _written(mailto, From=ADDRESS, Subject="unsubscribe me").decode()
    Command(home, {}).ok("subscribers", "leave", "-", stdin=mail)
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


def test_u16_the_button_leads_out_and_back_and_no_link_does(
    site: Site, client: httpx.Client
) -> None:
    url = site.link(Purpose.UNSUBSCRIBE)
    left = client.post(f"{url}?l=en", data={"leave": "1"})
    assert left.status_code == 200
    assert "You have been unsubscribed" in left.text
    for query in ("?l=en", "?come_back=1&l=en", "?subscribe=1&l=en"):
        assert "Subscribe again" in client.get(url + query).text
    assert site.standing()[0] == "ended"
    assert f'action="{urlsplit(url).path}?l=en"' in left.text
    back = client.post(f"{url}?l=en", data={"come_back": "1"})
    assert "You are now subscribed" in back.text
    proofs = ["given editor", "withdrawn page", "given page"]
    assert site.standing() == ("active", "my", proofs)


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
