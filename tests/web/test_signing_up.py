"""The sign-up form as readers, guessers, machines and other sites use it."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from newsletter.core.errors import NotFound
from newsletter.core.tokens import Claim, Purpose
from newsletter.editorial import publications
from newsletter.web.public.noticeboard import Notice, Noticeboard
from subscribers import directory, suppression
from subscribers.models import Confirmation, Consent, Subscriber, Subscription
from tests.web.conftest import ADDRESS, Site
from tests.web.sign_up import CONTACT, Door, opened, typed_again

BURMESE = re.compile("[\u1000-\u109f]{3}")


@pytest.fixture
def door(site: Site) -> Iterator[Door]:
    """The page of the site's publication, which has one reader already."""
    with opened(site.services) as made:
        yield made


def test_a_reader_signs_up_and_a_mail_is_planned(door: Door, client: httpx.Client) -> None:
    answer = door.press(client, "khin.mar@mail.example.org", "en+my")
    assert CONTACT in answer.text
    assert "khin" not in answer.text
    assert door.counts() == (2, 1, 1)
    with reading(door.services.engine) as session:
        (asked,) = session.scalars(select(Confirmation))
        assert asked.edition == "en+my"
        assert asked.wording == "Hill Country Letter: Subscribe"
        held = session.get_one(Subscription, asked.subscription_id)
        assert held.state == "pending"


def test_a_sign_up_on_either_database(any_services: Services, client: httpx.Client) -> None:
    with writing(any_services.engine) as session:
        publications.create(session, publications.default(), now=now())
    with opened(any_services) as door:
        for _ in range(2):
            door.press(client, "khin.mar@mail.example.org", "en+my")
        assert door.counts() == (1, 1, 1)
        with reading(any_services.engine) as session:
            claim = Claim(session.scalars(select(Confirmation.public_id)).one(), 1, Purpose.CONFIRM)
        url = f"{door.url}/c/{any_services.signer.sign(claim)}"
        assert client.post(url, data={"confirm": "1"}).status_code == 200
        with reading(any_services.engine) as session:
            assert session.scalars(select(Subscription.state)).all() == ["active"]


@pytest.mark.parametrize("language", ["en", "my"])
def test_the_page_is_small_private_and_in_the_reader_s_language(
    door: Door, client: httpx.Client, language: str
) -> None:
    page = client.get(f"{door.url}/s/weekly", headers={"Accept-Language": f"{language}-MM"})
    assert f'<html lang="{language}"' in page.text
    assert bool(BURMESE.search(page.text.split("<main>")[1].split("<form")[0])) is (
        language == "my"
    )
    parts = [client.get(door.url + path) for path in re.findall(r'"(/static/[^"]+)"', page.text)]
    assert [part.status_code for part in parts] == [200, 200]
    assert sum(len(part.content) for part in (page, *parts)) < 20_000
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert "set-cookie" not in page.headers
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert page.text.count("<script") == 1
    assert not re.search(r"<script(?![^>]* src=)|\son\w+=|style=", page.text)
    assert "script-src" not in client.get(door.url).headers["content-security-policy"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_changes_nothing(door: Door, client: httpx.Client, method: str) -> None:
    assert client.request(method, door.page).status_code == 200
    assert door.counts() == (1, 0, 0)


def test_the_answer_says_nothing_about_the_address(door: Door, client: httpx.Client) -> None:
    """New, subscribed, pending, left, suppressed, braked: the same bytes and the same headers."""
    services = door.services
    with writing(services.engine) as session:
        publication = publications.get(session, None)
        for name in ("barred", "left"):
            directory.add(
                session, services.sealer, publication_id=publication.id,
                address=f"{name}@example.org", edition="en", how="editor", wording="w", now=now(),
            )  # fmt: skip
        index = services.sealer.blind_index("barred@example.org")
        suppression.suppress(session, index, "complaint", now())
        left = services.sealer.blind_index("left@example.org")
        held = session.scalars(
            select(Subscription).join(Subscriber).where(Subscriber.address_index == left)
        ).one()
        held.state, held.ended_at = "ended", now()
    answers = [
        door.press(client, address)
        for address in (
            "new@example.org",
            ADDRESS,
            "new@example.org",  # pending now, and braked
            "left@example.org",
            "barred@example.org",
            "NEW@Example.org",
        )
    ]
    assert len({answer.content for answer in answers}) == 1
    kept = [{k: v for k, v in answer.headers.items() if k != "date"} for answer in answers]
    assert all(headers == kept[0] for headers in kept)
    assert door.counts()[1:] == (3, 3)


FAULTS = [
    ("", "Please write your email address."),
    ("   ", "Please write your email address."),
    ("khin.example.org", "one @-sign"),
    ("a@b@example.org", "It looks like"),
    ("=?utf-8?q?x?=@example.org", "no email address can hold"),
    ("a\r\nBcc: b@example.org", "no email address can hold"),
    ("a\x00b@example.org", "no email address can hold"),
    ("khin@", "after the @-sign"),
    ("khin@localhost", "after the @-sign"),
    ("khin@[192.0.2.1]", "after the @-sign"),
    ("khin@example..org", "after the @-sign"),
    ("khin@example.org.", "after the @-sign"),
    (f"{'k' * 65}@example.org", "too long"),
    (f"khin@{'a.' * 130}org", "too long"),
    (".khin@example.org", "not valid"),
    ("a..b@example.org", "not valid"),
    ("<script>@example.org", "not valid"),
    ("\u202ekhin@example.org", "no email address can hold"),
]


def test_what_is_wrong_with_an_address_is_said_beside_it(door: Door, client: httpx.Client) -> None:
    for (address, sentence), language in product(FAULTS, ("en", "my")):
        answer = client.post(f"{door.url}/s/weekly?l={language}", data=door.fields(address, "my"))
        assert answer.status_code == 422
        (said,) = re.findall(
            r'<p class="fault" id="address-fault" role="alert">(.*?)</p>', answer.text
        )
        assert 'aria-describedby="address-fault"' in answer.text
        assert (sentence in said) if language == "en" else BURMESE.search(said)
        shown = "".join(filter(str.isprintable, address.strip()))[:320]
        assert html.unescape(typed_again(answer)) == shown
        assert '<input type="radio" name="edition" value="my" required checked' in answer.text
        assert len(answer.content) < 12_000
    assert door.counts() == (1, 0, 0)


@pytest.mark.parametrize("edition", ["", "fr", "en+fr", "en+en", "{{7*7}}"])
def test_a_language_that_is_none_is_asked_for_again(
    door: Door, client: httpx.Client, edition: str
) -> None:
    answer = client.post(door.page, data=door.fields("khin@example.org", edition))
    assert answer.status_code == 422
    assert "Please choose a language." in answer.text
    assert typed_again(answer) == "khin@example.org"
    assert " checked" not in answer.text


def test_unusual_addresses_are_taken_as_they_are(door: Door, client: httpx.Client) -> None:
    for number, address in enumerate(
        (
            "KHIN.Mar@Example.ORG",
            "khin+letters@example.org",
            "+x@example.org",
            "khin@ဥပမာ.example.org",
            "abuse@example.org",
        ),
        start=1,
    ):
        door.press(client, address)
        door.press(client, address.upper())
        assert door.counts() == (1 + number, number, number)


def test_closed_doors_say_so_calmly(site: Site, client: httpx.Client) -> None:
    with opened(site.services) as door, writing(site.services.engine) as session:
        publications.get(session, None).archived_at = now()
    with opened(site.services) as door:
        fields = door.fields("khin@example.org")
        shown, sent = client.get(door.page), client.post(door.page, data=fields)
        assert (shown.status_code, sent.status_code) == (200, 409)
        for page in (shown, sent):
            assert "No sign-ups now" in page.text
            assert "<form" not in page.text
        assert door.counts() == (1, 0, 0)
        for unknown in ("none", "WEEKLY", "%00", "a" * 3000):
            assert client.get(f"{door.url}/s/{unknown}").status_code == 404
            assert client.post(f"{door.url}/s/{unknown}", data=fields).status_code == 404


def test_the_first_page_and_the_archive_lead_to_the_form_while_it_is_open(
    site: Site, client: httpx.Client
) -> None:
    with opened(site.services) as door:
        pages = [f"{door.url}{path}?l=en" for path in ("/", "/archive/weekly")]
        for page in pages:
            assert 'href="/s/weekly?l=en"' in client.get(page).text
        with writing(site.services.engine) as session:
            publications.get(session, None).archived_at = now()
        for page in pages:
            assert "/s/weekly" not in client.get(page).text


def test_a_publication_closed_a_moment_ago_takes_nobody(door: Door, client: httpx.Client) -> None:
    assert client.get(door.page).text.count("<form") == 1
    with writing(door.services.engine) as session:
        publications.get(session, None).archived_at = now()
    answer = client.post(door.page, data=door.fields("khin@example.org"))
    assert answer.status_code == 409
    assert door.counts() == (1, 0, 0)


def test_a_change_shows_within_a_minute_and_a_crowd_asks_the_database_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds, asked = [0.0], list[int]()
    board = Noticeboard(site.services, lambda: seconds[0])
    read = board._read

    def counted() -> dict[str, Notice]:
        asked.append(1)
        return read()

    monkeypatch.setattr(board, "_read", counted)

    async def crowd(slug: str = "weekly") -> list[object]:
        many = (board.notice(slug) for _ in range(200))
        return await asyncio.gather(*many, return_exceptions=True)

    async def day() -> None:
        await crowd()
        with writing(site.services.engine) as session:
            publications.get(session, None).archived_at = now()
            wanted = publications.default().model_copy(update={"slug": "monthly"})
            publications.create(session, wanted, now=now())
        for _ in range(5):
            assert all(isinstance(found, NotFound) for found in await crowd("none"))
        assert len(asked) == 1
        seconds[0] = 1.5
        assert (await board.notice("monthly")).masthead.slug == "monthly"
        seconds[0] = 40
        assert (await board.notice("weekly")).is_open is False
        assert len(asked) == 3

    with ThreadPoolExecutor(1) as another_thread:  # a browser's loop may run in this one
        another_thread.submit(asyncio.run, day()).result()


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    fields=st.dictionaries(
        st.sampled_from(["address", "edition", "token", "number", "website", "l", "x"]),
        st.text(max_size=400) | st.sampled_from(["en", "en+my", "khin@example.org"]),
    ),
    raw=st.none() | st.binary(max_size=300),
    kind=st.sampled_from(
        ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""]
    ),
)
def test_whatever_is_sent_is_answered_without_a_failure(
    door: Door, client: httpx.Client, fields: dict[str, str], raw: bytes | None, kind: str
) -> None:
    answer = (
        client.post(door.page, data=fields)
        if raw is None
        else client.post(door.page, content=raw, headers={"Content-Type": kind})
    )
    assert answer.status_code in {200, 422}, answer.text
    assert door.counts() == (1, 0, 0)


def test_a_body_too_large_is_refused(door: Door, client: httpx.Client) -> None:
    answer = client.post(door.page, data={"address": "a" * 20_000})
    assert answer.status_code == 413


def test_nothing_of_the_form_is_run_or_shown_as_markup(door: Door, client: httpx.Client) -> None:
    nasty = '"><script>alert(1)</script>{{7*7}}{the token}@'
    answer = client.post(door.page, data=door.fields(nasty))
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert html.unescape(typed_again(answer)) == nasty
    assert "49" not in typed_again(answer)
    assert re.search(r'name="token" value="[\w-]{28}\.[\w-]{22}"', answer.text)


def test_the_proof_is_complete_after_the_press(door: Door, client: httpx.Client) -> None:
    door.press(client, "khin@example.org", "my")
    with reading(door.services.engine) as session:
        assert session.scalars(select(Consent.how)).all() == ["editor"]
        assert session.scalar(text("SELECT count(*) FROM signup_marks")) == 1
    assert json.dumps(door.counts()) == "[2, 1, 1]"
