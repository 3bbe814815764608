"""Pages offer a mail that shows nothing where one can be made, and name nobody to its readers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import select, update

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.tokens import Claim, Purpose
from newsletter.editorial import publications
from newsletter.editorial.models import Publication
from subscribers.models import Confirmation, Subscription
from tests.web import sign_up
from tests.web.conftest import Site
from tests.web.sign_up import Door

BASE = {"edition": "my"}
BOX = 'name="discreet" value="1"'
LABEL = "A mail that shows nothing at first sight"
PLAIN = {"address": "notes@plain.example", "url": "https://plain.example"}
NAMES = ("Hill Country", "တောင်တန်းဒေသ")


def _set(services: Services, told: dict[str, str] | None = None) -> None:
    with writing(services.engine) as session:
        session.execute(
            update(Publication).values(
                discreet=PLAIN if told is None else told, sender_address="desk@example.org"
            )
        )


def _choose(services: Services) -> None:
    with writing(services.engine) as session:
        session.execute(update(Subscription).values(discreet=True))


def _held(services: Services) -> bool:
    with reading(services.engine) as session:
        return session.scalars(select(Subscription.discreet)).one()


def test_page_offers_it_only_where_it_can_be_made(site: Site, client: httpx.Client) -> None:
    url = site.link(Purpose.PREFERENCES, "p") + "?l=en"
    assert BOX not in client.get(url).text
    client.post(url, data={**BASE, "discreet": "1"})
    assert not _held(site.services), "what is not offered is not chosen"
    _set(site.services, {"address": "notes@plain.example"})
    assert BOX not in client.get(url).text, "its links would lead nowhere"
    _set(site.services)
    page = client.get(url).text
    assert BOX in page
    assert LABEL in page
    assert f"{BOX} checked" in client.post(url, data={**BASE, "discreet": "1"}).text
    assert _held(site.services)
    assert f"{BOX}>" in client.post(url, data=BASE).text
    assert not _held(site.services)


def test_who_has_it_keeps_the_box_while_it_cannot_be_made(site: Site, client: httpx.Client) -> None:
    _choose(site.services)
    url = site.link(Purpose.PREFERENCES, "p")
    assert f"{BOX} checked" in client.get(url).text
    client.post(url, data={**BASE, "discreet": "1"})
    assert _held(site.services)


@pytest.mark.parametrize("language", ["en", "my"])
def test_pages_behind_its_links_do_not_name_the_publication(
    site: Site, client: httpx.Client, language: str
) -> None:
    _set(site.services)
    _choose(site.services)
    pages = [(Purpose.PREFERENCES, "p"), (Purpose.UNSUBSCRIBE, "u")]
    for purpose, path in pages:
        page = client.get(f"{site.link(purpose, path)}?l={language}").text
        assert not any(name in page for name in NAMES)
        assert {"en": "Weekly notes", "my": "အပတ်စဉ် မှတ်စု"}[language] in page
    left = client.post(site.link(Purpose.UNSUBSCRIBE), data={"leave": "1"}).text
    assert not any(name in left for name in NAMES)
    assert site.standing()[0] == "ended"


def test_its_host_is_answered_like_the_usual_one(site: Site, client: httpx.Client) -> None:
    _set(site.services)
    _choose(site.services)
    headers = {"Host": "plain.example"}
    url = site.link(Purpose.UNSUBSCRIBE)
    page = client.get(url, headers=headers)
    assert page.status_code == 200
    assert site.services.settings.links_url not in page.text
    done = client.post(url, headers=headers, data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    assert site.standing()[0] == "ended"


PLAIN_HOST = {"Host": "Plain.Example.:443"}


@pytest.mark.parametrize(
    "path", ["/", "/archive", "/archive/weekly", "/archive/weekly/1/en", "/archive/weekly/en.atom"]
)
def test_its_host_shows_nothing_of_the_publication(
    site: Site, client: httpx.Client, path: str
) -> None:
    _set(site.services)
    usual = client.get(site.url + path)
    assert usual.status_code == 200
    assert any(name in usual.text for name in NAMES)
    plain = client.get(site.url + path, headers=PLAIN_HOST)
    assert plain.status_code == 404
    assert not any(name in plain.text for name in (*NAMES, "The ferry at dawn"))


def test_its_host_takes_no_sign_up(site: Site, client: httpx.Client) -> None:
    _set(site.services)
    for answer in (
        client.get(f"{site.url}/s/weekly", headers=PLAIN_HOST),
        client.post(f"{site.url}/s/weekly", headers=PLAIN_HOST, data={"address": "a@b.example"}),
        client.get(f"{site.url}/mailbox", headers=PLAIN_HOST),
    ):
        assert answer.status_code == 404
        assert not any(name in answer.text for name in NAMES)


def test_links_of_an_old_mail_name_nobody_after_an_erasure(
    site: Site, client: httpx.Client
) -> None:
    """Whoever finds the mail opens its links, and the reader's wish is no longer known."""
    _set(site.services)
    _choose(site.services)
    preferences, leaving = site.link(Purpose.PREFERENCES, "p"), site.link(Purpose.UNSUBSCRIBE)
    client.post(preferences, data={"erase": "yes"})
    for url in (preferences, leaving, site.link(Purpose.TEST)):
        page = client.get(url, headers=PLAIN_HOST)
        assert page.status_code == 200
        assert not any(name in page.text for name in NAMES)
        assert "/s/weekly" not in page.text


def test_who_left_and_comes_back_is_told_a_plain_address(site: Site, client: httpx.Client) -> None:
    _set(site.services)
    _choose(site.services)
    url = f"{site.link(Purpose.UNSUBSCRIBE)}?l=en"
    client.post(url, data={"leave": "1"})
    page = client.post(url, data={"come_back": "1"}, headers=PLAIN_HOST).text
    assert "notes@plain.example" in page
    assert not any(name in page for name in (*NAMES, "desk@example.org", "/archive"))


@pytest.fixture
def door(services: Services) -> Iterator[Door]:
    """The page of a publication that has no reader yet."""
    with writing(services.engine) as session:
        publications.create(session, publications.default(), now=now())
    with sign_up.opened(services) as made:
        yield made


def _asked(services: Services) -> list[bool]:
    with reading(services.engine) as session:
        return list(session.scalars(select(Confirmation.discreet)))


def test_form_asks_where_it_is_offered(door: Door, client: httpx.Client) -> None:
    _set(door.services)
    page = client.get(door.page).text
    assert BOX in page
    assert LABEL in page
    client.post(door.page, data=door.fields("a@example.org", discreet="1"))
    client.post(door.page, data=door.fields("b@example.org"))
    assert _asked(door.services) == [True, False]


def test_form_without_the_box_takes_no_such_wish(door: Door, client: httpx.Client) -> None:
    assert BOX not in client.get(door.page).text
    client.post(door.page, data=door.fields("a@example.org", discreet="1"))
    assert _asked(door.services) == [False]


def test_box_stays_ticked_when_something_is_wrong(door: Door, client: httpx.Client) -> None:
    _set(door.services)
    again = client.post(door.page, data=door.fields("nobody", discreet="1"))
    assert again.status_code == 422
    assert f"{BOX} checked" in again.text


def test_waiting_step_carries_the_wish(door: Door, client: httpx.Client) -> None:
    _set(door.services)
    fields = door.fields("a@example.org", discreet="1") | {"number": ""}
    page = client.post(door.page, data=fields).text
    assert re.search(r'type="hidden" name="discreet" value="1"', page)


def test_page_of_the_button_names_nobody(door: Door, client: httpx.Client) -> None:
    _set(door.services)
    client.post(door.page, data=door.fields("a@example.org", discreet="1"))
    with reading(door.services.engine) as session:
        asked = session.scalars(select(Confirmation)).one()
        publication = session.scalars(select(Publication)).one()
        names = list(publication.names.values())
        claim = Claim(asked.public_id, publication.id, Purpose.CONFIRM)
    url = f"{door.url}/c/{door.services.signer.sign(claim)}?l=en"
    for page in (client.get(url).text, client.post(url, data={"confirm": "1"}).text):
        assert not any(name in page for name in names)
        assert "Weekly notes" in page
    assert _held(door.services)
