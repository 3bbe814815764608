"""The preferences page: what it offers, what each press does, and what it never shows."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
import time_machine
from sqlalchemy import func, select

from newsletter.core.clock import now
from newsletter.core.db import reading
from newsletter.core.tokens import Purpose
from subscribers.models import Consent, Subscriber, Subscription, Suppression
from tests.web.conftest import Site

BASE = {"edition": "my"}


def _held(site: Site) -> Subscription:
    with reading(site.services.engine) as session:
        return session.scalars(select(Subscription)).one()


def test_text_only_is_a_box_that_is_set_and_cleared(site: Site, client: httpx.Client) -> None:
    url = site.link(Purpose.PREFERENCES, "p") + "?l=en"
    saved = client.post(url, data={**BASE, "text_only": "1"}).text
    assert 'name="text_only" value="1" checked' in saved
    assert _held(site).text_only
    assert 'name="text_only" value="1">' in client.post(url, data=BASE).text
    assert not _held(site).text_only
    assert site.standing()[2] == ["given editor", "changed page", "changed page"]


@pytest.mark.parametrize("weeks", [1, 2, 4, 8, 12])
def test_a_pause_is_shown_with_its_day_and_ended_by_one_press(
    site: Site, client: httpx.Client, weeks: int
) -> None:
    url = site.link(Purpose.PREFERENCES, "p")
    page = client.post(f"{url}?l=en", data={**BASE, "pause": str(weeks)}).text
    until = _held(site).paused_until_at
    assert until is not None
    assert abs(until - now() - timedelta(weeks=weeks)) < timedelta(minutes=1)
    assert "You have paused the newsletter until" in page
    assert '<option value="keep" selected>' in page
    client.post(url, data={**BASE, "pause": "keep"})
    assert _held(site).paused_until_at == until
    page = client.post(f"{url}?l=en", data={**BASE, "pause": "0"}).text
    assert "You have paused" not in page
    assert '<option value="0" selected>No pause' in page
    assert _held(site).paused_until_at is None


def test_the_day_is_in_the_language_and_the_calendar_of_the_publication(
    site: Site, client: httpx.Client
) -> None:
    url = site.link(Purpose.PREFERENCES, "p")
    # 20:00 in London is the next day in Yangon, whose week this is.
    with time_machine.travel("2026-11-20T20:00:00Z"):
        client.post(url, data={**BASE, "pause": "2"})
        assert "until 5 December 2026" in client.get(f"{url}?l=en").text
        assert "၂၀၂၆ ခုနှစ်၊ ဒီဇင်ဘာလ ၅ ရက် အထိ" in client.get(f"{url}?l=my").text


@pytest.mark.parametrize(
    "fields",
    [
        {"edition": "my", "pause": "3"},
        {"edition": "my", "pause": "-1"},
        {"edition": "my", "text_only": "yes"},
        {"edition": "fr"},
        {"pause": "2"},
        {"erase": "maybe"},
        {"erase": ""},
    ],
)
def test_what_the_page_does_not_offer_changes_nothing(
    site: Site, client: httpx.Client, fields: dict[str, str]
) -> None:
    assert client.post(site.link(Purpose.PREFERENCES, "p"), data=fields).status_code == 400
    assert site.standing() == ("active", "my", ["given editor"])
    assert _held(site).paused_until_at is None


def test_erasing_takes_two_presses_and_leaves_a_neutral_page(
    site: Site, client: httpx.Client
) -> None:
    url = site.link(Purpose.PREFERENCES, "p") + "?l=en"
    asked = client.post(url, data={"erase": "ask"})
    assert "Erase everything now" in asked.text
    assert site.standing()[0] == "active"
    done = client.post(url, data={"erase": "yes"})
    assert "Everything has been erased" in done.text
    assert "<form" not in done.text
    with reading(site.services.engine) as session:
        for table in (Subscriber, Subscription, Consent):
            assert session.scalar(select(func.count()).select_from(table)) == 0
        assert session.scalars(select(Suppression.reason)).one() == "erased"
    for purpose, path in ((Purpose.PREFERENCES, "p"), (Purpose.UNSUBSCRIBE, "u")):
        old = site.link(purpose, path) + "?l=en"
        pages = [client.get(old)]
        pages += [client.post(old, data={"erase": word}) for word in ("ask", "yes") if path == "p"]
        for page in pages:
            assert page.status_code == 200
            assert "no longer belongs to any subscription" in page.text
            assert "<form" not in page.text
            assert "***" not in page.text


def test_who_left_may_still_erase(site: Site, client: httpx.Client) -> None:
    client.post(site.link(Purpose.UNSUBSCRIBE), data={"leave": "1"})
    url = site.link(Purpose.PREFERENCES, "p") + "?l=en"
    assert 'name="erase" value="ask"' in client.get(url).text
    client.post(url, data={"erase": "yes"})
    with reading(site.services.engine) as session:
        assert session.scalar(select(func.count()).select_from(Subscriber)) == 0


def test_a_test_message_offers_all_and_erases_nobody(site: Site, client: httpx.Client) -> None:
    url = site.link(Purpose.TEST, "p") + "?l=en"
    for fields in ({"erase": "ask"}, {"erase": "yes"}, {**BASE, "pause": "2"}):
        assert client.post(url, data=fields).status_code == 200
    assert site.standing() == ("active", "my", ["given editor"])


def test_every_state_of_the_page_is_small_private_and_without_script(
    site: Site, client: httpx.Client
) -> None:
    url = site.link(Purpose.PREFERENCES, "p")
    steps: list[dict[str, str] | None] = [
        None, BASE, {**BASE, "pause": "4", "text_only": "1"}, {"erase": "ask"}, {"erase": "yes"},
    ]  # fmt: skip
    for language in ("en", "my"):
        for fields in steps if language == "my" else steps[:-1]:
            page = client.get(f"{url}?l={language}")
            if fields:
                page = client.post(f"{url}?l={language}", data=fields)
            assert page.status_code == 200
            assert len(page.content) < 20_000
            assert page.headers["referrer-policy"] == "no-referrer"
            assert page.headers["cache-control"] == "no-store"
            for never in ("<script", "thandar", "mail.example.org", "asked for it", "given"):
                assert never not in page.text
